package exporter_test

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/version"
	"go.uber.org/goleak"

	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(exporter.Run(os.Args[1:], os.Stdout, os.Stderr))
	}
	version.Version = "unknown" // as exporter.Run has it for a build that names none
	goleak.VerifyTestMain(m)
}

// TestWrongFlagsStopTheStart checks that each wrong value is refused with one
// line that names the flag, exit status 1, and nothing on standard output.
func TestWrongFlagsStopTheStart(t *testing.T) {
	ok := "--session.id=" + exportertest.SessionID(1)
	missing := filepath.Join(t.TempDir(), "missing")
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
		want []string // what the line has
	}{
		"an unknown flag":                {args: []string{ok, "--nonsense"}, want: []string{"--nonsense"}},
		"a flag cut short":               {args: []string{ok, "--api-key=hidden"}, want: []string{`"--api-key"; did you mean --api.key-file?`}},
		"a flag with a slip":             {args: []string{ok, "--web.listen-addresss=:1"}, want: []string{"did you mean --web.listen-address?"}},
		"a flag that says no":            {args: []string{ok, "--no-collector.acount"}, want: []string{"did you mean --collector.account?"}},
		"a variable with a slip":         {args: []string{ok}, env: map[string]string{"BROWSERUSE_EXPORTER_API_KEYFILE": "hidden"}, want: []string{"BROWSERUSE_EXPORTER_API_KEYFILE", "did you mean BROWSERUSE_EXPORTER_API_KEY_FILE?"}},
		"an argument":                    {args: []string{ok, "nonsense"}, want: []string{"nonsense"}},
		"a URL that is not one":          {args: []string{ok, "--api.url=api.browser-use.com"}, want: []string{"--api.url", "https://"}},
		"a URL of another scheme":        {args: []string{ok, "--api.url=ftp://example.com"}, want: []string{"--api.url", "https://"}},
		"a URL with a password":          {args: []string{ok, "--api.url=https://u:hidden@example.com"}, want: []string{"--api.url", "password"}},
		"a URL with a query":             {args: []string{ok, "--api.url=https://example.com/?a=b"}, want: []string{"--api.url", "query"}},
		"a URL with a space":             {args: []string{ok, "--api.url=https://example.com/api/v3 "}, want: []string{"--api.url", "without spaces"}},
		"a URL with an empty query":      {args: []string{ok, "--api.url=https://example.com/api/v3?"}, want: []string{"--api.url", "query"}},
		"a URL of an endpoint":           {args: []string{ok, "--api.url=https://example.com/api/v3/browsers/"}, want: []string{"--api.url", "without /browsers"}},
		"a URL of no port":               {args: []string{ok, "--api.url=https://example.com:99999"}, want: []string{"--api.url", "65535"}},
		"the key in clear":               {args: []string{ok, "--api.url=http://example.com/api/v3"}, want: []string{"--api.url", "--api.allow-http"}},
		"the key in clear, in capitals":  {args: []string{ok, "--api.url=HTTP://example.com/api/v3"}, want: []string{"--api.url", "--api.allow-http"}},
		"a key file and a key":           {args: []string{ok, "--api.key-file=" + missing}, want: []string{"--api.key-file", exportertest.KeyVariable}},
		"a key file that is missing":     {args: []string{ok, "--api.key-file=" + missing}, env: map[string]string{exportertest.KeyVariable: ""}, want: []string{"--api.key-file", missing}},
		"a key file without a key":       {args: []string{ok, "--api.key-file=" + exportertest.File(t, " \n")}, env: map[string]string{exportertest.KeyVariable: ""}, want: []string{"--api.key-file", "holds no API key"}},
		"a key file of two lines":        {args: []string{ok, "--api.key-file=" + exportertest.File(t, "bu_a\nbu_b\n")}, env: map[string]string{exportertest.KeyVariable: ""}, want: []string{"--api.key-file", "one line"}},
		"a key of two lines":             {args: []string{ok}, env: map[string]string{exportertest.KeyVariable: "bu_a\nbu_b"}, want: []string{exportertest.KeyVariable, "one line"}},
		"a key in quotes":                {args: []string{ok}, env: map[string]string{exportertest.KeyVariable: `"` + exportertest.Key + `"`}, want: []string{exportertest.KeyVariable, "quotes"}},
		"a key with its name":            {args: []string{ok}, env: map[string]string{exportertest.KeyVariable: "API_KEY=" + exportertest.Key}, want: []string{exportertest.KeyVariable, "name"}},
		"a key file in quotes":           {args: []string{ok, "--api.key-file=" + exportertest.File(t, "'"+exportertest.Key+"'\n")}, env: map[string]string{exportertest.KeyVariable: ""}, want: []string{"--api.key-file", "quotes"}},
		"an env file for a key file":     {args: []string{ok, "--api.key-file=" + exportertest.File(t, "KEY=hidden\n")}, env: map[string]string{exportertest.KeyVariable: ""}, want: []string{"--api.key-file", "name"}},
		"no key at all":                  {args: []string{ok}, env: map[string]string{exportertest.KeyVariable: ""}, want: []string{"--api.key-file", exportertest.KeyVariable, "--demo"}},
		"nothing to export":              {args: []string{"--no-session.discover"}, want: []string{"--no-session.discover", "--session.id", "--session.file"}},
		"discovery, perhaps":             {env: map[string]string{"BROWSERUSE_EXPORTER_SESSION_DISCOVER": "perhaps"}, want: []string{"--session.discover", "perhaps"}},
		"a negative linger":              {args: []string{"--session.linger=-1m"}, want: []string{"--session.linger", "-1m"}},
		"a settle that is not one":       {args: []string{"--session.settle=long"}, want: []string{"--session.settle", "long"}},
		"an age that is not one":         {args: []string{"--scrape.max-age=10"}, want: []string{"--scrape.max-age", `"10"`}},
		"an empty metadata key":          {args: []string{"--session.metadata-label="}, want: []string{"--session.metadata-label"}},
		"metadata keys that collide":     {args: []string{"--session.metadata-label=a.b", "--session.metadata-label=a-b"}, want: []string{"--session.metadata-label", `"a.b"`, `"a-b"`, "metadata_a_b"}},
		"a timeout that is not one":      {args: []string{ok, "--api.timeout=5"}, want: []string{"--api.timeout", `"5"`, "5s"}},
		"no time at all":                 {args: []string{ok, "--api.timeout=0s"}, want: []string{"--api.timeout", "5s"}},
		"no concurrency":                 {args: []string{ok, "--api.concurrency=0"}, want: []string{"--api.concurrency", "1 to 100"}},
		"a concurrency of words":         {args: []string{ok, "--api.concurrency=ten"}, want: []string{"--api.concurrency", `"ten"`}},
		"a negative rate":                {args: []string{ok, "--api.rate-limit=-1"}, want: []string{"--api.rate-limit", `"-1"`}},
		"a rate that is NaN":             {args: []string{ok, "--api.rate-limit=NaN"}, want: []string{"--api.rate-limit", `"NaN"`}},
		"an endless rate":                {args: []string{ok, "--api.rate-limit=Inf"}, want: []string{"--api.rate-limit", `"Inf"`}},
		"an ID that is not one":          {args: []string{"--session.id=42"}, want: []string{"--session.id", `"42"`, "UUID"}},
		"the key for an ID":              {args: []string{"--session.id=" + exportertest.Key}, want: []string{"--session.id", "not shown"}},
		"an assignment for an ID":        {args: []string{"--session.id=Key: hidden"}, want: []string{"--session.id", `"Key:..."`}},
		"an assignment":                  {args: []string{"API_KEY=hidden"}, want: []string{`unexpected "API_KEY=..."`}},
		"a path with a password":         {args: []string{ok, "--web.config.file=PASSWORD=hidden"}, want: []string{"--web.config.file", "open PASSWORD=...: no such file"}},
		"a session file that is gone":    {args: []string{"--session.file=" + missing}, want: []string{"--session.file", missing}},
		"a session file that is bad":     {args: []string{"--session.file=" + exportertest.File(t, "\n\n42\n")}, want: []string{"--session.file", "line 3", `"42"`}},
		"a session file without IDs":     {args: []string{"--session.file=" + exportertest.File(t, "# none yet\n")}, want: []string{"--session.file", "no session ID"}},
		"an env file for a session file": {args: []string{"--session.file=" + exportertest.File(t, "API_KEY=hidden\n")}, want: []string{"--session.file", "line 1", `"API_KEY=..."`}},
		"no web config":                  {args: []string{ok, "--web.config.file="}, want: []string{"--web.config.file", "path"}},
		"a variable of no flag":          {env: map[string]string{"BROWSERUSE_EXPORTER_SESSION_IDS": "hidden"}, want: []string{"BROWSERUSE_EXPORTER_SESSION_IDS", "did you mean BROWSERUSE_EXPORTER_SESSION_ID?"}},
		"a variable that says no":        {env: map[string]string{"BROWSERUSE_EXPORTER_NO_COLLECTOR_ACCOUNT": "true"}, want: []string{"did you mean BROWSERUSE_EXPORTER_COLLECTOR_ACCOUNT=false?"}},
		"a variable like no flag":        {env: map[string]string{"BROWSERUSE_EXPORTER_NONSENSE": "hidden"}, want: []string{"BROWSERUSE_EXPORTER_NONSENSE", "--help"}},
		"a metadata length of none":      {args: []string{ok, "--session.metadata-max-length=-1"}, want: []string{"--session.metadata-max-length", `"-1"`, "0 for no limit"}},
		"sockets without systemd":        {args: []string{ok, "--web.systemd-socket"}, want: []string{"--web.systemd-socket", "systemd"}},
		"a file of arguments":            {args: []string{"@" + missing}, want: []string{missing, "arguments"}},
		"no session file":                {args: []string{"--session.file="}, want: []string{"--session.file", "path"}},
		"the account, perhaps":           {args: []string{ok}, env: map[string]string{"BROWSERUSE_EXPORTER_COLLECTOR_ACCOUNT": "perhaps"}, want: []string{"--collector.account", "perhaps", "true or false"}},
		"a variable that is wrong":       {args: []string{ok}, env: map[string]string{"BROWSERUSE_EXPORTER_API_TIMEOUT": "soon"}, want: []string{"the environment's BROWSERUSE_EXPORTER_API_TIMEOUT: --api.timeout: ", "soon"}},
		"a flag and its variable":        {args: []string{ok, "--api.timeout=soon"}, env: map[string]string{"BROWSERUSE_EXPORTER_API_TIMEOUT": "5s"}, want: []string{"error: --api.timeout: ", "soon"}},
		"a variable of a URL":            {args: []string{ok}, env: map[string]string{"BROWSERUSE_EXPORTER_API_URL": "ftp://example.com"}, want: []string{"the environment's BROWSERUSE_EXPORTER_API_URL: --api.url: want"}},
		"a variable of a missing file":   {env: map[string]string{"BROWSERUSE_EXPORTER_SESSION_FILE": missing}, want: []string{"the environment's BROWSERUSE_EXPORTER_SESSION_FILE: --session.file: ", missing}},
		"a scrape without time":          {args: []string{ok, "--scrape.timeout=0s"}, want: []string{"--scrape.timeout", "5s"}},
		"a negative offset":              {args: []string{ok, "--scrape.timeout-offset=-1s"}, want: []string{"--scrape.timeout-offset", "-1s"}},
		"an address that is not one":     {args: []string{ok, "--web.listen-address=10042"}, want: []string{"--web.listen-address", "10042", ":10042"}},
		"a port that is not one":         {args: []string{ok, "--web.listen-address=127.0.0.1:99999"}, want: []string{"--web.listen-address", `"127.0.0.1:..."`, ":10042"}},
		"a web config that is missing":   {args: []string{ok, "--web.config.file=" + missing}, want: []string{"--web.config.file", missing}},
		"a web config that is bad":       {args: []string{ok, "--web.config.file=" + exportertest.File(t, "nonsense: true\n")}, want: []string{"--web.config.file", "nonsense"}},
		"sockets, perhaps":               {args: []string{ok}, env: map[string]string{"BROWSERUSE_EXPORTER_WEB_SYSTEMD_SOCKET": "perhaps"}, want: []string{"--web.systemd-socket", "perhaps"}},
		"metrics at the root":            {args: []string{ok, "--web.telemetry-path=/"}, want: []string{"--web.telemetry-path", "/metrics"}},
		"a telemetry path that is two":   {args: []string{ok, "--web.telemetry-path=/metrics/"}, want: []string{"--web.telemetry-path", "/metrics"}},
		"a telemetry path with braces":   {args: []string{ok, "--web.telemetry-path=/{metrics}"}, want: []string{"--web.telemetry-path", "braces"}},
		"a telemetry path that is bad":   {args: []string{ok, "--web.telemetry-path=metrics"}, want: []string{"--web.telemetry-path", "/metrics"}},
		"a level that is not one":        {args: []string{ok, "--log.level=loud"}, want: []string{"--log.level", "loud", "debug, info, warn, error"}},
		"a format that is not one":       {args: []string{ok, "--log.format=xml"}, want: []string{"--log.format", "xml", "logfmt, json"}},
		"the demo of a URL":              {args: []string{"--demo", "--api.url=https://example.com"}, want: []string{"--demo", "--api.url"}},
		"the demo with a key":            {args: []string{"--demo", "--api.key-file=" + missing}, want: []string{"--demo", "--api.key-file"}},
	} {
		t.Run(name, func(t *testing.T) {
			exportertest.SetKey(t, exportertest.Key)
			for variable, value := range test.env {
				t.Setenv(variable, value)
			}
			var stdout, stderr bytes.Buffer
			if status := exporter.Run(test.args, &stdout, &stderr); status != 1 {
				t.Errorf("exit status %d; want 1", status)
			}
			if stdout.Len() > 0 {
				t.Errorf("standard output: %s", &stdout)
			}
			line := onlyLine(t, stderr.String())
			for _, part := range test.want {
				if !strings.Contains(line, part) {
					t.Errorf("%q does not have %q", line, part)
				}
			}
			if strings.Contains(stderr.String(), exportertest.Key) || strings.Contains(stderr.String(), "hidden") {
				t.Error("standard error shows a secret")
			}
		})
	}
}

