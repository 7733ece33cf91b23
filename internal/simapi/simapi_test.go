package simapi_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"browseruse_exporter/internal/simapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id1 = "00000000-0000-4000-8000-000000000001"

// clock is a clock that stands still until it is set.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

// ask sends a GET with the key "k".
func ask(api http.Handler, path string) *httptest.ResponseRecorder {
	return send(api, http.MethodGet, path, "k")
}

func send(api http.Handler, method, path, key string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, "/api/v3"+path, nil)
	request.Header.Set("X-Browser-Use-API-Key", key)
	recorder := httptest.NewRecorder()
	api.ServeHTTP(recorder, request)
	return recorder
}

// decode returns a body as the fields that it has.
func decode(t *testing.T, recorder *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &fields); err != nil {
		t.Fatalf("%v: %s", err, recorder.Body)
	}
	return fields
}

func TestRefusals(t *testing.T) {
	clock := newClock()
	api := simapi.New(simapi.Options{Now: clock.Now, Key: "k"})
	api.Add(simapi.Session{ID: id1, StartedAt: clock.now})
	for name, test := range map[string]struct {
		method, path, key string
		status            int
		body              string // part of it
	}{
		"no key":                    {"GET", "/browsers", "", 401, `{"detail":"Invalid API key"}`},
		"a wrong key":               {"GET", "/browsers", "x", 401, `{"detail":"Invalid API key"}`},
		"a session that is not one": {"GET", "/browsers/00000000-0000-4000-8000-000000000002", "k", 404, `{"detail":"Session not found"}`},
		"an ID that is not one":     {"GET", "/browsers/1", "k", 422, `{"detail":[{"loc":["path","session_id"],`},
		"a page that is not one":    {"GET", "/browsers?pageNumber=0", "k", 422, `{"detail":[{"loc":["query","pageNumber"],`},
		"a size in words":           {"GET", "/browsers?pageSize=all", "k", 422, `{"detail":[{"loc":["query","pageSize"],`},
		"a size that is too much":   {"GET", "/browsers?pageSize=101", "k", 422, `{"detail":[{"loc":["query","pageSize"],`},
		"a filter that is not one":  {"GET", "/browsers?filterBy=running", "k", 422, `{"detail":[{"loc":["query","filterBy"],`},
		"an empty filter":           {"GET", "/browsers?filterBy=", "k", 422, `{"detail":[{"loc":["query","filterBy"],`},
		"an agent that is not one":  {"GET", "/browsers?agentSessionId=1", "k", 422, `{"detail":[{"loc":["query","agentSessionId"],`},
		"no ID":                     {"GET", "/browsers/", "k", 404, `{"detail":"Not Found"}`},
		"metadata without value":    {"GET", "/browsers?metadata=team", "k", 422, `{"detail":[{"loc":["query","metadata"],`},
		"a path that is not one":    {"GET", "/nowhere", "k", 404, `{"detail":"Not Found"}`},
		"a write":                   {"PATCH", "/browsers/" + id1, "k", 405, `{"detail":"Method Not Allowed"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := send(api, test.method, test.path, test.key)
			if got.Code != test.status || !strings.HasPrefix(got.Body.String(), test.body) {
				t.Errorf("status %d, body %s; want %d, %s", got.Code, got.Body, test.status, test.body)
			}
		})
	}
}

// TestSession holds the JSON of a session to the API's page, while it runs and
// after it.
func TestSession(t *testing.T) {
	clock := newClock()
	api := simapi.New(simapi.Options{Now: clock.Now})
	start := clock.now
	api.Add(simapi.Session{
		ID: id1, StartedAt: start.Add(123456 * time.Microsecond), StopAt: start.Add(10 * time.Minute),
		ProxyBytesPerSecond: 1 << 20, LateProxyBytes: 1 << 20, LateAfter: 2 * time.Minute, Metadata: map[string]string{"team": "a"},
	})
	clock.now = start.Add(90*time.Second + 123456*time.Microsecond)
	want := map[string]any{
		"id": id1, "status": "active", "agentSessionId": nil,
		"startedAt": "2026-11-24T12:00:00.123456Z", "timeoutAt": "2026-11-24T13:00:00.123456Z", "finishedAt": nil,
		"proxyUsedMb": "90", "proxyCost": "0.439453125", "browserCost": "0.0006666666666666666666666666667",
		"liveUrl":      "https://live.browser-use.test/?wss=" + id1 + "." + simapi.Credential,
		"cdpUrl":       "https://cdp.browser-use.test/" + id1 + "." + simapi.Credential,
		"recordingUrl": nil, "recordingAvailable": false, "metadata": map[string]any{"team": "a"},
	}
	if diff := cmp.Diff(want, decode(t, ask(api, "/browsers/"+id1))); diff != "" {
		t.Errorf("while it runs (-want +got):\n%s", diff)
	}

	item := func() any { return decode(t, ask(api, "/browsers"))["items"].([]any)[0] }
	delete(want, "recordingAvailable")
	if diff := cmp.Diff(any(want), item()); diff != "" {
		t.Errorf("as an item of the list (-want +got):\n%s", diff)
	}

	clock.now = start.Add(11 * time.Minute)
	got := decode(t, ask(api, "/browsers/"+id1))
	for field, want := range map[string]any{
		"status": "stopped", "finishedAt": "2026-11-24T12:10:00.000000Z", "timeoutAt": "2026-11-24T13:00:00.123456Z",
		"liveUrl": nil, "cdpUrl": nil, "recordingAvailable": true, "proxyUsedMb": "599.87654399871826171875",
	} {
		if got[field] != want {
			t.Errorf("%s is %v after the stop; want %v", field, got[field], want)
		}
	}
	if url, _ := got["recordingUrl"].(string); !strings.Contains(url, simapi.Credential) {
		t.Errorf("recordingUrl is %q after the stop", url)
	}
	if url := item().(map[string]any)["recordingUrl"]; url != nil {
		t.Errorf("recordingUrl is %v in the list", url)
	}
	clock.now = start.Add(12 * time.Minute)
	if got := decode(t, ask(api, "/browsers/"+id1))["proxyUsedMb"]; got != "600.87654399871826171875" {
		t.Errorf("proxyUsedMb is %v after the late metering", got)
	}
}

// TestDecimals compares with what Python prints for the same quotients in its
// default context: Decimal(bytes)/2**20, and Decimal(bytes)*5/2**30.
func TestDecimals(t *testing.T) {
	for bytes, want := range map[int64]struct{ mb, usd string }{
		0:                {"0", "0"},
		1:                {"9.5367431640625E-7", "4.656612873077392578125E-9"},
		3:                {"0.00000286102294921875", "1.3969838619232177734375E-8"},
		1048576:          {"1", "0.0048828125"},
		10485760:         {"10", "0.048828125"},
		123456789:        {"117.73756885528564453125", "0.5748904729261994361877441406"},
		987654321987:     {"941900.56036663055419921875", "4599.123829915188252925872803"},
		9007199254740991: {"8589934591.999999046325683594", "41943039.99999999534338712692"},
		// The zeros at the end of what was rounded stay.
		1350851717672992089: {"1288272588417.999352455139160", "6290393498.134762463159859180"},
	} {
		clock := newClock()
		api := simapi.New(simapi.Options{Now: clock.Now})
		api.Add(simapi.Session{ID: id1, StartedAt: clock.now.Add(-time.Hour), LateProxyBytes: bytes})
		got := decode(t, ask(api, "/browsers/"+id1))
		if got["proxyUsedMb"] != want.mb || got["proxyCost"] != want.usd {
			t.Errorf("%d bytes are %v MB and %v USD; want %v and %v", bytes, got["proxyUsedMb"], got["proxyCost"], want.mb, want.usd)
		}
	}
}

func TestBrowserTimeIsBilledByTheMinute(t *testing.T) {
	follow(t, simapi.Session{}, "browserCost", map[time.Duration]string{
		0:                  "0.0003333333333333333333333333333",
		time.Minute:        "0.0003333333333333333333333333333",
		time.Minute + 1:    "0.0006666666666666666666666666667",
		30 * time.Minute:   "0.01",
		31*time.Minute - 1: "0.01033333333333333333333333333",
		59*time.Minute + 1: "0.02",
		10000 * time.Hour:  "0.02",
	})
}

func TestBrowserTimeIsChargedUpfrontAndRefunded(t *testing.T) {
	stopped := simapi.Session{StopAt: newClock().now.Add(30 * time.Minute), Upfront: true}
	follow(t, stopped, "browserCost", map[time.Duration]string{0: "0.02", 30*time.Minute - 1: "0.02", 30 * time.Minute: "0.01"})
}

func TestASessionOverstaysItsTimeout(t *testing.T) {
	overdue := simapi.Session{StopAt: newClock().now.Add(90 * time.Minute), Overdue: true}
	follow(t, overdue, "status", map[time.Duration]string{89 * time.Minute: "active", 90 * time.Minute: "stopped"})
}

// follow checks a field of a session that starts now, at times from then on.
func follow(t *testing.T, session simapi.Session, field string, want map[time.Duration]string) {
	t.Helper()
	clock := newClock()
	api := simapi.New(simapi.Options{Now: clock.Now})
	start := clock.now
	session.ID, session.StartedAt = id1, start
	api.Add(session)
	for ran, want := range want {
		clock.now = start.Add(ran)
		if got := decode(t, ask(api, "/browsers/"+id1))[field]; got != want {
			t.Errorf("after %v its %s is %v; want %v", ran, field, got, want)
		}
	}
}

func TestList(t *testing.T) {
	clock := newClock()
	api := simapi.New(simapi.Options{Now: clock.Now})
	const agent = "aaaaaaaa-0000-4000-8000-000000000001"
	for i := range 25 {
		s := simapi.Session{StartedAt: clock.now.Add(-time.Duration(i) * time.Minute), Metadata: map[string]string{"team": "a", "n": fmt.Sprint(i % 2)}}
		if i >= 20 {
			s.StopAt = clock.now
			s.AgentSessionID = agent
		}
		api.Add(s)
	}
	for query, want := range map[string]struct{ items, total, page, size int }{
		"":                            {10, 25, 1, 10},
		"pageSize=100":                {25, 25, 1, 100},
		"pageSize=10&pageNumber=3":    {5, 25, 3, 10},
		"pageSize=10&pageNumber=4":    {0, 25, 4, 10},
		"pageNumber=1000000000000":    {0, 25, 1000000000000, 10},
		"filterBy=active&pageSize=15": {15, 20, 1, 15},
		"filterBy=stopped":            {5, 5, 1, 10},
		"agentSessionId=" + agent:     {5, 5, 1, 10},
		"metadata=team=a&metadata=n=1&pageSize=100": {12, 12, 1, 100},
		"metadata=team=b": {0, 0, 1, 10},
		"filterBy=active&metadata=n=0&pageSize=100": {10, 10, 1, 100},
		"filterBy=active&agentSessionId=" + agent:   {0, 0, 1, 10},
	} {
		got := decode(t, ask(api, "/browsers?"+query))
		items := got["items"].([]any)
		ids := map[any]bool{}
		for _, item := range items {
			ids[item.(map[string]any)["id"]] = true
		}
		if len(items) != want.items || len(ids) != want.items || got["totalItems"] != float64(want.total) ||
			got["pageNumber"] != float64(want.page) || got["pageSize"] != float64(want.size) {
			t.Errorf("%q: %d items, %d of them different, of %v, page %v of size %v; want %+v",
				query, len(items), len(ids), got["totalItems"], got["pageNumber"], got["pageSize"], want)
		}
	}
}

func TestStopAndDelete(t *testing.T) {
	clock := newClock()
	api := simapi.New(simapi.Options{Now: clock.Now})
	ids := api.Add(simapi.Session{StartedAt: clock.now}, simapi.Session{StartedAt: clock.now})
	clock.now = clock.now.Add(time.Minute)
	api.Stop(ids[0])
	if got := decode(t, ask(api, "/browsers/"+ids[0]))["status"]; got != "stopped" {
		t.Errorf("it is %v; want stopped", got)
	}
	if got := decode(t, ask(api, "/browsers?filterBy=active"))["totalItems"]; got != 1.0 {
		t.Errorf("%v sessions are active; want 1", got)
	}
	api.Delete(ids[1])
	if got := ask(api, "/browsers/"+ids[1]).Code; got != http.StatusNotFound {
		t.Errorf("status %d; want 404", got)
	}
	if got := decode(t, ask(api, "/browsers?filterBy=active"))["totalItems"]; got != 0.0 {
		t.Errorf("%v sessions are active; want none", got)
	}
}

func TestRateLimit(t *testing.T) {
	clock := newClock()
	api := simapi.New(simapi.Options{Now: clock.Now, RateLimit: simapi.RealRateLimit})
	clock.now = clock.now.Add(3500 * time.Millisecond)
	for range 2 { // in this window and in the next
		for n := 1; n <= 125; n++ {
			got := ask(api, "/billing/account")
			if got.Code != http.StatusOK || got.Header().Get("X-RateLimit-Remaining") != fmt.Sprint(125-n) || got.Header().Get("X-RateLimit-Limit") != "125" {
				t.Fatalf("request %d: status %d, headers %v", n, got.Code, got.Header())
			}
		}
		got := ask(api, "/billing/account")
		want := `{"error":"rate_limited","limit_rps":25,"retry_after_seconds":5}`
		if got.Code != http.StatusTooManyRequests || got.Header().Get("Retry-After") != "5" || got.Body.String() != want || got.Header().Get("X-RateLimit-Reset") != "2" {
			t.Errorf("request 126: status %d, headers %v, body %s", got.Code, got.Header(), got.Body)
		}
		clock.now = clock.now.Add(5 * time.Second)
	}
	if got := api.Requests()["account"]; got != 252 {
		t.Errorf("%d requests counted; want all 252", got)
	}
}

func TestFaults(t *testing.T) {
	clock := newClock()
	api := simapi.New(simapi.Options{Now: clock.Now})
	ids := api.Add(simapi.Session{StartedAt: clock.now}, simapi.Session{StartedAt: clock.now})
	remove := api.Inject(simapi.Fault{Endpoint: "browser", ID: ids[0], Handler: simapi.Status(503, "no", "Content-Type", "text/plain")})
	api.Inject(simapi.Fault{Endpoint: "browsers", Page: 2, Times: 1, Handler: simapi.Status(500, "")})
	codes := func(paths ...string) []int {
		got := make([]int, 0, len(paths))
		for _, path := range paths {
			got = append(got, ask(api, path).Code)
		}
		return got
	}
	got := codes("/browsers/"+ids[0], "/browsers/"+ids[1], "/browsers", "/browsers?pageNumber=2", "/browsers?pageNumber=2", "/billing/account")
	if want := []int{503, 200, 200, 500, 200, 200}; !slices.Equal(got, want) {
		t.Errorf("status %v; want %v", got, want)
	}
	remove()
	if got := codes("/browsers/" + ids[0]); got[0] != http.StatusOK {
		t.Errorf("status %d after the fault was removed", got[0])
	}
}

func TestTruth(t *testing.T) {
	clock := newClock()
	s := simapi.Session{StartedAt: clock.now.Add(-90 * time.Second), ProxyBytesPerSecond: 1 << 20}
	if mb, usd := s.ProxyMB(clock.now), s.ProxyCost(clock.now); mb != 90 || usd != 90*5.0/1024 {
		t.Errorf("%v MB, %v USD", mb, usd)
	}
	if usd := s.BrowserCost(clock.now); math.Abs(usd-0.02/30) > 1e-15 {
		t.Errorf("%v USD for two minutes", usd)
	}
}
