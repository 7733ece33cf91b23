package collector_test

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

func agentID(n int) string { return fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n) }

func agentUp(n, value int) string {
	return fmt.Sprintf(`browseruse_agent_session_up{agent_session_id="%s"} %d`, agentID(n), value)
}

func agentActive(n, value int) string {
	return fmt.Sprintf(`browseruse_agent_session_active{agent_session_id="%s"} %d`, agentID(n), value)
}

// agents adds agent sessions, a second apart, of which isLive says which live. The
// first was created so long ago; the others ended hours ago.
func agents(api *simapi.Server, n int, age time.Duration, isLive func(n int) bool) {
	for i := 1; i <= n; i++ {
		a := simapi.AgentSession{ID: agentID(i), CreatedAt: time.Now().Add(-age).Add(time.Duration(i) * time.Second), TokensPerSecond: 100}
		if !isLive(i) {
			a.EndAt = a.CreatedAt.Add(time.Minute + time.Duration(7*i%11)*time.Second) // not in the order in which they began
		}
		api.AddAgents(a)
	}
}

var withAgents = []string{"--collector.agent-sessions", "--no-collector.account"}

// TestRequestsForAgentSessions counts what a scrape costs in steady state, with as many
// live agent sessions as each case has. An active browser names each of them, so that
// all are known.
func TestRequestsForAgentSessions(t *testing.T) {
	for name, test := range map[string]struct {
		agents int
		isLive func(n int) bool
		live   int
		want   map[string]int
	}{
		"none":                                     {0, nil, 0, map[string]int{"agent_sessions": 1}},
		"1,000, of which 60 of the newest live":    {1000, func(n int) bool { return n > 940 }, 60, map[string]int{"agent_sessions": 1}},
		"1,000, of which 300 live, the newest":     {1000, func(n int) bool { return n > 700 }, 300, map[string]int{"agent_sessions": 3}},
		"1,000, of which 300 live, here and there": {1000, func(n int) bool { return n%10 < 3 }, 300, map[string]int{"agent_sessions": 10}},
		"1,000, of which 3 live that are not on the page, one of them newer": {1000, func(n int) bool { return n == 7 || n == 500 || n == 950 }, 3,
			map[string]int{"agent_sessions": 1, "agent_session": 2}},
		"1,000, of which 300 live, 280 of them the newest": {1000, func(n int) bool { return n > 720 || n <= 200 && n%10 == 1 }, 300,
			map[string]int{"agent_sessions": 4, "agent_session": 20}},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			api := fleet(0)
			if test.isLive != nil {
				agents(api, test.agents, 5*time.Hour, test.isLive)
			}
			for n := 1; n <= test.agents; n++ {
				if test.isLive(n) {
					api.Add(simapi.Session{ID: exportertest.SessionID(n), StartedAt: time.Now(), Timeout: 4 * time.Hour, AgentSessionID: agentID(n)})
				}
			}
			r := exportertest.New(t, api, withAgents...)
			r.Scrape("120")
			for range 2 {
				time.Sleep(30 * time.Second)
				api.ResetRequests()
				if n := exportertest.AgentsUp(r.Scrape("120")); n != test.live {
					t.Errorf("%d agent sessions have values; want %d", n, test.live)
				}
				got := api.Requests()
				delete(got, "browsers")
				delete(got, "stopped")
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestAgentSessionsInEachOrder has agent sessions begin, and some of them end, between
// two scrapes, in a project that has had many.
func TestAgentSessionsInEachOrder(t *testing.T) {
	for name, order := range orders {
		exportertest.Bubble(t, name, func(t *testing.T) {
			api := fleet(0)
			api.SetAgentOrder(order)
			agents(api, 250, 5*time.Hour, func(int) bool { return false })
			r := exportertest.New(t, api, withAgents...)
			if n := exportertest.AgentsUp(r.Scrape()); n != 0 {
				t.Errorf("%d agent sessions of long ago are exported", n)
			}
			for scrape := range 10 {
				time.Sleep(30 * time.Second)
				ended, lives := 1000+2*scrape, 1001+2*scrape
				at := time.Now().Add(-20 * time.Second)
				api.AddAgents(simapi.AgentSession{ID: agentID(ended), CreatedAt: at, EndAt: at.Add(10 * time.Second), EndStatus: "error"},
					simapi.AgentSession{ID: agentID(lives), CreatedAt: at})
				api.ResetRequests()
				exportertest.Has(t, r.Scrape(), agentActive(ended, 0), agentActive(lives, 1), agentActive(1001, 1))
				if n := api.Requests()["agent_sessions"]; n > 2 || n > 1 && order <= simapi.NewestFinishFirst {
					t.Errorf("%d requests for two that are new", n)
				}
			}
		})
	}
	exportertest.Bubble(t, "in no order", func(t *testing.T) {
		api := fleet(0)
		api.SetAgentOrder(simapi.Shuffled)
		agents(api, 250, 5*time.Hour, func(n int) bool { return n == 7 })
		api.Add(simapi.Session{StartedAt: time.Now(), AgentSessionID: agentID(7)})
		r := exportertest.New(t, api, withAgents...)
		for range 5 {
			exportertest.Has(t, r.Scrape(), "browseruse_up 1", agentActive(7, 1))
			time.Sleep(30 * time.Second)
		}
		r.Logged(1, "level=warn", "Agent sessions are listed in no order")
		if n := api.Requests()["agent_sessions"]; n != 1 {
			t.Errorf("%d requests for a list without order; want 1", n)
		}
	})
}

// TestAnAgentSessionSettles follows one that ends off the page: its late tokens show, it
// is read at growing intervals, lingers, and goes.
func TestAnAgentSessionSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(0)
		end := time.Now().Add(10 * time.Minute)
		api.AddAgents(simapi.AgentSession{
			ID: agentID(1), CreatedAt: time.Now().Add(-4 * time.Hour), EndAt: end, EndStatus: "timed_out", TokensPerSecond: 10, LateTokens: 1_000_000, LateAfter: 5 * time.Minute,
		})
		r := exportertest.New(t, api, "--collector.agent-sessions", "--no-collector.account", "--session.linger=20m")
		exportertest.Has(t, r.Scrape(), agentActive(1, 1))
		agents(api, 200, 2*time.Hour, func(n int) bool { return n == 1 }) // but for the one that is on no page
		api.AddAgents(simapi.AgentSession{ID: agentID(1), CreatedAt: time.Now().Add(-4 * time.Hour), EndAt: end, EndStatus: "timed_out", TokensPerSecond: 10, LateTokens: 1_000_000, LateAfter: 5 * time.Minute})
		var readings []time.Duration
		for ; time.Since(end) < 19*time.Minute; time.Sleep(15 * time.Second) {
			api.ResetRequests()
			exportertest.Has(t, r.Scrape(), agentUp(1, 1))
			if after := time.Since(end); after >= 0 && api.Requests()["agent_session"] > 0 {
				readings = append(readings, after)
			}
		}
		if len(readings) != 5 || readings[0] != 0 || readings[4] != 15*time.Minute {
			t.Errorf("read %v after its end; want at once, three times in between, and when it has settled", readings)
		}
		exportertest.Has(t, r.Scrape(), fmt.Sprintf(`browseruse_agent_session_input_tokens{agent_session_id="%s"} 1.14995e+06`, agentID(1)),
			fmt.Sprintf(`browseruse_agent_session_info{agent_session_id="%s",model="bu-max",status="timed_out"} 1`, agentID(1)))
		time.Sleep(2 * time.Minute)
		exportertest.HasNot(t, r.Scrape(), "browseruse_agent_session_up")
	})
}

