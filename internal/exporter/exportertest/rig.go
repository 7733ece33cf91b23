// Package exportertest starts a whole exporter over a simulated API for the tests
// of any package, and checks what it exposes.
package exportertest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/go-kit/log"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/simapi"
)

// Key is the API key of the tests. It must not show anywhere.
const Key = "bu_test_key_that_must_not_leak"

// Rig is the exporter, with everything but its listening. That of New lives in a
// synctest bubble: its time stands still but while all wait.
type Rig struct {
	t         *testing.T
	API       *simapi.Server  // nil: Start made it
	Network   *simapi.Network // to the API; nil: Start made it
	Handler   http.Handler
	Collector *collector.Collector
	Log       *Log
	Exit      func()       // closes the exporter, as SIGTERM does, a little later
	Reload    func()       // as SIGHUP does
	Open      atomic.Int64 // connections to the API
}

// New starts an exporter over a simulated API, as if with these arguments. Its key is
// in the environment if they name no file that holds it.
func New(t *testing.T, api *simapi.Server, args ...string) *Rig {
	t.Helper()
	return NewOver(t, api, func(*http.Server, *http.Transport) {}, args...)
}

// NewOver does the same over a way to the API that is prepared otherwise: with
// TLS, if the server has a configuration of it.
func NewOver(t *testing.T, api *simapi.Server, prepare func(*http.Server, *http.Transport), args ...string) *Rig {
	t.Helper()
	ownKeys := regexp.MustCompile("^--(api.key-file|config.file)=")
	if !slices.ContainsFunc(args, ownKeys.MatchString) {
		SetKey(t, Key)
	}
	c := parse(t, args)
	r := &Rig{t: t, API: api, Network: simapi.NewNetwork(), Log: &Log{}}
	server := &http.Server{Handler: api, ConnState: r.count}
	transport := apiclient.NewTransport(100)
	transport.Proxy = nil
	transport.DialContext = r.Network.DialContext
	c.APIURL = "http://api.test/api/v3"
	prepare(server, transport)
	if server.TLSConfig != nil {
		c.APIURL = "https://api.test/api/v3"
		go func() { _ = server.ServeTLS(r.Network, "", "") }()
	} else {
		go func() { _ = server.Serve(r.Network) }()
	}
	t.Cleanup(func() { _ = server.Close() })
	r.start(c, transport)
	return r
}

// Start starts an exporter as if with just these arguments, in the environment
// that there is, over real connections.
func Start(t *testing.T, args ...string) *Rig {
	t.Helper()
	r := &Rig{t: t, Log: &Log{}}
	r.start(parse(t, args), nil)
	return r
}

func parse(t *testing.T, args []string) *exporter.Config {
	t.Helper()
	c, err := exporter.ParseFlags(append([]string{"--log.level=debug"}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (r *Rig) start(c *exporter.Config, transport http.RoundTripper) {
	r.t.Helper()
	logger := log.NewLogfmtLogger(r.Log)
	e, err := exporter.New(c, logger, transport)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Exit, r.Reload, r.Handler, r.Collector = e.Close, e.Reload, e.Handler(), e.Projects()[0].Collector
	r.t.Cleanup(func() {
		e.Close()
		r.CheckSecrets("log", r.Log.String())
	})
}

// count follows the connections to the API.
func (r *Rig) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		r.Open.Add(1)
	case http.StateClosed, http.StateHijacked:
		r.Open.Add(-1)
	default:
	}
}

// Scrape returns what /metrics answers to a scrape of Prometheus, which waits for
// timeout seconds if it is given.
func (r *Rig) Scrape(timeout ...string) string {
	r.t.Helper()
	return r.ScrapeFor(r.t.Context(), timeout...)
}

// ScrapeFor does the same for a scraper that hangs up when ctx is over.
func (r *Rig) ScrapeFor(ctx context.Context, timeout ...string) string {
	r.t.Helper()
	return r.scrape(ctx, "/metrics", timeout...)
}

func (r *Rig) scrape(ctx context.Context, path string, timeout ...string) string {
	r.t.Helper()
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	for _, seconds := range timeout {
		request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", seconds)
	}
	recorder := httptest.NewRecorder()
	r.Handler.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		r.t.Errorf("status %d; want 200", recorder.Code)
	}
	r.CheckSecrets("exposition", recorder.Body.String())
	return recorder.Body.String()
}

// CheckSecrets checks that a text does not show what nobody may see.
func (r *Rig) CheckSecrets(where, text string) {
	r.t.Helper()
	CheckSecrets(r.t, where, text)
}

// CheckSecrets does the same for what no rig has shown.
func CheckSecrets(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{Key, simapi.Credential} {
		if strings.Contains(text, secret) {
			t.Errorf("the %s shows %q", where, secret)
		}
	}
}

// CheckNoSecrets checks that neither the page, nor its JSON, nor the log shows what
// nobody may see. Each scrape checks the metrics.
func (r *Rig) CheckNoSecrets() {
	r.t.Helper()
	r.Get("/")
	r.Get("/api/v1/sessions")
	r.CheckSecrets("log", r.Log.String())
}

// Get returns what a path answers to a request with these headers, a name and a
// value each.
func (r *Rig) Get(path string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	request := httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	r.Handler.ServeHTTP(recorder, request)
	r.CheckSecrets(path, recorder.Body.String())
	return recorder
}

// Logged checks how many lines of the log have all of these parts.
func (r *Rig) Logged(want int, parts ...string) {
	r.t.Helper()
	got := 0
	for line := range strings.Lines(r.Log.String()) {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			got++
		}
	}
	if got != want {
		r.t.Errorf("%d lines of the log have %q; want %d\n%s", got, parts, want, r.Log)
	}
}

// Log is a log that may be read while it is written.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *Log) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *Log) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Bubble runs a test in simulated time.
func Bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// Thorough reports whether tests try every combination, as CI does. Else they try
// enough of them to meet each part of each once, and take seconds.
func Thorough() bool { return os.Getenv("CI") != "" }
