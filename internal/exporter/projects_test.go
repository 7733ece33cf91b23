package exporter_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// several starts an exporter of projects with as many active sessions each.
func several(t *testing.T, sessions map[string]int, args ...string) *exportertest.Several {
	t.Helper()
	apis := map[string]*simapi.Server{}
	for name, n := range sessions {
		apis[name] = exportertest.NewAPI(n)
	}
	return exportertest.NewSeveral(t, apis, args...)
}

// reload waits until the configuration file has been read again.
func reload() { time.Sleep(exporter.ConfigInterval + time.Second) }

const (
	good = "browseruse_config_last_reload_successful 1"
	bad  = "browseruse_config_last_reload_successful 0"
)

// asked is the line of a project's metrics with its requests for the active sessions.
func asked(n int) string {
	return fmt.Sprintf(`browseruse_api_requests_total{code="200",endpoint="browsers"} %d`, n)
}

// TestTheConfigFileChanges step by step. A project that stays keeps its counters.
func TestTheConfigFileChanges(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		s := several(t, map[string]int{"shop": 1, "lab": 2})
		exportertest.Has(t, s.Probe("shop"), "browseruse_up 1", exportertest.Up(1, 1), asked(1))
		exportertest.Has(t, s.Probe("lab"), exportertest.Up(2, 1), asked(1))
		loaded := metric(t, s.Scrape(), "browseruse_config_last_reload_success_timestamp_seconds")

		t.Log("a project comes")
		s.APIs["docs"] = exportertest.NewAPI(3)
		s.Configure("docs", "lab", "shop")
		reload()
		exportertest.Has(t, s.Probe("docs"), exportertest.Up(3, 1), asked(1))
		exportertest.Has(t, s.Probe("shop"), asked(2))
		exportertest.Has(t, s.Probe("lab"), asked(2))
		if got := s.Scrape(); metric(t, got, "browseruse_config_last_reload_success_timestamp_seconds") == loaded {
			t.Error("the time of the last reload stays")
		}

		t.Log("another changes: it starts anew, and only it")
		s.Configure("docs", "lab, account: false", "shop")
		reload()
		lab := s.Probe("lab")
		exportertest.Has(t, lab, exportertest.Up(2, 1), asked(1))
		exportertest.HasNot(t, lab, "browseruse_account_")
		exportertest.Has(t, s.Probe("shop"), asked(3), `browseruse_account_credits_usd{source="monthly"} 87.5`)

		t.Log("the order changes: nothing starts anew")
		s.Configure("shop", "docs", "lab, account: false")
		reload()
		exportertest.Has(t, s.Probe("lab"), asked(2))

		t.Log("one goes")
		s.Configure("docs", "shop")
		reload()
		if got := s.Get("/probe?project=lab"); got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), "docs, shop\n") {
			t.Errorf("the project that is gone: %d, %q", got.Code, got.Body)
		}
		exportertest.Has(t, s.Probe("shop"), asked(4))

		t.Log("a bad file, half of it good, changes nothing")
		s.Configure("docs", "lab", "shop, rate_limit: fast")
		reload()
		reload()
		exportertest.Has(t, s.Scrape(), bad)
		exportertest.Has(t, s.Probe("shop"), asked(5))
		if got := s.Get("/probe?project=lab"); got.Code != http.StatusNotFound {
			t.Errorf("half of a bad file is in force: status %d", got.Code)
		}
		s.Logged(1, "level=error", "Configuration file is bad", s.ConfigFile+": line 4: rate_limit: ", "projects=2")
		if page := s.Get("/").Body.String(); !strings.Contains(page, "The configuration file is bad or gone") {
			t.Error("the page does not tell")
		}

		t.Log("no file")
		if err := os.Rename(s.ConfigFile, s.ConfigFile+".away"); err != nil {
			t.Fatal(err)
		}
		reload()
		exportertest.Has(t, s.Scrape(), bad)
		exportertest.Has(t, s.Probe("shop"), asked(6))
		s.Logged(1, "level=error", "Configuration file is bad", "no such file")

		t.Log("good again")
		s.Configure("docs", "shop")
		reload()
		exportertest.Has(t, s.Scrape(), good)
		exportertest.Has(t, s.Probe("shop"), asked(7))
		s.Logged(1, "level=info", "Configuration file loaded", "projects=2", "started=0", "ended=1")
		s.CheckNoSecrets()
	})
}