// TestARestartFindsAgentSessions has one on the page, one that an active browser names,
// one that has ended since but whose browser was left, one that is not there, and one
// that nothing shows.
func TestARestartFindsAgentSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(0)
		agents(api, 200, 3*time.Hour, func(n int) bool { return n == 1 || n == 3 || n == 200 })
		for n, agent := range []string{agentID(1), agentID(2), strings.ToUpper(agentID(2)), agentID(999), "", "no ID"} {
			api.Add(simapi.Session{ID: exportertest.SessionID(n + 1), StartedAt: time.Now(), Timeout: 4 * time.Hour, AgentSessionID: agent})
		}
		r := exportertest.New(t, api, withAgents...)
		for range 2 {
			got := r.Scrape()
			exportertest.Has(t, got, agentActive(1, 1), agentActive(2, 0), agentActive(200, 1), agentUp(999, 0), "browseruse_up 1")
			if n := exportertest.AgentsUp(got); n != 3 {
				t.Errorf("%d agent sessions have values; want 3", n)
			}
		}
		if n := api.Requests()["agent_session"]; n != 3+2 {
			t.Errorf("%d requests by ID in two scrapes; want one for each named one, and one more for the one that lives and the one that is missing", n)
		}
		api.ResetRequests()
		const hour = 120
		for range hour {
			time.Sleep(30 * time.Second)
			exportertest.Has(t, r.Scrape(), agentActive(1, 1), agentActive(2, 0))
		}
		if n := api.Requests()["agent_session"]; n > hour+45 {
			t.Errorf("%d requests by ID in an hour; want one a scrape for the one that lives, and few for the others", n)
		}
	})
}

