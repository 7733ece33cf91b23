package exporter_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/exporter/exportertest"
)

// checkConfig gives --check-config a file beside a file "key" with an API key, and
// returns what it prints.
func checkConfig(t *testing.T, content string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"key": exportertest.Key, "empty": "", "sessions": exportertest.SessionID(1), "projects.yml": content} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, err bytes.Buffer
	status = exporter.Run(append([]string{"--check-config", "--config.file=" + filepath.Join(dir, "projects.yml")}, args...), &out, &err)
	return status, strings.ReplaceAll(out.String(), dir+"/", ""), strings.ReplaceAll(err.String(), dir+"/", "")
}

func TestAGoodConfigFile(t *testing.T) {
	exportertest.SetKey(t, "")
	for name, content := range map[string]string{
		"the least": "projects:\n  - name: shop\n    api_key_file: key\n",
		"everything": `# two of them
projects:
  - name: shop-EU_2
    api_url: https://api.eu.browser-use.com/api/v3/
    allow_http: false
    api_key_file: key
    timeout: 3s
    concurrency: 4
    rate_limit: 2.5
    session_ids: [00000000-0000-4000-8000-000000000001, "00000000-0000-4000-8000-000000000002"]
    session_file: sessions
    discover: true
    short_lived: false
    min_age: 1m
    min_cost: 0.05
    linger: 5m
    settle: 30m
    metadata_labels: [team, customer]
    metadata_max_length: 64
    account: false
    max_age: 25s
  - &again
    name: lab
    api_key_file: key
`,
		"as JSON":                   `{"projects": [{"name": "shop", "api_key_file": "key"}]}`,
		"two projects with one key": "projects: [{name: a, api_key_file: &key key}, {name: b, api_key_file: *key}]",
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := checkConfig(t, content)
			if status != 0 || !strings.HasPrefix(stdout, "projects.yml: good, projects: ") || stderr != "" {
				t.Errorf("exit status %d, %q, %q", status, stdout, stderr)
			}
		})
	}
}

