package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/version"
	"go.uber.org/goleak"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/internal/simapi"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	if os.Getenv(benchSessions) != "" {
		serveBenchAPI()
		return
	}
	version.Version = "unknown" // as run has it for a build that names none
	goleak.VerifyTestMain(m)
}

const testKey = "bu_test_key_that_must_not_leak"

// sessionID returns the n-th of the tests' session IDs.
func sessionID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

const agentID = "aaaaaaaa-0000-4000-8000-000000000001"

// rig is the exporter, with everything but its listening, over a simulated API.
// It lives in a synctest bubble: its time stands still but while all wait.
type rig struct {
	t         *testing.T
	api       *simapi.Server
	network   *simapi.Network
	handler   http.Handler
	collector *collector.Collector
	log       *logBuffer
	stop      context.CancelFunc // as SIGTERM does, a little later
	exit      func()             // ends what is left of the exporter
	open      atomic.Int64       // connections to the API
}

// newRig starts an exporter as if with these arguments.
func newRig(t *testing.T, api *simapi.Server, args ...string) *rig {
	t.Helper()
	return newRigOver(t, api, func(*http.Server, *http.Transport) {}, args...)
}

// newRigOver does the same over a way to the API that is prepared otherwise: with
// TLS, if the server has a configuration of it.
func newRigOver(t *testing.T, api *simapi.Server, prepare func(*http.Server, *http.Transport), args ...string) *rig {
	t.Helper()
	t.Setenv(keyVariable, testKey)
	c, err := parseFlags(append([]string{"--log.level=debug"}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, api: api, network: simapi.NewNetwork(), log: &logBuffer{}}
	server := &http.Server{Handler: api, ConnState: r.count}
	transport := apiclient.NewTransport(c.concurrency)
	transport.Proxy = nil
	transport.DialContext = r.network.DialContext
	c.apiURL = "http://api.test/api/v3"
	prepare(server, transport)
	if server.TLSConfig != nil {
		c.apiURL = "https://api.test/api/v3"
		go func() { _ = server.ServeTLS(r.network, "", "") }()
	} else {
		go func() { _ = server.Serve(r.network) }()
	}

	logger := log.NewLogfmtLogger(r.log)
	e, err := newExporter(c, logger, transport)
	if err != nil {
		t.Fatal(err)
	}
	stopping, stop := context.WithCancel(t.Context())
	r.stop, r.exit, r.handler, r.collector = stop, e.close, e.handler(stopping, c, logger), e.collector
	t.Cleanup(func() {
		stop()
		e.close()
		_ = server.Close()
		r.checkSecrets("log", r.log.String())
	})
	return r
}

// count follows the connections to the API.
func (r *rig) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		r.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		r.open.Add(-1)
	default:
	}
}

// scrape returns what /metrics answers to a scrape of Prometheus.
func (r *rig) scrape(timeout ...string) string {
	r.t.Helper()
	return r.scrapeFor(r.t.Context(), timeout...)
}

func (r *rig) scrapeFor(ctx context.Context, timeout ...string) string {
	r.t.Helper()
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
	for _, seconds := range timeout {
		request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", seconds)
	}
	recorder := httptest.NewRecorder()
	r.handler.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		r.t.Errorf("status %d; want 200", recorder.Code)
	}
	r.checkSecrets("exposition", recorder.Body.String())
	return recorder.Body.String()
}