// TestNoFlagShowsAKey gives the API key where it does not belong: to every flag, as
// an argument, as a file of each kind, alone and with its name before it.
func TestNoFlagShowsAKey(t *testing.T) {
	exportertest.SetKey(t, "")
	runs := map[string][]string{}
	for _, flag := range exporter.NewApp(&exporter.Config{}, io.Discard).Model().Flags {
		if flag.Hidden || flag.Name == "help" || flag.Name == "version" {
			continue
		}
		runs[flag.Name] = []string{"--" + flag.Name + "=" + exportertest.Key}
		runs[flag.Name+", apart"] = []string{"--" + flag.Name, exportertest.Key}
		runs[flag.Name+" with the key's name"] = []string{"--" + flag.Name + "=Key: " + exportertest.Key}
	}
	for name, text := range map[string]string{
		"an argument": "%s", "a flag": "--%s", "a short flag": "-%s", "a flag with a value": "--nonsense=%s", "a file of arguments": "@%s", "an assignment": "API_KEY=%s",
		"a sentence": "the key %s",
	} {
		runs[name] = []string{strings.Replace(text, "%s", exportertest.Key, 1)}
	}
	for _, flag := range []string{"session.file", "web.config.file"} {
		for _, text := range []string{"%s", "KEY=%s", "KEY: %s", "- %s", "tls_server_config: %s", "basic_auth_users: {%s: x}"} {
			runs[flag+" that holds "+text] = []string{"--" + flag + "=" + exportertest.File(t, strings.Replace(text, "%s", exportertest.Key, 1)+"\n")}
		}
	}
	for name, args := range runs {
		t.Run(name, func(t *testing.T) {
			exportertest.SetKey(t, "bu_another")
			if strings.HasPrefix(args[0], "--api.key-file") {
				exportertest.SetKey(t, "")
			}
			checkRefused(t, args)
		})
	}
	for _, flag := range exporter.NewApp(&exporter.Config{}, io.Discard).Model().Flags {
		t.Run("variable of "+flag.Name, func(t *testing.T) {
			if flag.Hidden || flag.Name == "help" || flag.Name == "version" {
				t.Skip("it has none")
			}
			exportertest.SetKey(t, "bu_another")
			if flag.Name == "api.key-file" {
				exportertest.SetKey(t, "")
			}
			t.Setenv("BROWSERUSE_EXPORTER_"+strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag.Name)), exportertest.Key)
			checkRefused(t, nil)
		})
	}
}

