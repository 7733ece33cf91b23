package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/version"
	"go.uber.org/goleak"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/apiclient/apitest"
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
	t       *testing.T
	api     *apitest.Server
	network *apitest.Network
	handler http.Handler
	log     *logBuffer
	stop    context.CancelFunc // as SIGTERM does, a little later
}

// newRig starts an exporter as if with these arguments.
func newRig(t *testing.T, api *apitest.Server, args ...string) *rig {
	t.Helper()
	t.Setenv(keyVariable, testKey)
	c, err := parseFlags(append([]string{"--log.level=debug"}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, api: api, network: apitest.NewNetwork(), log: &logBuffer{}}
	server := &http.Server{Handler: api}
	go func() { _ = server.Serve(r.network) }()
	transport := apiclient.NewTransport(c.concurrency)
	transport.Proxy = nil
	transport.DialContext = r.network.DialContext
	c.apiURL = "http://api.test/api/v3"

	logger := log.NewLogfmtLogger(r.log)
	e, err := newExporter(c, logger, transport)
	if err != nil {
		t.Fatal(err)
	}
	stopping, stop := context.WithCancel(t.Context())
	r.stop, r.handler = stop, e.handler(stopping, c, logger)
	t.Cleanup(func() {
		stop()
		e.close()
		_ = server.Close()
		r.checkSecrets("log", r.log.String())
	})
	return r
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
	for _, secret := range []string{testKey, apitest.Credential} {
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
func newAPI(n int) *apitest.Server {
	api := apitest.New(apitest.Options{Key: testKey})
	for i := 1; i <= n; i++ {
		api.Add(apitest.Session{ID: sessionID(i), StartedAt: time.Now().Add(-10 * time.Minute), ProxyBytesPerSecond: int64(i) << 10})
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
func everyKindOfSession(now time.Time) []apitest.Session {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	return []apitest.Session{
		{ID: sessionID(1), StartedAt: ago(90 * time.Second), ProxyBytesPerSecond: 100_000}, // active, standalone
		{ID: sessionID(2), StartedAt: ago(2 * time.Hour), Timeout: 4 * time.Hour, AgentSessionID: agentID},
		{ID: sessionID(3), StartedAt: ago(time.Hour), StopAt: ago(10 * time.Minute), AgentSessionID: agentID, ProxyBytesPerSecond: 5000},
		{ID: sessionID(4), StartedAt: ago(3 * time.Hour)}, // timed out two hours ago
		{ID: sessionID(5), StartedAt: ago(61 * time.Minute), Override: map[string]any{ // overdue
			"status": "active", "finishedAt": nil}},
		{ID: sessionID(6), StartedAt: ago(time.Minute), Override: map[string]any{"status": "running"}}, // unknown, not finished
		{ID: sessionID(7), StartedAt: ago(time.Hour), StopAt: ago(time.Minute), Override: map[string]any{"status": "archived"}},
		{ID: sessionID(8), StartedAt: ago(time.Minute), Override: map[string]any{ // the least that the API's page allows
			"proxyUsedMb": apitest.Absent, "proxyCost": apitest.Absent, "browserCost": apitest.Absent,
			"agentSessionId": apitest.Absent, "metadata": apitest.Absent, "recordingAvailable": apitest.Absent}},
		{ID: sessionID(9), StartedAt: ago(time.Minute), Override: map[string]any{ // strange forms
			"proxyUsedMb": "+5.", "proxyCost": "9.313E-7", "browserCost": "0E-20", "timeoutAt": now.Add(time.Minute).Format("2006-01-02T15:04:05")}},
	}
}

func TestGoldenSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := apitest.New(apitest.Options{Key: testKey})
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
		r.api.Inject(apitest.Fault{Handler: apitest.Reset()})
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
		r.api.Inject(apitest.Fault{Handler: apitest.Status(429, `{"error":"rate_limited"}`, "Retry-After", "5")})
		golden(t, "ratelimited", r.scrape())
	})
}

// detail returns what the API serves for the first session, with changes.
func detail(t *testing.T, api *apitest.Server, changes map[string]any) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "/api/v3/browsers/"+sessionID(1), nil)
	request.Header.Set("X-Browser-Use-API-Key", testKey)
	api.ServeHTTP(recorder, request)
	var fields map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	for field, value := range changes {
		if value == apitest.Absent {
			delete(fields, field)
		} else {
			fields[field] = value
		}
	}
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestOneBadAnswer gives one of three sessions a fault. It costs that session
// its values for that scrape and nothing else.
func TestOneBadAnswer(t *testing.T) {
	type field = map[string]any
	for name, test := range map[string]struct {
		handler func(body string) http.HandlerFunc
		changes field
		reason  string
		count   int // failures counted; retried ones count each time
	}{
		"400":                   {handler: status(400, `{"detail":"no"}`), reason: "rejected", count: 1},
		"401":                   {handler: status(401, `{"detail":"no"}`), reason: "unauthorized", count: 1},
		"402 with an object":    {handler: status(402, `{"detail":{"message":"Insufficient credits"}}`), reason: "payment_required", count: 1},
		"403":                   {handler: status(403, `{"detail":"no"}`), reason: "unauthorized", count: 1},
		"404 in HTML":           {handler: status(404, `<html>`), reason: "not_found", count: 1},
		"422 with a list":       {handler: status(422, `{"detail":[]}`), reason: "rejected", count: 1},
		"500 in HTML":           {handler: status(500, `<html>`), reason: "server_error", count: 1},
		"501":                   {handler: status(501, ""), reason: "server_error", count: 1},
		"502, tried again":      {handler: status(502, `<html>`), reason: "server_error", count: 3},
		"503, tried again":      {handler: status(503, ""), reason: "server_error", count: 3},
		"504, tried again":      {handler: status(504, ""), reason: "server_error", count: 3},
		"204":                   {handler: status(204, ""), reason: "invalid_response", count: 1},
		"nothing":               {handler: status(200, ""), reason: "invalid_response", count: 1},
		"HTML":                  {handler: status(200, "<html>"), reason: "invalid_response", count: 1},
		"null":                  {handler: status(200, "null"), reason: "invalid_response", count: 1},
		"a list":                {handler: status(200, "[]"), reason: "invalid_response", count: 1},
		"an empty object":       {handler: status(200, "{}"), reason: "invalid_response", count: 1},
		"data after the object": {handler: func(body string) http.HandlerFunc { return apitest.Status(200, body+"{}") }, reason: "invalid_response", count: 1},
		"half of the object":    {handler: func(body string) http.HandlerFunc { return apitest.Status(200, body[:len(body)/2]) }, reason: "invalid_response", count: 1},
		"a body cut short":      {handler: apitest.Truncate, reason: "connection", count: 3},
		"more than a MiB":       {handler: func(body string) http.HandlerFunc { return apitest.Status(200, strings.Repeat(" ", 1<<20)+body) }, reason: "invalid_response", count: 1},
		"a redirect":            {handler: func(string) http.HandlerFunc { return apitest.Status(302, "", "Location", "http://elsewhere.test/") }, reason: "invalid_response", count: 1},
		"a connection reset":    {handler: func(string) http.HandlerFunc { return apitest.Reset() }, reason: "connection", count: 3},
		"no answer":             {handler: func(string) http.HandlerFunc { return apitest.Hang() }, reason: "timeout", count: 1},
		"a byte a second":       {handler: func(body string) http.HandlerFunc { return apitest.Drip(body, time.Second) }, reason: "timeout", count: 1},
		"broken gzip": {handler: func(string) http.HandlerFunc {
			return apitest.Status(200, "this is no gzip at all", "Content-Encoding", "gzip")
		}, reason: "invalid_response", count: 1},

		"another session":            {changes: field{"id": sessionID(2)}, reason: "invalid_response", count: 1},
		"an id that is none":         {changes: field{"id": "1"}, reason: "invalid_response", count: 1},
		"no id":                      {changes: field{"id": apitest.Absent}, reason: "invalid_response", count: 1},
		"no status":                  {changes: field{"status": apitest.Absent}, reason: "invalid_response", count: 1},
		"an empty status":            {changes: field{"status": ""}, reason: "invalid_response", count: 1},
		"a status that is a number":  {changes: field{"status": 1}, reason: "invalid_response", count: 1},
		"no start":                   {changes: field{"startedAt": apitest.Absent}, reason: "invalid_response", count: 1},
		"a null timeout":             {changes: field{"timeoutAt": nil}, reason: "invalid_response", count: 1},
		"a timeout in words":         {changes: field{"timeoutAt": "soon"}, reason: "invalid_response", count: 1},
		"a finish in words":          {changes: field{"finishedAt": "never"}, reason: "invalid_response", count: 1},
		"a cost that is NaN":         {changes: field{"proxyCost": "NaN"}, reason: "invalid_response", count: 1},
		"a cost that is null":        {changes: field{"browserCost": nil}, reason: "invalid_response", count: 1},
		"a cost that is a number":    {changes: field{"browserCost": 0.5}, reason: "invalid_response", count: 1},
		"megabytes that are nothing": {changes: field{"proxyUsedMb": ""}, reason: "invalid_response", count: 1},
		"an agent session of 7":      {changes: field{"agentSessionId": 7}, reason: "invalid_response", count: 1},
		"metadata in a list":         {changes: field{"metadata": []int{1}}, reason: "invalid_response", count: 1},
	} {
		bubble(t, name, func(t *testing.T) {
			r := newRig(t, newAPI(3), idFlags(3)...)
			body := detail(t, r.api, test.changes)
			if test.handler == nil {
				test.handler = status(200, body)
			}
			remove := r.api.Inject(apitest.Fault{Endpoint: "browser", ID: sessionID(1), Handler: test.handler(body)})
			got := r.scrape("10")
			has(t, got, up(1, 0), up(2, 1), up(3, 1), "browseruse_up 1", failures("browser", test.reason, test.count))
			hasNot(t, got, `browseruse_session_active{agent_session_id="",session_id="`+sessionID(1))
			if n := strings.Count(got, "browseruse_session_browser_cost_usd{"); n != 2 {
				t.Errorf("%d sessions have values; want the 2 others", n)
			}
			if !strings.Contains(r.log.String(), "reason="+test.reason) {
				t.Errorf("the log does not say why:\n%s", r.log)
			}

			remove()
			got = r.scrape("10")
			has(t, got, up(1, 1), up(2, 1), up(3, 1), failures("browser", test.reason, test.count))
			if !strings.Contains(r.log.String(), "Failure is over") {
				t.Errorf("the log does not tell the recovery:\n%s", r.log)
			}
		})
	}
}

func status(code int, body string) func(string) http.HandlerFunc {
	return func(string) http.HandlerFunc { return apitest.Status(code, body) }
}

func TestAccount(t *testing.T) {
	bubble(t, "a terse one", func(t *testing.T) {
		api := apitest.New(apitest.Options{Key: testKey, Account: apitest.Account{
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
			remove := r.api.Inject(apitest.Fault{Endpoint: "account", Handler: apitest.Status(200, body)})
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