// checkSecrets says whether a text shows what nobody may see.
func (r *rig) checkSecrets(where, text string) {
	r.t.Helper()
	for _, secret := range []string{testKey, simapi.Credential} {
		if strings.Contains(text, secret) {
			r.t.Errorf("the %s shows %q", where, secret)
		}
	}
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// buildInfo is the one line that depends on what compiled the test.
var buildInfo = regexp.MustCompile(`(?m)^browseruse_exporter_build_info\{.*$`)

// golden compares an exposition with testdata/NAME.metrics, and lints it.
func golden(t *testing.T, name, exposition string) {
	t.Helper()
	got := buildInfo.ReplaceAllString(exposition, "browseruse_exporter_build_info 1")
	goldenText(t, name+".metrics", got)
	problems, err := promlint.New(strings.NewReader(got)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p.Metric != "browseruse_session_proxy_used_megabytes" { // the unit is the API's, and asked for
			t.Errorf("lint: %s: %s", p.Metric, p.Text)
		}
	}
}

// goldenText compares a text with a file in testdata.
func goldenText(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// has checks that an exposition has each of these lines.
func has(t *testing.T, exposition string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+exposition, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

// hasNot checks that no line of an exposition begins like this.
func hasNot(t *testing.T, exposition string, prefixes ...string) {
	t.Helper()
	for _, prefix := range prefixes {
		if strings.Contains("\n"+exposition, "\n"+prefix) {
			t.Errorf("there is a line %s...", prefix)
		}
	}
}

func up(n int, value int) string {
	return fmt.Sprintf(`browseruse_session_up{session_id="%s"} %d`, sessionID(n), value)
}

func failures(endpoint, reason string, count int) string {
	return fmt.Sprintf(`browseruse_api_request_failures_total{endpoint="%s",reason="%s"} %d`, endpoint, reason, count)
}

// bubble runs a test in simulated time.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// newAPI returns a project with n plain active sessions, 1 to n.
func newAPI(n int) *simapi.Server {
	api := simapi.New(simapi.Options{Key: testKey})
	for i := 1; i <= n; i++ {
		api.Add(simapi.Session{ID: sessionID(i), StartedAt: time.Now().Add(-10 * time.Minute), ProxyBytesPerSecond: int64(i) << 10})
	}
	return api
}

func idFlags(n int) []string {
	var args []string
	for i := 1; i <= n; i++ {
		args = append(args, "--session.id="+sessionID(i))
	}
	return args
}

// everyKindOfSession is one session of each kind that the API can show.
func everyKindOfSession(now time.Time) []simapi.Session {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	return []simapi.Session{
		{ID: sessionID(1), StartedAt: ago(90 * time.Second), ProxyBytesPerSecond: 100_000}, // active, standalone
		{ID: sessionID(2), StartedAt: ago(2 * time.Hour), Timeout: 4 * time.Hour, AgentSessionID: agentID},
		{ID: sessionID(3), StartedAt: ago(time.Hour), StopAt: ago(10 * time.Minute), AgentSessionID: agentID, ProxyBytesPerSecond: 5000},
		{ID: sessionID(4), StartedAt: ago(3 * time.Hour)}, // timed out two hours ago
		{ID: sessionID(5), StartedAt: ago(61 * time.Minute), Override: map[string]any{ // overdue
			"status": "active", "finishedAt": nil}},
		{ID: sessionID(6), StartedAt: ago(time.Minute), Override: map[string]any{"status": "running"}}, // unknown, not finished
		{ID: sessionID(7), StartedAt: ago(time.Hour), StopAt: ago(time.Minute), Override: map[string]any{"status": "archived"}},
		{ID: sessionID(8), StartedAt: ago(time.Minute), Override: map[string]any{ // the least that the API's page allows
			"proxyUsedMb": simapi.Absent, "proxyCost": simapi.Absent, "browserCost": simapi.Absent,
			"agentSessionId": simapi.Absent, "metadata": simapi.Absent, "recordingAvailable": simapi.Absent}},
		{ID: sessionID(9), StartedAt: ago(time.Minute), Override: map[string]any{ // strange forms
			"proxyUsedMb": "+5.", "proxyCost": "9.313E-7", "browserCost": "0E-20", "timeoutAt": now.Add(time.Minute).Format("2006-01-02T15:04:05")}},
	}
}

func TestGoldenSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := simapi.New(simapi.Options{Key: testKey})
		api.Add(everyKindOfSession(time.Now())...)
		args := append(idFlags(9), "--session.id="+strings.ToUpper(sessionID(1))) // a double, written otherwise
		r := newRig(t, api, args...)
		golden(t, "sessions", r.scrape())
		r.scrape()
		for _, status := range []string{"running", "archived"} {
			if got := strings.Count(r.log.String(), "status="+status); got != 1 {
				t.Errorf("the unknown status %s was logged %d times in two scrapes; want once", status, got)
			}
		}
	})
}