// checkRefused checks that a start with these arguments ends in one line that has
// no part of the key.
func checkRefused(t *testing.T, args []string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := exporter.Run(args, &stdout, &stderr); status != 1 || stdout.Len() > 0 {
		t.Errorf("exit status %d, standard output %q; want 1 and nothing", status, &stdout)
	}
	onlyLine(t, stderr.String())
	if strings.Contains(stderr.String(), exportertest.Key[:5]) {
		t.Errorf("standard error shows the key: %s", &stderr)
	}
}

// TestVariablesOfKubernetes has those that it sets in each container beside a
// service that is called like the exporter.
func TestVariablesOfKubernetes(t *testing.T) {
	exportertest.SetKey(t, exportertest.Key)
	for name, value := range map[string]string{
		"SERVICE_HOST": "10.0.0.1", "SERVICE_PORT": "10042", "SERVICE_PORT_HTTP": "10042", "PORT": "tcp://10.0.0.1:10042", "PORT_10042_TCP": "tcp://10.0.0.1:10042",
		"PORT_10042_TCP_PROTO": "tcp", "PORT_10042_TCP_PORT": "10042", "PORT_10042_TCP_ADDR": "10.0.0.1",
		"EU_SERVICE_HOST": "10.0.0.2", "EU_PORT": "tcp://10.0.0.2:10042",
	} {
		t.Setenv("BROWSERUSE_EXPORTER_"+name, value)
	}
	if _, err := exporter.ParseFlags(nil, io.Discard); err != nil {
		t.Error(err)
	}
}