// TestABadConfigFile checks the line that tells the place, and what would be right.
func TestABadConfigFile(t *testing.T) {
	exportertest.SetKey(t, "")
	const shop = "projects:\n  - name: shop\n    api_key_file: key\n" // three lines
	for name, test := range map[string]struct{ content, want string }{
		"nothing":                {"", `line 1: holds no project; want a list of them below the key projects`},
		"no projects":            {"projects: []\n", `line 1: holds no project; want a list of them below the key projects`},
		"a list at once":         {"- name: shop\n", `line 1: the file: want a mapping with the keys projects`},
		"no list":                {"projects: shop\n", `line 1: projects: want a list`},
		"no mapping":             {"projects:\n  - shop\n", `line 2: a project: want a mapping with the keys name, api_url, `},
		"another key":            {shop + "project: shop\n", `line 4: "project": no key of the file; want projects`},
		"no YAML":                {"projects:\n\t- name: shop\n", `line 2: found character that cannot start any token`},
		"an unknown anchor":      {"projects: *hidden\n", `unknown anchor (not shown) referenced`},
		"a second document":      {shop + "---\n" + shop, `line 4: a second document; want one`},
		"an unknown key":         {shop + "    api_key: hidden\n", `line 4: "api_key": no key of a project; want name, api_url, `},
		"a merge":                {"projects:\n  - &a {name: a, api_key_file: key}\n  - <<: *a\n", `line 3: "<<": no key of a project; `},
		"a double key":           {shop + "    name: lab\n", `line 4: name: stands in line 2, too; want it once`},
		"a double name":          {shop + "  - name: shop\n    api_key_file: key\n", `line 4: name: the project of line 2 has this name already; want another one`},
		"no name":                {"projects:\n  - api_key_file: key\n", `line 2: a project without a name; want letters, digits, _ and -, such as shop-eu`},
		"null for a name":        {"projects:\n  - name: null\n", `line 2: a project without a name; `},
		"a bad name":             {"projects:\n  - api_key_file: key\n    name: my shop\n", `line 3: name: "my shop": want letters, digits, _ and -, such as shop-eu`},
		"a key for a name":       {"projects:\n  - name: " + exportertest.Key + "\n", `line 2: name: (not shown, it may hold a key): want letters`},
		"no key file":            {"projects:\n  - name: shop\n", `line 2: the project shop has no api_key_file; want the path of the file with its API key`},
		"a key file that is not": {"projects:\n  - name: shop\n    api_key_file: gone\n", `line 3: api_key_file: open gone: no such file or directory`},
		"an empty key file":      {"projects:\n  - name: shop\n    api_key_file: empty\n", `line 3: api_key_file: empty: holds no API key`},
		"a key for a key file":   {"projects:\n  - name: shop\n    api_key_file: " + exportertest.Key + "\n", `line 3: api_key_file: open (not shown`},
		"a bad URL":              {shop + "    api_url: ftp://example.com\n", `line 4: api_url: want a URL such as https://api.browser-use.com/api/v3`},
		"a URL in clear":         {shop + "    api_url: http://example.com\n", `line 4: api_url: http:// to another host would send the API key in clear; use https://, or allow_http if that is what you want`},
		"a number in words":      {shop + "    rate_limit: fast\n", `line 4: rate_limit: "fast": want a number of requests a second, or 0 for no limit`},
		"no whole number":        {shop + "    concurrency: many\n", `line 4: concurrency: "many": want a whole number from 1 to 100`},
		"a bad switch":           {shop + "    discover: maybe\n", `line 4: discover: "maybe": want true or false`},
		"an empty value":         {shop + "    linger:\n", `line 4: linger: "": want a duration such as 500ms, 5s or 1d`},
		"a list for a value":     {shop + "    timeout: [5s]\n", `line 4: timeout: want one value, no list and no mapping`},
		"a value for a list":     {shop + "    metadata_labels: team\n", `line 4: metadata_labels: want a list`},
		"a bad session":          {shop + "    session_ids:\n    - 00000000-0000-4000-8000-000000000001\n    - two\n", `line 6: session_ids: "two": want a UUID such as `},
		"a bad session file":     {shop + "    session_file: key\n", `line 4: session_file: key: line 1: (not shown, it may hold a key) is no session ID`},
		"no session left":        {shop + "    discover: false\n", `line 4: discover: leaves no session to export; give session_ids or session_file`},
		"labels that collide":    {shop + "    metadata_labels: [a-b, a_b]\n", `line 4: metadata_labels: `},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := checkConfig(t, test.content)
			if status != 1 || stdout != "" {
				t.Errorf("exit status %d, standard output %q; want 1 and nothing", status, stdout)
			}
			line := onlyLine(t, stderr)
			if want := "browseruse_exporter: error: --config.file: projects.yml: " + test.want; !strings.HasPrefix(line, want) {
				t.Errorf("%q does not begin with %q", line, want)
			}
			if strings.Contains(line, "hidden") || strings.Contains(line, exportertest.Key) {
				t.Errorf("%q shows a secret", line)
			}
		})
	}
}

// TestWhatDoesNotGoWithAConfigFile has flags and variables that belong to one project.
func TestWhatDoesNotGoWithAConfigFile(t *testing.T) {
	file := exportertest.File(t, "projects: [{name: shop, api_key_file: "+exportertest.File(t, exportertest.Key)+"}]")
	for name, test := range map[string]struct {
		key  string
		args []string
		want []string
	}{
		"a key file":           {args: []string{"--api.key-file=" + file}, want: []string{"--config.file", "--api.key-file", "api_key_file"}},
		"a key":                {key: exportertest.Key, want: []string{"--config.file", exportertest.KeyVariable, "api_key_file"}},
		"a session":            {args: exportertest.IDFlags(1), want: []string{"--config.file", "--session.id", "session_ids"}},
		"a session file":       {args: []string{"--session.file=" + file}, want: []string{"--config.file", "--session.file", "session_file"}},
		"metrics at the probe": {args: []string{"--web.telemetry-path=/probe"}, want: []string{"--web.telemetry-path", "/probe"}},
		"metrics at the list":  {args: []string{"--web.telemetry-path=/sd"}, want: []string{"--web.telemetry-path", "/sd"}},
		"metrics at the JSON":  {args: []string{"--web.telemetry-path=/api/v1/projects"}, want: []string{"--web.telemetry-path"}},
		"a bad default":        {args: []string{"--api.url=ftp://example.com"}, want: []string{"error: --api.url: "}},
	} {
		t.Run(name, func(t *testing.T) {
			exportertest.SetKey(t, test.key)
			var stdout, stderr bytes.Buffer
			if status := exporter.Run(append(test.args, "--config.file="+file), &stdout, &stderr); status != 1 {
				t.Errorf("exit status %d; want 1", status)
			}
			line := onlyLine(t, stderr.String())
			for _, part := range test.want {
				if !strings.Contains(line, part) {
					t.Errorf("%q does not have %q", line, part)
				}
			}
		})
	}
	exportertest.SetKey(t, exportertest.Key)
	var stdout, stderr bytes.Buffer
	if exporter.Run([]string{"--check-config"}, &stdout, &stderr); !strings.Contains(onlyLine(t, stderr.String()), "--config.file") {
		t.Errorf("--check-config alone: %s", &stderr)
	}
}