// metric returns the value of a series without labels.
func metric(t *testing.T, exposition, name string) string {
	t.Helper()
	_, value, ok := strings.Cut(exposition, "\n"+name+" ")
	if !ok {
		t.Fatalf("no %s", name)
	}
	value, _, _ = strings.Cut(value, "\n")
	return value
}

// TestAKeyFileThatComesLater has a project's secret be put in place after the
// configuration that names it.
func TestAKeyFileThatComesLater(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		s := several(t, map[string]int{"shop": 1})
		s.APIs["lab"] = exportertest.NewAPI(1)
		key := filepath.Join(t.TempDir(), "key")
		text, err := os.ReadFile(s.ConfigFile)
		if err != nil {
			t.Fatal(err)
		}
		exportertest.Rewrite(t, s.ConfigFile, string(text)+"  - {name: lab, api_url: 'http://lab.test/api/v3', api_key_file: "+key+"}\n")
		reload()
		exportertest.Has(t, s.Scrape(), bad)
		s.Logged(1, "level=error", s.ConfigFile+": line 3: api_key_file: open "+key)
		exportertest.Rewrite(t, key, exportertest.Key)
		reload()
		exportertest.Has(t, s.Scrape(), good)
		exportertest.Has(t, s.Probe("lab"), "browseruse_up 1")
	})
}

// TestAConfigFileThatIsBeingWritten does not come into force half written.
func TestAConfigFileThatIsBeingWritten(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		s := several(t, map[string]int{"lab": 1, "shop": 1})
		whole, err := os.ReadFile(s.ConfigFile)
		if err != nil {
			t.Fatal(err)
		}
		half := whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1] // without the last project
		if err := os.WriteFile(s.ConfigFile, half, 0o600); err != nil {
			t.Fatal(err)
		}
		reload()
		for range 3 {
			exportertest.Has(t, s.Probe("shop"), "browseruse_up 1") // nor do scrapes put it into force
		}
		if err := os.WriteFile(s.ConfigFile, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		reload()
		reload()
		exportertest.Has(t, s.Probe("shop"), asked(4))
	})
}

// TestAHoldOutlivesAReload of the configuration file, for a project that stays.
func TestAHoldOutlivesAReload(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		s := several(t, map[string]int{"shop": 1, "lab": 1})
		s.APIs["shop"].Inject(simapi.Fault{Times: 1, Handler: simapi.Status(429, "", "Retry-After", "60")})
		s.Probe("shop")
		s.Configure("shop")
		reload()
		before := len(s.APIs["shop"].Requests())
		got := s.Probe("shop")
		exportertest.Has(t, got, "browseruse_up 0")
		metric(t, got, "browseruse_api_hold_until_timestamp_seconds")
		if after := len(s.APIs["shop"].Requests()); after != before {
			t.Errorf("requests of kinds %d; want none more than %d", after, before)
		}
		time.Sleep(time.Minute)
		exportertest.Has(t, s.Probe("shop"), "browseruse_up 1")
	})
}

// TestAProjectThatGoesLeavesNothing though a reading of it hangs. The bubble would
// not end with a goroutine left.
func TestAProjectThatGoesLeavesNothing(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		s := several(t, map[string]int{"shop": 1, "lab": 1}, "--api.timeout=5m", "--no-collector.account") // one request at a time, one connection
		s.Probe("shop")
		synctest.Wait()
		open := s.Open.Load()
		s.Probe("lab")
		s.APIs["lab"].Inject(simapi.Fault{Handler: simapi.Hang()})
		start, took := time.Now(), make(chan time.Duration, 1)
		go func() {
			s.Get("/probe?project=lab", "X-Prometheus-Scrape-Timeout-Seconds", "600")
			took <- time.Since(start)
		}()
		s.Configure("shop")
		reload()
		if got := <-took; got > 2*exporter.ConfigInterval {
			t.Errorf("the scrape of the project that is gone took %v", got)
		}
		exportertest.Has(t, s.Probe("shop"), "browseruse_up 1")
		synctest.Wait()
		if got := s.Open.Load(); got != open {
			t.Errorf("%d connections to the APIs; want the %d of the project that stays", got, open)
		}
		s.Exit()
		synctest.Wait()
		if got := s.Open.Load(); got != 0 {
			t.Errorf("%d connections are left", got)
		}
	})
}