// onlyLine returns the one line of standard error that is not of the log.
func onlyLine(t *testing.T, stderr string) string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(stderr) {
		if !strings.Contains(line, "level=") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 {
		t.Fatalf("%d lines; want one: %q", len(lines), lines)
	}
	return lines[0]
}

// TestDurations has those of Go, and those of Prometheus.
func TestDurations(t *testing.T) {
	exportertest.SetKey(t, exportertest.Key)
	for typed, want := range map[string]string{"1.5h": "1h30m0s", "90m": "1h30m0s", "1d": "24h0m0s", "1w2d": "216h0m0s", "0": "0s"} {
		c, err := exporter.ParseFlags([]string{"--session.linger=" + typed}, io.Discard)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, setting := range exporter.Settings(c) {
			if setting.Flag == "session.linger" && setting.Value != want {
				t.Errorf("%s is %s; want %s", typed, setting.Value, want)
			}
		}
	}
}

// TestBuildVersion has what Go knows of programs that were linked without a version.
func TestBuildVersion(t *testing.T) {
	for known, want := range map[string]string{"v1.2.3": "1.2.3", "v0.0.0-20261125100034-c91a7a8fbdbc+dirty": "0.0.0-20261125100034-c91a7a8fbdbc+dirty", "(devel)": "unknown", "": "unknown"} {
		if got := exporter.BuildVersion(&debug.BuildInfo{Main: debug.Module{Version: known}}, true); got != want {
			t.Errorf("a build of %q has version %s; want %s", known, got, want)
		}
	}
	if got := exporter.BuildVersion(nil, false); got != "unknown" {
		t.Errorf("a build of nothing known has version %s", got)
	}
}

