package exportertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/simapi"
)

// Fault is something that the API, or what stands between, can do instead of a
// good answer.
type Fault struct {
	Answer func(good string) http.HandlerFunc
	Reason string
	Tries  int    // each is counted
	Only   string // victim that it can happen to; "": any
}

// Victim is what a fault happens to, in a project in which all else is well.
type Victim struct {
	Fault       simapi.Fault // what it matches
	Endpoint    string
	Path        string // of the good answer
	Limit       int    // bytes that are read of it
	Sessions    int
	Args        []string
	First, Last int  // the sessions that are hit
	Alone       bool // there is no other way to them
	Agents      func(api *simapi.Server, now time.Time)
	AgentsUp    int           // agent sessions that Agents has added and that are exported
	Pause       time.Duration // until what was refused is asked for again
}

// API returns the project.
func (v Victim) API() *simapi.Server {
	api := NewAPI(v.Sessions)
	if v.Agents != nil {
		v.Agents(api, time.Now())
	}
	return api
}

// Victims returns the victims, by name: "one session", "the list", "one page of the list", "the account",
// "one agent session" and "the agent sessions".
func Victims() map[string]Victim {
	const detail, list = 1 << 20, 16 << 20
	return map[string]Victim{
		"one session": {
			Fault: simapi.Fault{Endpoint: "browser", ID: SessionID(1)}, Endpoint: "browser", Path: "/browsers/" + SessionID(1), Limit: detail,
			Sessions: 3, Args: append(IDFlags(3), "--no-collector.account"), First: 1, Last: 1, Alone: true,
		},
		"the list": {
			Fault: simapi.Fault{Endpoint: "browsers"}, Endpoint: "browsers", Path: "/browsers?pageSize=100&pageNumber=1&filterBy=active", Limit: list,
			Sessions: 3, Args: []string{"--session.discover"}, First: 1, Last: 3,
		},
		"one page of the list": {
			Fault: simapi.Fault{Endpoint: "browsers", Page: 2}, Endpoint: "browsers", Path: "/browsers?pageSize=100&pageNumber=2&filterBy=active", Limit: list,
			Sessions: 110, Args: []string{"--session.discover", "--no-collector.account"}, First: 101, Last: 110,
		},
		"the account": {
			Fault: simapi.Fault{Endpoint: "account"}, Endpoint: "account", Path: "/billing/account", Limit: detail,
			Sessions: 3, Args: IDFlags(3), First: 1, Last: 0,
		},
		"one agent session": {
			Fault: simapi.Fault{Endpoint: "agent_session", ID: AgentID}, Endpoint: "agent_session", Path: "/sessions/" + AgentID, Limit: detail,
			Sessions: 3, Args: append(IDFlags(3), "--collector.agent-sessions", "--no-collector.account"), First: 1, Last: 0, Alone: true, AgentsUp: 1,
			Agents: func(api *simapi.Server, now time.Time) { // a browser names it, and it is not on the page
				api.Add(simapi.Session{ID: SessionID(1), StartedAt: now.Add(-time.Hour), Timeout: 4 * time.Hour, AgentSessionID: AgentID})
				api.AddAgents(simapi.AgentSession{ID: AgentID, CreatedAt: now.Add(-3 * time.Hour), TokensPerSecond: 1000})
				for n := range 100 {
					api.AddAgents(simapi.AgentSession{CreatedAt: now.Add(-2 * time.Hour).Add(time.Duration(n) * time.Second), EndAt: now.Add(-time.Hour)})
				}
			},
		},
		"the agent sessions": {
			Fault: simapi.Fault{Endpoint: "agent_sessions"}, Endpoint: "agent_sessions", Path: "/sessions?page=1&page_size=100", Limit: list,
			Sessions: 3, Args: append(IDFlags(3), "--collector.agent-sessions", "--no-collector.account"), First: 1, Last: 0, AgentsUp: 2, Pause: 8 * time.Minute,
			Agents: func(api *simapi.Server, now time.Time) {
				api.AddAgents(simapi.AgentSession{ID: AgentID, CreatedAt: now.Add(-time.Minute), TokensPerSecond: 1000}, simapi.AgentSession{CreatedAt: now.Add(-time.Hour)})
			},
		},
	}
}

