// Package browsertest tries the status page in a real Chromium, over the
// simulated API. It is a module of its own, so that the exporter's stays lean.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/internal/simapi"
	"browseruse_exporter/reloadfile"
	"browseruse_exporter/web"
	"browseruse_exporter/web/statuspage"
)

const testKey = "bu_test_key_that_must_not_leak"

// proxiedPath is where a proxy serves the page and nothing else, without a slash
// at its end.
const proxiedPath = "/behind/a/proxy"

// rig is the exporter's endpoints on a port of this machine, over a simulated
// API.
type rig struct {
	t    *testing.T
	api  *simapi.Server
	net  *simapi.Network
	url  string
	gone atomic.Bool // the exporter does not answer any more
}

// clock is what the simulated API and the exporter go by, and the browser not.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

// newRig starts an exporter of all active sessions and of those with these IDs.
func newRig(t *testing.T, api *simapi.Server, ids ...string) *rig {
	t.Helper()
	return newRigAt(t, time.Now, api, apiclient.Options{MetadataKeys: []string{"team", "customer"}}, ids...)
}

// newRigAt is newRig with a clock, and with what the options say of what to read.
func newRigAt(t *testing.T, now func() time.Time, api *simapi.Server, o apiclient.Options, ids ...string) *rig {
	t.Helper()
	r := &rig{t: t, api: api}
	project := r.newProject("", now, api, o, ids...)
	r.serve(web.Options{Projects: func() []web.Project { return []web.Project{project} }, Now: now})
	return r
}

// newSeveral starts an exporter of several projects.
func newSeveral(t *testing.T, apis map[string]*simapi.Server) *rig {
	t.Helper()
	r := &rig{t: t}
	projects := make([]web.Project, 0, len(apis))
	for _, name := range slices.Sorted(maps.Keys(apis)) {
		projects = append(projects, r.newProject(name, time.Now, apis[name], apiclient.Options{}))
	}
	r.serve(web.Options{
		Projects:   func() []web.Project { return projects },
		ConfigFile: func() reloadfile.Status { return reloadfile.Status{} },
	})
	return r
}

// newProject is all active sessions of an API, and what the options add.
func (r *rig) newProject(name string, now func() time.Time, api *simapi.Server, o apiclient.Options, ids ...string) web.Project {
	r.t.Helper()
	r.net = simapi.NewNetwork()
	server := &http.Server{Handler: api, ReadHeaderTimeout: time.Minute}
	go func(network *simapi.Network) { _ = server.Serve(network) }(r.net)
	transport := apiclient.NewTransport(10)
	transport.Proxy = nil
	transport.DialContext = r.net.DialContext
	o.BaseURL, o.Key, o.Timeout, o.Concurrency = "http://api.test/api/v3", func() string { return testKey }, time.Second, 10
	o.Transport, o.Now = transport, now
	client := apiclient.New(o)
	r.t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = server.Close()
	})
	sessions := collector.New(collector.Options{
		Client: client, Discover: true, Linger: 15 * time.Minute, Settle: 15 * time.Minute, Now: now, SessionIDs: ids, Account: true,
		Timeout: 10 * time.Second, Logger: log.NewNopLogger(),
	})
	return web.Project{Name: name, Collector: sessions, Settings: []statuspage.Setting{
		{Flag: "api.url", Value: "https://api.browser-use.com/api/v3"}, {Flag: "api.key-file", Value: "key from: file"},
		{Flag: "api.rate-limit", Value: "10"}, {Flag: "session.discover", Value: "true"}, {Flag: "session.linger", Value: "15m0s"},
	}}
}

// serve serves the endpoints.
func (r *rig) serve(o web.Options) {
	r.t.Helper()
	o.Exporter, o.TelemetryPath, o.Deadline, o.Version, o.Logger = prometheus.NewRegistry(), "/metrics", web.Deadline{Default: 10 * time.Second}, "1.2.3", log.NewNopLogger()
	handler := web.NewHandler(o)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if r.gone.Load() {
			panic(http.ErrAbortHandler)
		}
		if request.URL.Path == proxiedPath {
			request.URL.Path = "/"
		}
		handler.ServeHTTP(w, request)
	}))
	front.Config.ErrorLog = nil
	r.url = front.URL
	r.t.Cleanup(front.Close)
}