// TestWhereTheAPIServesNoAgentSessions checks that this costs the rest nothing, in
// Europe and where their list alone fails.
func TestWhereTheAPIServesNoAgentSessions(t *testing.T) {
	served := map[string]bool{}
	for name, test := range map[string]struct {
		answer simapi.Fault
		wait   int // readings that fail before the pause begins
	}{
		"Europe": {}, "403": {simapi.Fault{Handler: simapi.Status(403, `{"detail":"no"}`)}, 1}, "422": {simapi.Fault{Handler: simapi.Status(422, "{}")}, 1},
		"500": {simapi.Fault{Handler: simapi.Status(500, "{}")}, 2}, "501": {simapi.Fault{Handler: simapi.Status(501, "")}, 2},
		"503 with a pause": {simapi.Fault{Handler: simapi.Status(503, "", "Retry-After", "300")}, 2},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			api := exportertest.NewAPI(3)
			if test.answer.Handler == nil {
				api = simapi.New(simapi.Options{Key: exportertest.Key, NoAgentSessions: true})
				for n := 1; n <= 3; n++ {
					api.Add(simapi.Session{ID: exportertest.SessionID(n), StartedAt: time.Now(), Timeout: 4 * time.Hour, AgentSessionID: agentID(n)})
				}
				test.wait = 1
			} else {
				test.answer.Endpoint = "agent_sessions"
				api.Inject(test.answer)
			}
			r := exportertest.New(t, api, withAgents...)
			start := time.Now()
			var asked []time.Duration
			for ; time.Since(start) < 30*time.Minute; time.Sleep(30 * time.Second) {
				api.ResetRequests()
				got := r.Scrape()
				exportertest.Has(t, got, "browseruse_up 1", exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Up(3, 1), `browseruse_spend_usd_total{component="llm"} 0`)
				exportertest.HasNot(t, got, "browseruse_agent_session_", "browseruse_api_hold_until")
				if requests := api.Requests(); requests["agent_sessions"]+requests["agent_session"] > 0 {
					asked = append(asked, time.Since(start))
				}
			}
			var want []time.Duration
			for n := range test.wait - 1 {
				want = append(want, time.Duration(n)*30*time.Second)
			}
			for n := range 4 {
				want = append(want, time.Duration(test.wait-1)*30*time.Second+time.Duration(n)*8*time.Minute)
			}
			if diff := cmp.Diff(want, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			r.Logged(1, "level=warn")
			r.Logged(1, "level=warn", "List of agent sessions could not be read")
			served[name] = true
		})
	}
	if len(served) != 6 {
		t.Errorf("%d cases ran", len(served))
	}
}

// TestNothingElseToAsk has all sessions final where the API serves no agent sessions.
func TestNothingElseToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := simapi.New(simapi.Options{Key: exportertest.Key, NoAgentSessions: true})
		stopped(api, 1, 3, time.Hour)
		r := exportertest.New(t, api, append(exportertest.IDFlags(3), withAgents...)...)
		r.Scrape()
		time.Sleep(8 * time.Minute)
		api.ResetRequests()
		for range 10 {
			exportertest.Has(t, r.Scrape(), "browseruse_up 1", exportertest.Up(1, 1), exportertest.Up(3, 1))
			time.Sleep(30 * time.Second)
		}
		if diff := cmp.Diff(map[string]int{"agent_sessions": 1}, api.Requests()); diff != "" {
			t.Errorf("requests in 5 minutes (-want +got):\n%s", diff)
		}
	})
}