func TestHelpAndVersion(t *testing.T) {
	for flag, want := range map[string][]string{
		"--help": {"\n      --session.id=UUID ...", "\n      --api.concurrency=16 ", "($BROWSERUSE_EXPORTER_API_TIMEOUT)", "\n      --[no-]once "},
		"-h":     {"usage: browseruse_exporter [<flags>]\n"}, "--version": {"browseruse_exporter" + ", version"},
	} {
		var stdout, stderr bytes.Buffer
		if status := exporter.Run([]string{flag}, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
			t.Errorf("%s: exit status %d, standard error %q", flag, status, &stderr)
		}
		for _, part := range want {
			if !strings.Contains(stdout.String(), part) {
				t.Errorf("%s does not say %q:\n%s", flag, part, &stdout)
			}
		}
	}
}

// TestTheStartSaysWhatIsExported looks at the log of a start that fails only
// because somebody else listens.
func TestTheStartSaysWhatIsExported(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	address := taken.Listener.Addr().String()
	list, key := exportertest.File(t, exportertest.SessionID(1)+"\n"), exportertest.File(t, exportertest.Key)
	for name, test := range map[string]struct {
		args []string
		key  string
		at   string // "": the address
		want string
	}{
		"the demo":      {args: []string{"--demo"}, want: `discover=true session_ids=0 session_file= api=simulated key_source=none account=true`},
		"a key":         {key: exportertest.Key, want: `api=https://api.browser-use.com/api/v3 key_source=env`},
		"a key file":    {args: []string{"--api.key-file=" + key}, want: "key_source=file "},
		"sockets":       {args: []string{"--demo", "--web.systemd-socket"}, at: "systemd", want: "key_source=none"},
		"some sessions": {key: exportertest.Key, args: append(exportertest.IDFlags(2), "--session.file="+list, "--no-collector.account"), want: `discover=false session_ids=2 session_file=` + list + ` api=https://api.browser-use.com/api/v3 key_source=env account=false`},
	} {
		t.Run(name, func(t *testing.T) {
			exportertest.SetKey(t, test.key)
			var stdout, stderr bytes.Buffer
			if status := exporter.Run(append(test.args, "--web.listen-address="+address), &stdout, &stderr); status != 1 {
				t.Errorf("exit status %d; want 1", status)
			}
			if !strings.Contains(stderr.String(), "msg=Exporting ") || !strings.Contains(stderr.String(), test.want) || !strings.Contains(stderr.String(), "address="+cmp.Or(test.at, address)+" path=/metrics") {
				t.Errorf("the log does not say %q:\n%s", test.want, &stderr)
			}
			if strings.Contains(stderr.String(), exportertest.Key) {
				t.Error("the log shows the key")
			}
		})
	}
}

