package exportertest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/simapi"
)

// asProgram is an environment variable that lets this test be the program.
const asProgram = "EXPORTERTEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(exporter.Run(os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// process is the program in a process of its own, and all that it has written.
type process struct {
	*exec.Cmd
	stdout, stderr Log
}

func newProcess(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0], append([]string{"--log.level=debug"}, args...)...)}
	p.Env = append(os.Environ(), asProgram+"=1", KeyVariable+"="+Key)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	return p
}

func (p *process) checkSecrets(t *testing.T) {
	t.Helper()
	r := &Rig{t: t}
	r.CheckSecrets("standard output", p.stdout.String())
	r.CheckSecrets("standard error", p.stderr.String())
}

// TestTheProcessShowsNoCredential has the API of a real process send credentials
// in all that is no response, and behind one, which net/http logs on its own.
func TestTheProcessShowsNoCredential(t *testing.T) {
	api := NewAPI(1)
	args := append(IDFlags(1), "--no-collector.account", "--api.url="+ServeAPI(t, api))
	p := newProcess(t, append(args, "--web.listen-address=127.0.0.1:0")...)
	log, copied := io.Pipe()
	p.Stderr = io.MultiWriter(&p.stderr, copied)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	address := listensOn(t, log)
	scrape := func(want string) {
		t.Helper()
		for _, path := range []string{"/metrics", "/", "/api/v1/sessions"} {
			_, body, err := Fetch(t.Context(), "http://"+address+path)
			if err != nil {
				t.Fatal(err)
			}
			(&Rig{t: t}).CheckSecrets(path, body)
			if path == "/metrics" {
				Has(t, body, want)
			}
		}
	}

	for name, text := range simapi.NotHTTP() {
		remove := api.Inject(simapi.Fault{Handler: simapi.Raw(text, false)})
		scrape(Up(1, 0))
		remove()
		once := newProcess(t, append(args, "--once")...)
		remove = api.Inject(simapi.Fault{Handler: simapi.Raw(text, false)})
		if err := once.Run(); err == nil || !strings.Contains(once.stderr.String(), "could not be read") {
			t.Errorf("%s: --once ends with %v:\n%s", name, err, once.stderr.String())
		}
		remove()
		once.checkSecrets(t)
	}
	good, closed := GoodAnswer(t, api, "/browsers/"+SessionID(1)), make(chan struct{})
	behind := simapi.Raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(good), good, simapi.Credential), true)
	api.Inject(simapi.Fault{Times: 1, Handler: func(w http.ResponseWriter, r *http.Request) {
		behind(w, r)
		close(closed)
	}})
	scrape(Up(1, 1))
	Receive(t, closed) // by then it has read what came behind

	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	_ = copied.Close()
	if !strings.Contains(p.stderr.String(), "Sessions could not be read") {
		t.Errorf("the log does not have what failed:\n%s", p.stderr.String())
	}
	p.checkSecrets(t)
}
