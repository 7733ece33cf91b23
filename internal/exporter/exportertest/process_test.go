package exportertest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

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
	logEnd         io.Closer // of what serve reads
}

func newProcess(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0], append([]string{"--log.level=debug"}, args...)...)}
	p.Env = append(os.Environ(), asProgram+"=1", KeyVariable+"="+Key)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	return p
}

// serve starts the process and returns the address on which it listens.
func (p *process) serve(t *testing.T) (address string) {
	t.Helper()
	log, copied := io.Pipe()
	p.Args = append(p.Args, "--web.listen-address=127.0.0.1:0")
	p.Stderr, p.logEnd = io.MultiWriter(&p.stderr, copied), copied
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return listensOn(t, log)
}

// stop ends a process that serves, as systemd does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	_ = p.logEnd.Close()
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
	p := newProcess(t, args...)
	address := p.serve(t)
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

	p.stop(t)
	if !strings.Contains(p.stderr.String(), "Sessions could not be read") {
		t.Errorf("the log does not have what failed:\n%s", p.stderr.String())
	}
	p.checkSecrets(t)
}

// shownTime matches a time on the page, in the JSON, in the log and in /metrics.
var shownTime = regexp.MustCompile(`(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)\S*|_timestamp_seconds(?:\{.*\})? ([\d.e+]+)`)

// TestTimesAreTheSameInEveryTimeZone runs the program far from UTC, by whole hours and
// not, over an API that writes times without an offset.
func TestTimesAreTheSameInEveryTimeZone(t *testing.T) {
	for _, zone := range []string{"Asia/Tokyo", "America/St_Johns"} {
		t.Run(zone, func(t *testing.T) {
			now := time.Now().UTC()
			api := simapi.New(simapi.Options{Key: Key})
			api.Add(simapi.Session{ID: SessionID(1), StartedAt: now.Add(-10 * time.Minute), Override: map[string]any{
				"startedAt": now.Add(-10 * time.Minute).Format("2006-01-02T15:04:05"), "timeoutAt": now.Add(50 * time.Minute).Format("2006-01-02T15:04:05.000000"),
			}})
			p := newProcess(t, "--api.url="+ServeAPI(t, api))
			p.Env = append(p.Env, "TZ="+zone)
			address := p.serve(t)
			for _, path := range []string{"/metrics", "/", "/api/v1/sessions"} {
				_, body, err := Fetch(t.Context(), "http://"+address+path)
				if err != nil {
					t.Fatal(err)
				}
				checkTimes(t, path, body, now)
			}
			p.stop(t)
			checkTimes(t, "the log", p.stderr.String(), now)
		})
	}
}

// checkTimes checks that a text shows times, and none that is hours away from now.
func checkTimes(t *testing.T, what, text string, now time.Time) {
	t.Helper()
	shown := shownTime.FindAllStringSubmatch(text, -1)
	if len(shown) == 0 {
		t.Errorf("%s shows no time:\n%s", what, text)
	}
	for _, match := range shown {
		at, err := time.Parse(time.DateTime, match[1]+" "+match[2])
		if match[3] != "" {
			var seconds float64
			seconds, err = strconv.ParseFloat(match[3], 64)
			at = time.Unix(int64(seconds), 0)
		}
		if err != nil || at.Sub(now).Abs() > time.Hour {
			t.Errorf("%s shows %s at %s: %v", what, match[0], now, err)
		}
	}
}