// TestTroubleOfAProjectIsItsOwn has one API hang, one refuse the key and one ask for
// a pause. All others are read at once, meanwhile and after.
func TestTroubleOfAProjectIsItsOwn(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		s := several(t, map[string]int{"hangs": 1, "refuses": 1, "pauses": 1, "good": 3, "better": 3})
		s.APIs["hangs"].Inject(simapi.Fault{Handler: simapi.Hang()})
		s.APIs["refuses"].SetKey("bu_another")
		s.APIs["pauses"].Inject(simapi.Fault{Handler: simapi.Status(429, "", "Retry-After", "300")})
		for range 5 {
			start, results := time.Now(), sync.Map{}
			var scrapes sync.WaitGroup
			for name := range s.APIs {
				scrapes.Go(func() {
					results.Store(name, s.Probe(name, "10"))
					if took := time.Since(start); name != "hangs" && took > 0 {
						t.Errorf("%s took %v", name, took)
					}
				})
			}
			scrapes.Wait()
			for name, want := range map[string][]string{
				"hangs": {"browseruse_up 0"}, "refuses": {"browseruse_up 0"}, "pauses": {"browseruse_up 0"},
				"good": {"browseruse_up 1", exportertest.Up(3, 1)}, "better": {"browseruse_up 1", exportertest.Up(3, 1)},
			} {
				got, _ := results.Load(name)
				exportertest.Has(t, got.(string), want...)
			}
			for _, name := range []string{"good", "better", "hangs", "refuses"} {
				got, _ := results.Load(name)
				exportertest.HasNot(t, got.(string), "browseruse_api_hold_until_timestamp_seconds")
			}
			time.Sleep(20 * time.Second)
		}
		s.Logged(1, "project=refuses", "level=warn", "List of active sessions", "unauthorized")
		s.Logged(0, "project=good", "level=warn")
		s.CheckNoSecrets()
	})
}

// TestOnceOfSeveralProjects prints all with the label project, and what is missing.
func TestOnceOfSeveralProjects(t *testing.T) {
	exportertest.SetKey(t, "")
	key := exportertest.File(t, exportertest.Key)
	urls := map[string]string{"shop": exportertest.ServeAPI(t, exportertest.NewAPI(1)), "lab": exportertest.ServeAPI(t, exportertest.NewAPI(2))}
	config := func(more string) string {
		return "--config.file=" + exportertest.File(t, fmt.Sprintf("projects:\n  - {name: shop, api_url: '%s', api_key_file: %s}\n  - {name: lab, api_url: '%s', api_key_file: %s%s}\n", urls["shop"], key, urls["lab"], key, more))
	}
	var stdout, stderr bytes.Buffer
	if status := exporter.Run([]string{"--once", config("")}, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		t.Errorf("exit status %d: %s", status, &stderr)
	}
	exportertest.Has(t, stdout.String(), `browseruse_up{project="shop"} 1`, `browseruse_up{project="lab"} 1`, `browseruse_sessions{project="lab",state="active"} 2`,
		fmt.Sprintf(`browseruse_session_up{project="lab",session_id="%s"} 1`, exportertest.SessionID(1)), fmt.Sprintf(`browseruse_session_up{project="shop",session_id="%s"} 1`, exportertest.SessionID(1)))
	exportertest.HasNot(t, stdout.String(), "go_", "process_")

	stdout.Reset()
	status := exporter.Run([]string{"--once", config(", session_ids: [" + exportertest.SessionID(9) + "]")}, &stdout, &stderr)
	if want := "browseruse_exporter: lab: session " + exportertest.SessionID(9) + " could not be read: "; status != 1 || !strings.Contains(stderr.String(), want) ||
		!strings.HasSuffix(stderr.String(), "browseruse_exporter: error: lab: not everything could be read\n") {
		t.Errorf("exit status %d: %s", status, &stderr)
	}
	exportertest.Has(t, stdout.String(), `browseruse_up{project="shop"} 1`, fmt.Sprintf(`browseruse_session_up{project="lab",session_id="%s"} 0`, exportertest.SessionID(9)))
}