// scrape lets the exporter read the API, as Prometheus does.
func (r *rig) scrape() {
	r.t.Helper()
	r.scrapeAt("/metrics")
}

func (r *rig) scrapeAt(path string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.url+path, http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(body), "browseruse_up") {
		r.t.Fatalf("the scrape failed: %v, %s", err, body)
	}
}

// failList lets the API answer all but the list.
func (r *rig) failList() {
	r.api.Inject(simapi.Fault{Endpoint: "browsers", Handler: simapi.Status(500, "")})
}

// status returns what the JSON says.
func (r *rig) status() (s statuspage.Status) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.url+statuspage.SessionsPath, http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&s); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// sessionID returns the n-th of the tests' session IDs.
func sessionID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

const (
	agentOne = "aaaaaaaa-0000-4000-8000-000000000001"
	agentTwo = "aaaaaaaa-0000-4000-8000-000000000002"
)

// newAPI returns a project with n plain active sessions, 1 to n: the higher the
// number, the longer it runs and the more it costs.
func newAPI(n int) *simapi.Server {
	api := simapi.New(simapi.Options{Key: testKey})
	now := time.Now()
	for i := 1; i <= n; i++ {
		session := simapi.Session{
			ID: sessionID(i), StartedAt: now.Add(-10*time.Minute - time.Duration(i)*time.Second), Timeout: 4 * time.Hour,
			ProxyBytesPerSecond: int64(i) << 10, Metadata: map[string]string{"team": "crawler"},
		}
		if i%2 == 0 {
			session.AgentSessionID = agentOne
		}
		api.Add(session)
	}
	return api
}

// newTroubled returns a project with a session of each state. The API does not know the
// IDs in missing.
func newTroubled() (api *simapi.Server, missing []string) {
	api = newAPI(4)
	now := time.Now()
	api.Add(
		simapi.Session{ID: sessionID(11), AgentSessionID: agentTwo, StartedAt: now.Add(-63 * time.Minute), Timeout: 4 * time.Hour, ProxyBytesPerSecond: 1 << 20,
			Override: map[string]any{"timeoutAt": now.Add(-3 * time.Minute).UTC().Format(time.RFC3339)}, Metadata: map[string]string{"team": "research", "customer": "customer-2"}},
		simapi.Session{ID: sessionID(12), AgentSessionID: agentTwo, StartedAt: now.Add(-56 * time.Minute), ProxyBytesPerSecond: 3 << 10, Metadata: map[string]string{"team": "support"}},
		simapi.Session{ID: sessionID(13), StartedAt: now.Add(-30 * time.Minute), StopAt: now.Add(-10 * time.Minute), Metadata: map[string]string{"team": "qa"}},
		simapi.Session{ID: sessionID(14), StartedAt: now.Add(-30 * time.Minute), Timeout: time.Hour, Override: map[string]any{"proxyCost": "much"}},
	)
	return api, []string{sessionID(13), sessionID(21), sessionID(22)}
}

const hostileText = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>"'><svg/onload=window.pwned=1>`

// newHostile returns a project whose creators and API wrote what a page could
// break by: markup, letters without end, amounts beyond reason.
func newHostile() *simapi.Server {
	api := newAPI(2)
	api.Add(
		simapi.Session{ID: sessionID(31), AgentSessionID: `"><script>window.pwned=1</script>` + strings.Repeat("agent", 50), StartedAt: time.Now(),
			Metadata: map[string]string{"team": hostileText, "customer": "javascript:window.pwned=1//\u202e" + strings.Repeat("long", 500)}},
		simapi.Session{ID: sessionID(32), StartedAt: time.Now().Add(-time.Hour), Timeout: 2 * time.Hour,
			Override: map[string]any{"proxyUsedMb": "1e40", "proxyCost": "123456789012345678901234567890", "browserCost": "-5e300"}},
		simapi.Session{ID: sessionID(33), StartedAt: time.Now().Add(-time.Hour), Timeout: 2 * time.Hour, Override: map[string]any{"proxyCost": "much"}},
	)
	return api
}