func TestOnce(t *testing.T) {
	for name, test := range map[string]struct {
		args   []string
		key    string
		faulty string // an endpoint
		status int
		lines  []string
		stderr string
	}{
		"all read":            {args: exportertest.IDFlags(2), key: exportertest.Key, lines: []string{exportertest.Up(1, 1), exportertest.Up(2, 1), "browseruse_up 1"}},
		"one missing":         {args: exportertest.IDFlags(3), key: exportertest.Key, status: 1, lines: []string{exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Up(3, 0)}, stderr: "browseruse_exporter: session " + exportertest.SessionID(3) + " could not be read: not_found: status 404: Not Found\n  it was deleted, or belongs to another project; if none is found, check --api.url\nbrowseruse_exporter: error: not everything could be read\n"},
		"several missing":     {args: exportertest.IDFlags(4), key: exportertest.Key, status: 1, lines: []string{exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Up(3, 0), exportertest.Up(4, 0)}, stderr: "browseruse_exporter: 2 sessions could not be read (" + exportertest.SessionID(3) + ", " + exportertest.SessionID(4) + "): "},
		"a bad key":           {args: exportertest.IDFlags(1), key: "bu_wrong", status: 1, lines: []string{exportertest.Up(1, 0), "browseruse_up 0"}, stderr: "or of the other region; check the key, and --api.url: a project in Europe has https://api.eu.browser-use.com/api/v3, any other https://api.browser-use.com/api/v3\nbrowseruse_exporter: error: nothing could be read\n"},
		"a bad list":          {key: exportertest.Key, faulty: "browsers", status: 1, lines: []string{"browseruse_up 1"}, stderr: "browseruse_exporter: the list of active sessions could not be read: server_error: "},
		"the demo, not a key": {args: []string{"--demo"}, lines: []string{"browseruse_up 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			exportertest.SetKey(t, test.key)
			args := append([]string{"--once", "--log.level=error"}, test.args...)
			if test.key != "" {
				api := exportertest.NewAPI(2)
				if test.faulty != "" {
					api.Inject(simapi.Fault{Endpoint: test.faulty, Handler: simapi.Status(500, "")})
				}
				args = append(args, "--api.url="+exportertest.ServeAPI(t, api))
			}
			var stdout, stderr bytes.Buffer
			if status := exporter.Run(args, &stdout, &stderr); status != test.status {
				t.Errorf("exit status %d, want %d: %s", status, test.status, &stderr)
			}
			exportertest.Has(t, stdout.String(), test.lines...)
			exportertest.HasNot(t, stdout.String(), "go_", "process_") // the textfile collector has its own
			if !strings.Contains(stderr.String(), test.stderr) || (test.stderr == "") != (stderr.Len() == 0) {
				t.Errorf("standard error %q; want %q in it", &stderr, test.stderr)
			}
		})
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	status, body, err := exportertest.Fetch(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

func TestServeAndStop(t *testing.T) {
	exportertest.SetKey(t, exportertest.Key)
	address, stop := exportertest.Run(t, "--session.id="+exportertest.SessionID(1), "--api.url="+exportertest.ServeAPI(t, exportertest.NewAPI(1)))
	status, body := get(t, "http://"+address+"/metrics")
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	exportertest.Has(t, body, exportertest.Up(1, 1), "browseruse_up 1", `promhttp_metric_handler_requests_in_flight 1`)
	for _, family := range []string{"go_goroutines ", "process_open_fds ", "browseruse_exporter_build_info{"} {
		if !strings.Contains(body, "\n"+family) {
			t.Errorf("no %s", family)
		}
	}
	if status := stop(); status != 0 {
		t.Errorf("exit status %d after SIGTERM; want 0", status)
	}
}

// TestTheDemoShowsSomething though nobody scrapes it, and says that it is a demo.
func TestTheDemoShowsSomething(t *testing.T) {
	exportertest.SetKey(t, "")
	address, stop := exportertest.Run(t, "--demo")
	defer stop()
	var page string
	for deadline := time.Now().Add(time.Minute); !strings.Contains(page, `data-state="active"`); {
		if time.Now().After(deadline) {
			t.Fatalf("the page has no session:\n%s", page)
		}
		_, page = get(t, "http://"+address+"/")
	}
	if !strings.Contains(page, "A demo: ") {
		t.Error("the page does not say that it is simulated")
	}
}

// TestKeyFileIsReadAgain rotates a key while the exporter runs.
func TestKeyFileIsReadAgain(t *testing.T) {
	exportertest.SetKey(t, "")
	api := exportertest.NewAPI(1)
	path := exportertest.File(t, exportertest.Key+"\n")
	r := exportertest.Start(t, "--session.id="+exportertest.SessionID(1), "--api.key-file="+path, "--api.url="+exportertest.ServeAPI(t, api))

	exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1))
	api.SetKey("bu_rotated")
	exportertest.Has(t, r.Scrape(), exportertest.Up(1, 0), "browseruse_up 0", exportertest.Failures("browser", "unauthorized", 1))
	exportertest.Rewrite(t, path, "bu_rotated\n")
	exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), "browseruse_up 1")
	exportertest.Rewrite(t, path, "two words")
	exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1))
	exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1))
	r.Logged(1, "last good key stays in force", path)
	if strings.Contains(r.Log.String(), "bu_rotated") || strings.Contains(r.Log.String(), "two words") {
		t.Error("the log shows the content of the key file")
	}
}

