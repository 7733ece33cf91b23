package exporter_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// asProgram is an environment variable that lets this test be the program.
const asProgram = "EXPORTER_TEST_AS_PROGRAM"

// subprocess is the program in a process of its own, and all that it has written.
type subprocess struct {
	*exec.Cmd
	address        string     // where it listens
	ended          chan error // how it ended
	stdout, stderr exportertest.Log
}

// newSubprocess returns the program with its key and these arguments, not started.
func newSubprocess(t *testing.T, args ...string) *subprocess {
	t.Helper()
	p := &subprocess{Cmd: exec.CommandContext(t.Context(), os.Args[0], append([]string{"--log.level=debug"}, args...)...)}
	p.Env = append(os.Environ(), asProgram+"=1", exportertest.KeyVariable+"="+exportertest.Key)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	return p
}

// startSubprocess returns the program when it listens.
func startSubprocess(t *testing.T, args ...string) *subprocess {
	t.Helper()
	p := newSubprocess(t, append(args, "--web.listen-address=127.0.0.1:0")...)
	log, copied := io.Pipe()
	p.Stderr = io.MultiWriter(&p.stderr, copied)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.ended = make(chan error, 1)
	go func() {
		p.ended <- p.Wait()
		_ = copied.Close()
	}()
	p.address = exportertest.ListensOn(t, log)
	return p
}

// terminate sends SIGTERM, and checks that the program ends well.
func (p *subprocess) terminate(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := exportertest.Receive(t, p.ended); err != nil {
		t.Error(err)
	}
	p.checkSecrets(t)
}

func (p *subprocess) checkSecrets(t *testing.T) {
	t.Helper()
	exportertest.CheckSecrets(t, "standard output", p.stdout.String())
	exportertest.CheckSecrets(t, "standard error", p.stderr.String())
}

// TestTheProcessShowsNoCredential has the API of a real process send credentials
// in all that is no response, and behind one, which net/http logs on its own.
func TestTheProcessShowsNoCredential(t *testing.T) {
	t.Parallel()
	api := exportertest.NewAPI(1)
	args := append(exportertest.IDFlags(1), "--no-collector.account", "--api.url="+exportertest.ServeAPI(t, api))
	p := startSubprocess(t, args...)
	scrape := func(want string) {
		t.Helper()
		for _, path := range []string{"/metrics", "/", "/api/v1/sessions"} {
			_, body, err := exportertest.Fetch(t.Context(), "http://"+p.address+path)
			if err != nil {
				t.Fatal(err)
			}
			exportertest.CheckSecrets(t, path, body)
			if path == "/metrics" {
				exportertest.Has(t, body, want)
			}
		}
	}

	for name, text := range simapi.NotHTTP() {
		remove := api.Inject(simapi.Fault{Handler: simapi.Raw(text, false)})
		scrape(exportertest.Up(1, 0))
		remove()
		once := newSubprocess(t, append(args, "--once")...)
		remove = api.Inject(simapi.Fault{Handler: simapi.Raw(text, false)})
		if err := once.Run(); err == nil || !strings.Contains(once.stderr.String(), "could not be read") {
			t.Errorf("%s: --once ends with %v:\n%s", name, err, once.stderr.String())
		}
		remove()
		once.checkSecrets(t)
	}
	good, closed := exportertest.GoodAnswer(t, api, "/browsers/"+exportertest.SessionID(1)), make(chan struct{})
	behind := simapi.Raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(good), good, simapi.Credential), true)
	api.Inject(simapi.Fault{Times: 1, Handler: func(w http.ResponseWriter, r *http.Request) {
		behind(w, r)
		close(closed)
	}})
	scrape(exportertest.Up(1, 1))
	exportertest.Receive(t, closed) // by then it has read what came behind

	p.terminate(t)
	if !strings.Contains(p.stderr.String(), "Sessions could not be read") {
		t.Errorf("the log does not have what failed:\n%s", p.stderr.String())
	}
}

// TestSIGTERMInTheMiddleOfEverything checks that all scrapes in progress are
// answered, in the time that a supervisor allows, though the API never answers,
// and that a client that does not read its answer is not waited for.
func TestSIGTERMInTheMiddleOfEverything(t *testing.T) {
	t.Parallel()
	api := exportertest.NewAPI(3)
	// Each of their series is long, so that all of them are more than the buffers of a
	// connection hold.
	for n := range 3 {
		api.Add(simapi.Session{ID: exportertest.SessionID(n + 1), StartedAt: time.Now(), AgentSessionID: strings.Repeat("abcdefghij", 100_000)})
	}
	p := startSubprocess(t, append(exportertest.IDFlags(3), "--api.timeout=60s", "--scrape.timeout=60s", "--api.url="+exportertest.ServeAPI(t, api))...)

	never, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = never.Close() }()
	if _, err := io.WriteString(never, "GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := never.Read(make([]byte, 1)); err != nil { // its answer has begun
		t.Fatal(err)
	}

	for n := range 3 {
		api.Add(simapi.Session{ID: exportertest.SessionID(n + 1), StartedAt: time.Now()})
	}
	api.Inject(simapi.Fault{ID: exportertest.SessionID(1), Handler: simapi.Hang()})
	type answer struct {
		body string
		err  error
	}
	const scrapes = 10
	answers := make(chan answer, scrapes)
	for range scrapes {
		go func() {
			_, body, err := exportertest.Fetch(t.Context(), "http://"+p.address+"/metrics")
			answers <- answer{body, err}
		}()
	}
	waitForScrapes(t, p.address, scrapes)
	p.terminate(t)
	for range scrapes {
		got := exportertest.Receive(t, answers)
		if got.err != nil {
			t.Errorf("a scrape in progress failed: %v", got.err)
			continue
		}
		exportertest.Has(t, got.body, exportertest.Up(1, 0), exportertest.Up(2, 1), exportertest.Up(3, 1))
	}
	if rest, _ := io.ReadAll(never); strings.Contains(string(rest), "\npromhttp_") { // the last family
		t.Error("the answer that nobody read was written out after the end")
	}
}

// waitForScrapes returns when so many scrapes are in progress, the one that never
// reads its answer not counted. It asks by scrapes that take a moment each.
func waitForScrapes(t *testing.T, address string, scrapes int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.01")
	want := fmt.Sprintf("\npromhttp_metric_handler_requests_in_flight %d\n", scrapes+2)
	for {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), want) {
			http.DefaultClient.CloseIdleConnections()
			return
		}
	}
}