func TestGoldenFailures(t *testing.T) {
	bubble(t, "a missing session", func(t *testing.T) {
		r := newRig(t, newAPI(2), idFlags(3)...)
		golden(t, "missing", r.scrape())
	})
	bubble(t, "the API is down", func(t *testing.T) {
		r := newRig(t, newAPI(2), idFlags(2)...)
		r.network.Refuse(true)
		r.api.Inject(simapi.Fault{Handler: simapi.Reset()})
		got := r.scrape()
		// How long the retries pause is drawn by chance.
		got = regexp.MustCompile(`(?m)^(browseruse_scrape_duration_seconds) .*$`).ReplaceAllString(got, "$1 0.3")
		golden(t, "down", got)
	})
	bubble(t, "a bad key", func(t *testing.T) {
		r := newRig(t, newAPI(2), idFlags(2)...)
		r.api.SetKey("another")
		golden(t, "unauthorized", r.scrape())
	})
	bubble(t, "rate limited", func(t *testing.T) {
		r := newRig(t, newAPI(2), append(idFlags(2), "--api.concurrency=1", "--no-collector.account")...)
		r.api.Inject(simapi.Fault{Handler: simapi.Status(429, `{"error":"rate_limited"}`, "Retry-After", "5")})
		golden(t, "ratelimited", r.scrape())
	})
}

func TestAccount(t *testing.T) {
	bubble(t, "a terse one", func(t *testing.T) {
		api := simapi.New(simapi.Options{Key: testKey, Account: simapi.Account{
			MonthlyCreditsUSD: 1.5, AdditionalCreditsUSD: -0.25, ConcurrentSessions: 7, ProjectID: "p", NoPlan: true, Terse: true,
		}})
		got := newRig(t, api, "--session.file="+file(t, "# none yet\n")).scrape()
		has(t, got, `browseruse_account_credits_usd{source="monthly"} 1.5`, `browseruse_account_credits_usd{source="additional"} -0.25`,
			`browseruse_account_concurrent_sessions_limit 7`, `browseruse_account_info{plan="",project_id="p"} 1`)
		hasNot(t, got, "browseruse_account_active_sessions")
	})
	for name, body := range map[string]string{
		"no credits": `{"projectId":"p"}`, "credits in words": `{"monthlyCreditsBalanceUsd":"1","additionalCreditsBalanceUsd":2}`,
		"a list": `[]`, "half of them": `{"monthlyCreditsBalanceUsd":1}`,
	} {
		bubble(t, "unreadable: "+name, func(t *testing.T) {
			r := newRig(t, newAPI(1), idFlags(1)...)
			remove := r.api.Inject(simapi.Fault{Endpoint: "account", Handler: simapi.Status(200, body)})
			got := r.scrape()
			has(t, got, up(1, 1), "browseruse_up 1", failures("account", "invalid_response", 1))
			hasNot(t, got, "browseruse_account_")
			remove()
			has(t, r.scrape(), `browseruse_account_credits_usd{source="monthly"} 87.5`)
		})
	}
	bubble(t, "turned off", func(t *testing.T) {
		r := newRig(t, newAPI(1), append(idFlags(1), "--no-collector.account")...)
		hasNot(t, r.scrape(), "browseruse_account_")
		if n := r.api.Requests()["account"]; n != 0 {
			t.Errorf("%d requests for the account; want none", n)
		}
	})
	bubble(t, "nothing to ask for is up", func(t *testing.T) {
		r := newRig(t, newAPI(1), "--no-collector.account", "--session.file="+file(t, ""))
		has(t, r.scrape(), "browseruse_up 1")
		if n := r.api.Requests(); len(n) != 0 {
			t.Errorf("requests %v; want none", n)
		}
	})
}

// file returns the path of a file with this content.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	rewrite(t, path, content)
	return path
}

func rewrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