func TestLogFormats(t *testing.T) {
	exportertest.SetKey(t, exportertest.Key)
	for format, want := range map[string]*regexp.Regexp{
		"logfmt": regexp.MustCompile(`(?m)^ts=\S+ caller=failurelog\.go:\d+ level=warn msg="Sessions could not be read" sessions=1 session_id=\S+ reason=not_found err=".*" advice="it was deleted, `),
		"json":   regexp.MustCompile(`(?m)^\{"advice":"it was deleted, .*","caller":"failurelog\.go:\d+",.*"level":"warn","msg":"Sessions could not be read"`),
	} {
		var stdout, stderr bytes.Buffer
		exporter.Run([]string{"--once", "--log.level=debug", "--log.format=" + format, "--session.id=" + exportertest.SessionID(9), "--api.url=" + exportertest.ServeAPI(t, exportertest.NewAPI(1))}, &stdout, &stderr)
		if !want.MatchString(stderr.String()) {
			t.Errorf("%s: %s", format, &stderr)
		}
	}
}

// TestCredentialsAreNowhere reads a session whose every credential is set, in
// all formats at the most talkative level.
func TestCredentialsAreNowhere(t *testing.T) {
	exportertest.SetKey(t, exportertest.Key)
	api := exportertest.NewAPI(2)
	api.Add(simapi.Session{ID: exportertest.SessionID(3), StartedAt: time.Now().Add(-time.Hour), StopAt: time.Now().Add(-time.Minute)})
	api.Inject(simapi.Fault{ID: exportertest.SessionID(2), Handler: simapi.Status(500, `{"detail":"`+simapi.Credential+exportertest.Key+`"}`)})
	var stdout, stderr bytes.Buffer
	exporter.Run(append(exportertest.IDFlags(3), "--once", "--log.level=debug", "--api.url="+exportertest.ServeAPI(t, api)), &stdout, &stderr)
	exportertest.Has(t, stdout.String(), exportertest.Up(1, 1), exportertest.Up(2, 0), exportertest.Up(3, 1))
	for _, secret := range []string{exportertest.Key, simapi.Credential} {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			t.Errorf("the output shows %q", secret)
		}
	}
}