// TestEveryFlagOfAProjectHasAKey but help.
func TestEveryFlagOfAProjectHasAKey(t *testing.T) {
	flags := slices.Collect(maps.Values(exporter.ProjectKeys()))
	for _, flag := range exporter.ProjectFlags() {
		if !flag.Hidden && flag.Name != "help" && !slices.Contains(flags, flag.Name) {
			t.Errorf("the configuration file has no key for --%s", flag.Name)
		}
	}
}

// FuzzConfigFile checks that whatever a file holds, it is read or refused in a line
// that has no key in it.
func FuzzConfigFile(f *testing.F) {
	for _, content := range []string{
		"projects:\n  - name: shop\n    api_key_file: key\n    session_ids: [a, b]\n", "projects: [{name: a, api_key_file: &k key, metadata_labels: [x]}, {name: b, api_key_file: *k}]",
		"a: &a [*a]\nprojects: *a", "projects: [bu_secret]", "projects:\n- bu_secret: *bu_secret", "--- a\n--- b", "projects: !!binary bu_", "{projects: [{name: {}}]}", "\x00", "? []\n: {}",
	} {
		f.Add([]byte(content))
	}
	name := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	f.Fuzz(func(t *testing.T, content []byte) {
		names, err := exporter.ParseConfigFile(content)
		switch {
		case err == nil && len(names) == 0:
			t.Error("neither a project nor an error")
		case err != nil && (strings.Contains(err.Error(), "bu_") || strings.Contains(err.Error(), "\n")):
			t.Errorf("the error is %q", err)
		}
		seen := map[string]bool{}
		for _, n := range names {
			if !name.MatchString(n) || seen[n] || strings.Contains(n, "bu_") {
				t.Errorf("the names are %q", names)
			}
			seen[n] = true
		}
	})
}

// TestFlagsAreTheDefaultsOfProjects looks at what the page of each says.
func TestFlagsAreTheDefaultsOfProjects(t *testing.T) {
	exportertest.SetKey(t, "")
	key := exportertest.File(t, exportertest.Key)
	r := exportertest.Start(t, "--api.rate-limit=3", "--session.metadata-label=team", "--no-collector.account", "--config.file="+
		exportertest.File(t, "projects: [{name: shop, api_key_file: "+key+"}, {name: lab, api_key_file: "+key+", rate_limit: 7, metadata_labels: [owner], account: true, session_ids: ["+exportertest.SessionID(1)+"]}]"))
	for project, want := range map[string][]string{
		"shop": {"api.rate-limit 3", "session.metadata-label team", "collector.account false", "session.discover true", "api.key-file key from: file"},
		"lab":  {"api.rate-limit 7", "session.metadata-label owner", "collector.account true", "session.discover false", "session.id 1 given"},
	} {
		facts := map[string]bool{}
		for _, match := range regexp.MustCompile(`<div><dt>(\S+)</dt><dd>(.*)</dd></div>`).FindAllStringSubmatch(r.Get("/?project="+project).Body.String(), -1) {
			facts[match[1]+" "+match[2]] = true
		}
		for _, fact := range want {
			if !facts[fact] {
				t.Errorf("%s: the page does not say %q", project, fact)
			}
		}
	}
}
