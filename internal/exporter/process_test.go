package exporter_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

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

	for _, text := range simapi.NotHTTP() {
		remove := api.Inject(simapi.Fault{Handler: simapi.Raw(text, false)})
		scrape(exportertest.Up(1, 0))
		remove()
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

// TestOnceShowsNoCredential does the same to --once.
func TestOnceShowsNoCredential(t *testing.T) {
	for name, text := range simapi.NotHTTP() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := exportertest.NewAPI(1)
			api.Inject(simapi.Fault{Handler: simapi.Raw(text, false)})
			p := newSubprocess(t, append(exportertest.IDFlags(1), "--no-collector.account", "--api.url="+exportertest.ServeAPI(t, api), "--once")...)
			if err := p.Run(); err == nil || !strings.Contains(p.stderr.String(), "could not be read") {
				t.Errorf("it ends with %v:\n%s", err, p.stderr.String())
			}
			p.checkSecrets(t)
		})
	}
}