// TestAgentSessionsWhileTheWholeAPIFails are asked for again as soon as it is back.
func TestAgentSessionsWhileTheWholeAPIFails(t *testing.T) {
	for name, handler := range map[string]simapi.Fault{
		"500": {Handler: simapi.Status(500, "")}, "401": {Handler: simapi.Status(401, `{"detail":"Invalid API key"}`)}, "429": {Handler: simapi.Status(429, "", "Retry-After", "5")},
		"404": {Handler: simapi.Status(404, "{}")},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			api := exportertest.NewAPI(3)
			api.AddAgents(simapi.AgentSession{ID: agentID(1), CreatedAt: time.Now()})
			r := exportertest.New(t, api, withAgents...)
			exportertest.Has(t, r.Scrape(), agentUp(1, 1))
			remove := api.Inject(handler)
			for range 60 {
				time.Sleep(30 * time.Second)
				api.ResetRequests()
				exportertest.Has(t, r.Scrape(), agentUp(1, 0), "browseruse_up 0")
				if n := api.Requests()["agent_sessions"] + api.Requests()["agent_session"]; n > 2 {
					t.Errorf("%d requests for agent sessions to an API that fails", n)
				}
			}
			remove()
			time.Sleep(30 * time.Second)
			exportertest.Has(t, r.Scrape(), agentUp(1, 1), "browseruse_up 1")
		})
	}
}

var spendLine = regexp.MustCompile(`(?m)^browseruse_spend_usd_total\{component="(\w+)"\} (\S+)$`)

// TestNothingIsAddedTwice compares the counters of what is spent, added up, with the
// total of an agent session that has three browsers, which all began after the exporter.
func TestNothingIsAddedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(0)
		r := exportertest.New(t, api, withAgents...)
		r.Scrape()
		time.Sleep(time.Second)
		start := time.Now()
		api.AddAgents(simapi.AgentSession{ID: agentID(1), CreatedAt: start, EndAt: start.Add(20 * time.Minute), TokensPerSecond: 3000, LateTokens: 50_000, LateAfter: time.Minute})
		for n := 1; n <= 3; n++ {
			api.Add(simapi.Session{
				ID: exportertest.SessionID(n), AgentSessionID: agentID(1), StartedAt: start.Add(time.Duration(n) * time.Minute), StopAt: start.Add(time.Duration(5*n) * time.Minute),
				ProxyBytesPerSecond: 100_000,
			})
		}
		for ; time.Since(start) < 40*time.Minute; time.Sleep(30 * time.Second) {
			got := r.Scrape()
			sum := 0.0
			for _, match := range spendLine.FindAllStringSubmatch(got, -1) {
				value, _ := strconv.ParseFloat(match[2], 64)
				sum += value
			}
			if want := api.TotalCost(agentID(1), time.Now()); time.Since(start) < 20*time.Minute && math.Abs(sum-want) > 1e-9 || time.Since(start) > 36*time.Minute && math.Abs(sum-want) > 1e-9 {
				t.Fatalf("after %v %v dollars are counted; the agent session has cost %v", time.Since(start), sum, want)
			}
		}
	})
}

// TestLongOutputs has a page whose items have 100 KB of output each.
func TestLongOutputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(0)
		for n := 1; n <= 100; n++ {
			api.AddAgents(simapi.AgentSession{ID: agentID(n), CreatedAt: time.Now(), OutputBytes: 100_000})
		}
		r := exportertest.New(t, api, withAgents...)
		if n := exportertest.AgentsUp(r.Scrape()); n != 100 {
			t.Errorf("%d agent sessions have values; want 100", n)
		}
		for n := 1; n <= 100; n++ {
			api.AddAgents(simapi.AgentSession{ID: agentID(n), CreatedAt: time.Now(), OutputBytes: 200_000})
		}
		time.Sleep(time.Minute)
		got := r.Scrape("60")
		if n := exportertest.AgentsUp(got); n != 100 {
			t.Errorf("%d agent sessions have values when their page is too long; want 100, read by ID", n)
		}
		exportertest.Has(t, got, exportertest.Failures("agent_sessions", "invalid_response", 1), "browseruse_up 1")
	})
}
