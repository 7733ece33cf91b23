package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"browseruse_exporter/apiclient/apitest"
)

// setKey puts a key, or none, into the environment of a test.
func setKey(t *testing.T, key string) {
	t.Helper()
	t.Setenv(keyVariable, key)
}

// TestWrongFlagsStopTheStart checks that each wrong value is refused with one
// line that names the flag, exit status 1, and nothing on standard output.
func TestWrongFlagsStopTheStart(t *testing.T) {
	ok := "--session.id=" + sessionID(1)
	missing := filepath.Join(t.TempDir(), "missing")
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
		want []string // what the line has
	}{
		"an unknown flag":               {args: []string{ok, "--nonsense"}, want: []string{"--nonsense"}},
		"an argument":                   {args: []string{ok, "nonsense"}, want: []string{"nonsense"}},
		"a URL that is none":            {args: []string{ok, "--api.url=api.browser-use.com"}, want: []string{"--api.url", "https://"}},
		"a URL of another scheme":       {args: []string{ok, "--api.url=ftp://example.com"}, want: []string{"--api.url", "https://"}},
		"a URL with a password":         {args: []string{ok, "--api.url=https://u:hidden@example.com"}, want: []string{"--api.url", "password"}},
		"a URL with a query":            {args: []string{ok, "--api.url=https://example.com/?a=b"}, want: []string{"--api.url", "query"}},
		"the key in clear":              {args: []string{ok, "--api.url=http://example.com/api/v3"}, want: []string{"--api.url", "--api.allow-http"}},
		"the key in clear, in capitals": {args: []string{ok, "--api.url=HTTP://example.com/api/v3"}, want: []string{"--api.url", "--api.allow-http"}},
		"a key file and a key":          {args: []string{ok, "--api.key-file=" + missing}, want: []string{"--api.key-file", keyVariable}},
		"a key file that is missing":    {args: []string{ok, "--api.key-file=" + missing}, env: map[string]string{keyVariable: ""}, want: []string{"--api.key-file", missing}},
		"a key file without a key":      {args: []string{ok, "--api.key-file=" + file(t, " \n")}, env: map[string]string{keyVariable: ""}, want: []string{"--api.key-file", "holds no API key"}},
		"a key file of two lines":       {args: []string{ok, "--api.key-file=" + file(t, "bu_a\nbu_b\n")}, env: map[string]string{keyVariable: ""}, want: []string{"--api.key-file", "one line"}},
		"a key of two lines":            {args: []string{ok}, env: map[string]string{keyVariable: "bu_a\nbu_b"}, want: []string{keyVariable, "one line"}},
		"no key at all":                 {args: []string{ok}, env: map[string]string{keyVariable: ""}, want: []string{"--api.key-file", keyVariable, "--demo"}},
		"nothing to export":             {args: []string{"--no-session.discover"}, want: []string{"--no-session.discover", "--session.id", "--session.file"}},
		"discovery, perhaps":            {env: map[string]string{"BROWSERUSE_EXPORTER_SESSION_DISCOVER": "perhaps"}, want: []string{"--session.discover", "perhaps"}},
		"a negative linger":             {args: []string{"--session.linger=-1m"}, want: []string{"--session.linger", "-1m"}},
		"a settle that is none":         {args: []string{"--session.settle=long"}, want: []string{"--session.settle", "long"}},
		"an age that is none":           {args: []string{"--scrape.max-age=10"}, want: []string{"--scrape.max-age", `"10"`}},
		"an empty metadata key":         {args: []string{"--session.metadata-label="}, want: []string{"--session.metadata-label"}},
		"metadata keys that collide":    {args: []string{"--session.metadata-label=a.b", "--session.metadata-label=a-b"}, want: []string{"--session.metadata-label", `"a.b"`, `"a-b"`, "metadata_a_b"}},
		"a timeout that is none":        {args: []string{ok, "--api.timeout=5"}, want: []string{"--api.timeout", `"5"`, "5s"}},
		"no time at all":                {args: []string{ok, "--api.timeout=0s"}, want: []string{"--api.timeout", "5s"}},
		"no concurrency":                {args: []string{ok, "--api.concurrency=0"}, want: []string{"--api.concurrency", "1 to 100"}},
		"a concurrency of words":        {args: []string{ok, "--api.concurrency=ten"}, want: []string{"--api.concurrency", `"ten"`}},
		"a negative rate":               {args: []string{ok, "--api.rate-limit=-1"}, want: []string{"--api.rate-limit", `"-1"`}},
		"a rate that is NaN":            {args: []string{ok, "--api.rate-limit=NaN"}, want: []string{"--api.rate-limit", `"NaN"`}},
		"an endless rate":               {args: []string{ok, "--api.rate-limit=Inf"}, want: []string{"--api.rate-limit", `"Inf"`}},
		"an ID that is none":            {args: []string{"--session.id=42"}, want: []string{"--session.id", `"42"`, "UUID"}},
		"the key for an ID":             {args: []string{"--session.id=" + testKey}, want: []string{"--session.id", "not shown"}},
		"a session file that is gone":   {args: []string{"--session.file=" + missing}, want: []string{"--session.file", missing}},
		"a session file that is bad":    {args: []string{"--session.file=" + file(t, "\n\n42\n")}, want: []string{"--session.file", "line 3", `"42"`}},
		"no session file":               {args: []string{"--session.file="}, want: []string{"--session.file", "path"}},
		"the account, perhaps":          {args: []string{ok}, env: map[string]string{"BROWSERUSE_EXPORTER_COLLECTOR_ACCOUNT": "perhaps"}, want: []string{"--collector.account", "perhaps", "true or false"}},
		"a variable that is wrong":      {args: []string{ok}, env: map[string]string{"BROWSERUSE_EXPORTER_API_TIMEOUT": "soon"}, want: []string{"--api.timeout", "soon"}},
		"a scrape without time":         {args: []string{ok, "--scrape.timeout=0s"}, want: []string{"--scrape.timeout", "5s"}},
		"a negative offset":             {args: []string{ok, "--scrape.timeout-offset=-1s"}, want: []string{"--scrape.timeout-offset", "-1s"}},
		"an address that is none":       {args: []string{ok, "--web.listen-address=10042"}, want: []string{"--web.listen-address", "10042", ":10042"}},
		"a port that is none":           {args: []string{ok, "--web.listen-address=127.0.0.1:99999"}, want: []string{"--web.listen-address", "99999"}},
		"a web config that is missing":  {args: []string{ok, "--web.config.file=" + missing}, want: []string{"--web.config.file", missing}},
		"a web config that is bad":      {args: []string{ok, "--web.config.file=" + file(t, "nonsense: true\n")}, want: []string{"--web.config.file", "nonsense"}},
		"sockets, perhaps":              {args: []string{ok}, env: map[string]string{"BROWSERUSE_EXPORTER_WEB_SYSTEMD_SOCKET": "perhaps"}, want: []string{"--web.systemd-socket", "perhaps"}},
		"metrics at the root":           {args: []string{ok, "--web.telemetry-path=/"}, want: []string{"--web.telemetry-path", "/metrics"}},
		"a telemetry path that is two":  {args: []string{ok, "--web.telemetry-path=/metrics/"}, want: []string{"--web.telemetry-path", "/metrics"}},
		"a telemetry path with braces":  {args: []string{ok, "--web.telemetry-path=/{metrics}"}, want: []string{"--web.telemetry-path", "braces"}},
		"a telemetry path that is bad":  {args: []string{ok, "--web.telemetry-path=metrics"}, want: []string{"--web.telemetry-path", "/metrics"}},
		"a level that is none":          {args: []string{ok, "--log.level=loud"}, want: []string{"--log.level", "loud", "debug, info, warn, error"}},
		"a format that is none":         {args: []string{ok, "--log.format=xml"}, want: []string{"--log.format", "xml", "logfmt, json"}},
		"the demo of a URL":             {args: []string{"--demo", "--api.url=https://example.com"}, want: []string{"--demo", "--api.url"}},
		"the demo with a key":           {args: []string{"--demo", "--api.key-file=" + missing}, want: []string{"--demo", "--api.key-file"}},
	} {
		t.Run(name, func(t *testing.T) {
			setKey(t, testKey)
			for variable, value := range test.env {
				t.Setenv(variable, value)
			}
			var stdout, stderr bytes.Buffer
			if status := run(test.args, &stdout, &stderr); status != 1 {
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
			if strings.Contains(stderr.String(), testKey) || strings.Contains(stderr.String(), "hidden") {
				t.Error("standard error shows a secret")
			}
		})
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

func TestHelpAndVersion(t *testing.T) {
	for flag, want := range map[string][]string{
		"--help": {"\nWhich sessions:\n  --session.id=UUID ...", "\nThe API:\n  --api.url=URL ", " Default: 10.\n", "BROWSERUSE_EXPORTER_API_TIMEOUT=10s is", "\n      --[no-]once "},
		"-h":     {"usage: browseruse_exporter [<flags>]\n"}, "--version": {programName + ", version"},
	} {
		var stdout, stderr bytes.Buffer
		if status := run([]string{flag}, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
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
	list, key := file(t, sessionID(1)+"\n"), file(t, testKey)
	for name, test := range map[string]struct {
		args []string
		key  string
		at   string // "": the address
		want string
	}{
		"the demo":      {args: []string{"--demo"}, want: `sessions="all active ones of the project" from="a simulated project in this process" key=none account=true`},
		"a key":         {key: testKey, want: `from=https://api.browser-use.com/api/v3 key="the environment's BROWSER_USE_API_KEY"`},
		"a key file":    {args: []string{"--api.key-file=" + key}, want: "key=" + key + " "},
		"sockets":       {args: []string{"--demo", "--web.systemd-socket"}, at: "\"the sockets that systemd passes\"", want: "key=none"},
		"some sessions": {key: testKey, args: append(idFlags(2), "--session.file="+list, "--no-collector.account"), want: `sessions="2 of --session.id, those of ` + list + `" from=https://api.browser-use.com/api/v3 key="the environment's BROWSER_USE_API_KEY" account=false`},
	} {
		t.Run(name, func(t *testing.T) {
			setKey(t, test.key)
			var stdout, stderr bytes.Buffer
			if status := run(append(test.args, "--web.listen-address="+address), &stdout, &stderr); status != 1 {
				t.Errorf("exit status %d; want 1", status)
			}
			if !strings.Contains(stderr.String(), "msg=Exporting ") || !strings.Contains(stderr.String(), test.want) || !strings.Contains(stderr.String(), "at="+cmp.Or(test.at, address)+" path=/metrics") {
				t.Errorf("the log does not say %q:\n%s", test.want, &stderr)
			}
			if strings.Contains(stderr.String(), testKey) {
				t.Error("the log shows the key")
			}
		})
	}
}

// serveAPI serves a simulated API on loopback and returns its URL.
func serveAPI(t *testing.T, api http.Handler) string {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return server.URL + "/api/v3"
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
		"all read":            {args: idFlags(2), key: testKey, lines: []string{up(1, 1), up(2, 1), "browseruse_up 1"}},
		"one missing":         {args: idFlags(3), key: testKey, status: 1, lines: []string{up(1, 1), up(2, 1), up(3, 0)}, stderr: "browseruse_exporter: session " + sessionID(3) + " could not be read: not_found: status 404: Not Found\n  it was deleted, or belongs to another project; if none is found, check --api.url\nbrowseruse_exporter: error: not everything could be read\n"},
		"several missing":     {args: idFlags(4), key: testKey, status: 1, lines: []string{up(1, 1), up(2, 1), up(3, 0), up(4, 0)}, stderr: "browseruse_exporter: 2 sessions could not be read (" + sessionID(3) + ", " + sessionID(4) + "): "},
		"a bad key":           {args: idFlags(1), key: "bu_wrong", status: 1, lines: []string{up(1, 0), "browseruse_up 0"}, stderr: "or of the other region; check the key, and --api.url: a project in Europe has https://api.eu.browser-use.com/api/v3, any other https://api.browser-use.com/api/v3\nbrowseruse_exporter: error: nothing could be read\n"},
		"a bad list":          {key: testKey, faulty: "browsers", status: 1, lines: []string{"browseruse_up 1"}, stderr: "browseruse_exporter: the list of active sessions could not be read: server_error: "},
		"the demo, not a key": {args: []string{"--demo"}, lines: []string{"browseruse_up 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			setKey(t, test.key)
			args := append([]string{"--once", "--log.level=error"}, test.args...)
			if test.key != "" {
				api := newAPI(2)
				if test.faulty != "" {
					api.Inject(apitest.Fault{Endpoint: test.faulty, Handler: apitest.Status(500, "")})
				}
				args = append(args, "--api.url="+serveAPI(t, api))
			}
			var stdout, stderr bytes.Buffer
			if status := run(args, &stdout, &stderr); status != test.status {
				t.Errorf("exit status %d, want %d: %s", status, test.status, &stderr)
			}
			has(t, stdout.String(), test.lines...)
			hasNot(t, stdout.String(), "go_", "process_") // the textfile collector has its own
			if !strings.Contains(stderr.String(), test.stderr) || (test.stderr == "") != (stderr.Len() == 0) {
				t.Errorf("standard error %q; want %q in it", &stderr, test.stderr)
			}
		})
	}
}

// listening finds the address in the log line of exporter-toolkit.
var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// listensOn returns the address that a log says, and lets the log go on.
func listensOn(t *testing.T, log io.Reader) (address string) {
	t.Helper()
	lines := bufio.NewScanner(log)
	for address == "" && lines.Scan() {
		if match := listening.FindStringSubmatch(lines.Text()); match != nil {
			address = match[1]
		}
	}
	if address == "" {
		t.Fatal("it ended before it listened")
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	return address
}

// start runs the program in the background until stop, which returns its exit
// status, and waits until it listens on address.
func start(t *testing.T, args ...string) (address string, stop func() int) {
	t.Helper()
	stderr, log := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(append(args, "--web.listen-address=127.0.0.1:0"), io.Discard, log)
		_ = log.Close()
	}()
	return listensOn(t, stderr), func() int {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		return receive(t, ended)
	}
}

// receive waits for what comes in a moment, and does not wait for ever.
func receive[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
	}
	return value
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	status, body, err := fetch(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

// fetch is get where there is no test to fail: in a goroutine.
func fetch(ctx context.Context, url string) (status int, body string, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

func TestServeAndStop(t *testing.T) {
	setKey(t, testKey)
	address, stop := start(t, "--session.id="+sessionID(1), "--api.url="+serveAPI(t, newAPI(1)))
	status, body := get(t, "http://"+address+"/metrics")
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	has(t, body, up(1, 1), "browseruse_up 1", `promhttp_metric_handler_requests_in_flight 1`)
	for _, family := range []string{"go_goroutines ", "process_open_fds ", "browseruse_exporter_build_info{"} {
		if !strings.Contains(body, "\n"+family) {
			t.Errorf("no %s", family)
		}
	}
	if status := stop(); status != 0 {
		t.Errorf("exit status %d after SIGTERM; want 0", status)
	}
}

// TestTheDemoShowsSomething though nobody scrapes it, and says that it is none.
func TestTheDemoShowsSomething(t *testing.T) {
	setKey(t, "")
	address, stop := start(t, "--demo")
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
	setKey(t, "")
	api := newAPI(1)
	path := file(t, testKey+"\n")
	c, err := parseFlags([]string{"--session.id=" + sessionID(1), "--api.key-file=" + path, "--api.url=" + serveAPI(t, api)}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	log := &logBuffer{}
	logger, _ := newLogger(c, log)
	e, err := newExporter(c, logger, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	r := &rig{t: t, api: api, log: log, handler: e.handler(context.Background(), c, logger)}

	has(t, r.scrape(), up(1, 1))
	api.SetKey("bu_rotated")
	has(t, r.scrape(), up(1, 0), "browseruse_up 0", failures("browser", "unauthorized", 1))
	rewrite(t, path, "bu_rotated\n")
	has(t, r.scrape(), up(1, 1), "browseruse_up 1")
	rewrite(t, path, "two words")
	has(t, r.scrape(), up(1, 1))
	has(t, r.scrape(), up(1, 1))
	wantLogged(t, r, 1, "last good key stays in force", path)
	if strings.Contains(log.String(), "bu_rotated") || strings.Contains(log.String(), "two words") {
		t.Error("the log shows the content of the key file")
	}
}

func TestLogFormats(t *testing.T) {
	setKey(t, testKey)
	for format, want := range map[string]*regexp.Regexp{
		"logfmt": regexp.MustCompile(`(?m)^ts=\S+ caller=journal\.go:\d+ level=warn msg="Sessions could not be read" sessions=1 session_id=\S+ reason=not_found err=".*" advice="it was deleted, `),
		"json":   regexp.MustCompile(`(?m)^\{"advice":"it was deleted, .*","caller":"journal\.go:\d+",.*"level":"warn","msg":"Sessions could not be read"`),
	} {
		var stdout, stderr bytes.Buffer
		run([]string{"--once", "--log.level=debug", "--log.format=" + format, "--session.id=" + sessionID(9), "--api.url=" + serveAPI(t, newAPI(1))}, &stdout, &stderr)
		if !want.MatchString(stderr.String()) {
			t.Errorf("%s: %s", format, &stderr)
		}
	}
}

// TestCredentialsAreNowhere reads a session whose every credential is set, in
// all formats at the most talkative level.
func TestCredentialsAreNowhere(t *testing.T) {
	setKey(t, testKey)
	api := newAPI(2)
	api.Add(apitest.Session{ID: sessionID(3), StartedAt: time.Now().Add(-time.Hour), StopAt: time.Now().Add(-time.Minute)})
	api.Inject(apitest.Fault{ID: sessionID(2), Handler: apitest.Status(500, `{"detail":"`+apitest.Credential+testKey+`"}`)})
	var stdout, stderr bytes.Buffer
	run(append(idFlags(3), "--once", "--log.level=debug", "--api.url="+serveAPI(t, api)), &stdout, &stderr)
	has(t, stdout.String(), up(1, 1), up(2, 0), up(3, 1))
	for _, secret := range []string{testKey, apitest.Credential} {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			t.Errorf("the output shows %q", secret)
		}
	}
}