// CheckFault lets a fault happen to a victim in a scrape for which Prometheus
// waits so many seconds, and checks that it takes nothing but what it must.
func CheckFault(t *testing.T, f Fault, v Victim, seconds int) {
	t.Helper()
	r := New(t, v.API(), v.Args...)
	good := r.Scrape(fmt.Sprint(seconds))
	CheckComplete(t, good, good, v)

	v.Fault.Handler = simapi.Leak(f.Answer(GoodAnswer(t, r.API, v.Path)))
	remove := r.API.Inject(v.Fault)
	start := time.Now()
	got := r.Scrape(fmt.Sprint(seconds))
	if took := time.Since(start); took > time.Duration(seconds)*time.Second-500*time.Millisecond {
		t.Errorf("the scrape took %v; Prometheus waits %ds", took, seconds)
	}
	itself := f.Reason == "not_found" || f.Reason == "rejected" || f.Reason == "invalid_response"
	if itself && !v.Alone {
		SameSessions(t, got, good, NoneLost)
	} else {
		SameSessions(t, got, good, v.Hit)
	}
	Has(t, got, "browseruse_up 1", Failures(v.Endpoint, f.Reason, f.Tries))
	if v.Endpoint == "account" {
		HasNot(t, got, "browseruse_account_")
	}
	agentsUp := 0
	if v.Endpoint == "agent_sessions" && f.Reason == "invalid_response" {
		agentsUp = v.AgentsUp // read by ID
	}
	if n := AgentsUp(got); n != agentsUp {
		t.Errorf("%d agent sessions have values; want %d", n, agentsUp)
	}
	if kinds := FailureKinds.FindAllString(got, -1); len(kinds) != 1 {
		t.Errorf("failures counted: %q", kinds)
	}
	if !strings.Contains(r.Log.String(), "reason="+f.Reason) {
		t.Errorf("the log does not say why:\n%s", r.Log)
	}
	r.CheckNoSecrets()

	remove()
	time.Sleep(v.Pause)
	CheckComplete(t, r.Scrape(fmt.Sprint(seconds)), good, v)
	if !strings.Contains(r.Log.String(), "msg=Recovered") {
		t.Errorf("the log does not tell the recovery:\n%s", r.Log)
	}
	r.Exit()
	synctest.Wait()
	if n := r.Open.Load(); n != 0 {
		t.Errorf("%d connections to the API are left", n)
	}
}

// Hit reports whether the n-th session is one of those that a fault can take.
func (v Victim) Hit(n int) bool { return n >= v.First && n <= v.Last }

// NoneLost is for SameSessions, where each session has to be there.
func NoneLost(int) bool { return false }

// CheckComplete checks that a scrape has all that a good one has.
func CheckComplete(t *testing.T, exposition, good string, v Victim) {
	t.Helper()
	if n := Values(exposition); n != v.Sessions {
		t.Errorf("%d sessions have values; want all %d", n, v.Sessions)
	}
	SameSessions(t, exposition, good, NoneLost)
	Has(t, exposition, "browseruse_up 1")
	if n := AgentsUp(exposition); n != v.AgentsUp {
		t.Errorf("%d agent sessions have values; want all %d", n, v.AgentsUp)
	}
	if v.Endpoint == "account" {
		Has(t, exposition, `browseruse_account_credits_usd{source="monthly"} 87.5`)
	}
}

// GoodAnswer is what the API serves at a path.
func GoodAnswer(t *testing.T, api *simapi.Server, path string) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "/api/v3"+path, nil)
	request.Header.Set("X-Browser-Use-API-Key", Key)
	api.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		t.Fatalf("%s: status %d", path, recorder.Code)
	}
	return recorder.Body.String()
}

// Changed is a JSON object with another value of a field.
func Changed(t *testing.T, object, field string, value any) string {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		t.Fatal(err)
	}
	var err error
	if fields[field], err = json.Marshal(value); err != nil {
		t.Fatal(err)
	}
	if value == simapi.Absent {
		delete(fields, field)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