// TestSIGHUPReadsTheConfigFileAgain though it was written just now, and logs lines
// that are like all others.
func TestSIGHUPReadsTheConfigFileAgain(t *testing.T) {
	exportertest.SetKey(t, "")
	url := exportertest.ServeAPI(t, exportertest.NewAPI(1))
	project := func(name, key string) string {
		return fmt.Sprintf("  - {name: %s, api_url: '%s', api_key_file: %s}\n", name, url, exportertest.File(t, key))
	}
	file := exportertest.File(t, "projects:\n"+project("shop", exportertest.Key))
	p := start(t, "--config.file="+file)
	defer p.stop()
	if err := os.WriteFile(file, []byte("projects:\n"+project("lab", "bu_wrong")), 0o600); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.logs(`level=info msg="Configuration file loaded" projects=1 started=1 ended=1()`)
	if status, _ := get(t, "http://"+p.address+"/probe?project=lab"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	p.logs(`(?m)^ts=\S+ caller=failurelog\.go:\d+ level=\w+ project=lab msg="[^"]+ could not be read"()`)
}

// newSlowFile makes a session file that takes a while to read. reached waits until it
// is being read, and returns what lets that go on.
func newSlowFile(t *testing.T) (path string, reached func() (goOn func())) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sessions")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() func() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for its reader, which then waits for this writer
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			if _, err := file.WriteString(exportertest.SessionID(1)); err != nil {
				t.Error(err)
			}
			_ = file.Close()
		}
	}
}

// TestAReloadThatOutlastsTheExporter has a reload in the midst of the configuration file
// when the exporter is closed. goleak finds a project that nobody ends.
func TestAReloadThatOutlastsTheExporter(t *testing.T) {
	exportertest.SetKey(t, "")
	slow, reached := newSlowFile(t)
	file := exportertest.File(t, "projects: [{name: shop}]")
	c, err := exporter.ParseFlags([]string{"--demo", "--config.file=" + file}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	e, err := exporter.New(c, log.NewNopLogger(), nil)
	if err != nil {
		t.Fatal(err)
	}
	exportertest.Rewrite(t, file, "projects: [{name: shop}, {name: lab, session_file: "+slow+"}]")
	var reload sync.WaitGroup
	reload.Go(e.Reload)
	goOn := reached()
	e.Close()
	goOn()
	reload.Wait()
	if err := goleak.Find(); err != nil {
		t.Error(err)
	}
}

// TestAConfigFileThatChangesDuringTheStart is read as it was, and as it is by the next
// reload. goleak finds a project that nobody ends.
func TestAConfigFileThatChangesDuringTheStart(t *testing.T) {
	exportertest.SetKey(t, "")
	slow, reached := newSlowFile(t)
	file := exportertest.File(t, "projects: [{name: lab, session_file: "+slow+"}]")
	c, err := exporter.ParseFlags([]string{"--demo", "--config.file=" + file}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan *exporter.Exporter, 1)
	go func() {
		e, err := exporter.New(c, log.NewNopLogger(), nil)
		if err != nil {
			t.Error(err)
		}
		started <- e
	}()
	goOn := reached()
	exportertest.Rewrite(t, file, "projects: [{name: shop}]")
	goOn()
	e := exportertest.Receive(t, started)
	for _, want := range []string{"lab", "shop"} {
		if got := e.Projects()[0].Name; got != want {
			t.Errorf("the project is %s; want %s", got, want)
		}
		e.Reload()
	}
	e.Close()
	if err := goleak.Find(); err != nil {
		t.Error(err)
	}
}

// TestThePasswordIsForAllEndpoints of an exporter of several projects, over TLS. The
// targets are then of https.
func TestThePasswordIsForAllEndpoints(t *testing.T) {
	exportertest.SetKey(t, "")
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	web, err := os.ReadFile(webConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "--demo", "--config.file="+exportertest.File(t, "projects: [{name: shop}, {name: lab}]"),
		"--web.config.file="+exportertest.File(t, string(web)+"basic_auth_users: {prometheus: '"+string(hash)+"'}\n"))
	defer p.stop()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	for _, path := range []string{"/metrics", "/probe?project=shop", "/probe", "/sd", "/", "/?project=shop", "/api/v1/projects", "/api/v1/sessions?project=lab", "/-/ready"} {
		for password, want := range map[string]int{"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized, "secret": http.StatusOK} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+p.address+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if password != "" {
				request.SetBasicAuth("prometheus", password)
			}
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if path == "/probe" && want == http.StatusOK {
				want = http.StatusNotFound
			}
			if response.StatusCode != want || want == http.StatusUnauthorized && strings.Contains(string(body), "shop") {
				t.Errorf("%s with the password %q: status %d; want %d: %s", path, password, response.StatusCode, want, body)
			}
			if path == "/sd" && want == http.StatusOK && !strings.Contains(string(body), `{"targets":["`+p.address+`"],"labels":{"__metrics_path__":"/probe","__param_project":"lab","__scheme__":"https","project":"lab"}}`) {
				t.Errorf("the targets are %s", body)
			}
		}
	}
}
