package statuspage_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
	"browseruse_exporter/web/statuspage"
)

// TestTroubles checks that what raises an alert is pointed out: in the session, in what
// to look at first, and on top.
func TestTroubles(t *testing.T) {
	const gigabytePerHour = 1 << 30 / 3600
	for name, test := range map[string]struct {
		age, ended  time.Duration // ago
		bytesPerSec int64
		wait        time.Duration // from the first scrape to the last
		state       statuspage.State
		want        []statuspage.State
	}{
		"nothing":               {30 * time.Minute, 0, 0, 10 * time.Minute, statuspage.Active, nil},
		"expensive":             {20 * time.Minute, 0, gigabytePerHour, 10 * time.Minute, statuspage.Expensive, []statuspage.State{statuspage.Expensive}},
		"heavy and expensive":   {20 * time.Minute, 0, 2 * gigabytePerHour, 10 * time.Minute, statuspage.Expensive, []statuspage.State{statuspage.Expensive, statuspage.HeavyTraffic}},
		"heavy":                 {0, 0, 353_000, 10 * time.Minute, statuspage.HeavyTraffic, []statuspage.State{statuspage.HeavyTraffic}}, // 20.2 MB a minute
		"not heavy for long":    {0, 0, 2 * gigabytePerHour, 5 * time.Minute, statuspage.Active, nil},
		"running long":          {50 * time.Minute, 0, 0, 0, statuspage.RunningLong, []statuspage.State{statuspage.RunningLong}},
		"expensive and stopped": {30 * time.Minute, 5 * time.Minute, 2 * gigabytePerHour, 0, statuspage.Stopped, []statuspage.State{statuspage.Expensive}},
		"heavy and stopped":     {5 * time.Minute, -4 * time.Minute, 4 * gigabytePerHour, 10 * time.Minute, statuspage.Stopped, []statuspage.State{statuspage.Expensive, statuspage.HeavyTraffic}},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			session := simapi.Session{ID: exportertest.SessionID(1), StartedAt: time.Now().Add(-test.age), Timeout: 4 * time.Hour, ProxyBytesPerSecond: test.bytesPerSec}
			if test.ended != 0 {
				session.StopAt = time.Now().Add(-test.ended)
			}
			api := simapi.New(simapi.Options{Key: exportertest.Key})
			api.Add(session)
			r := exportertest.New(t, api)
			r.Scrape()
			time.Sleep(test.wait)
			r.Scrape()
			got := status(t, r)
			if s := got.Sessions[0]; s.State != test.state || !slices.Equal(s.Troubles, test.want) {
				t.Errorf("the session is %s, with %v; want %s, with %v", s.State, s.Troubles, test.state, test.want)
			}
			if s := got.Sessions[0]; s.Has(statuspage.HeavyTraffic) && s.MBPerMinute == nil {
				t.Error("it does not say how heavy the traffic is")
			}
			for _, trouble := range test.want {
				kind := strings.ReplaceAll(string(trouble), " ", "_")
				if !slices.ContainsFunc(got.Attention, func(a statuspage.Attention) bool { return a.Kind == kind && a.Level == statuspage.Warning }) {
					t.Errorf("%s is not among what to look at first", trouble)
				}
			}
			if warned := got.Health[0].Level == statuspage.Warning; warned != (len(test.want) > 0) {
				t.Errorf("the page says first %q", got.Health[0].Text)
			}
		})
	}
}

// TestTheAPIIsDown checks that the page has what was read last, dated, and says why once.
func TestTheAPIIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := exportertest.NewAPI(3)
		api.AddAgents(simapi.AgentSession{ID: exportertest.AgentID, CreatedAt: time.Now().Add(-time.Minute), TokensPerSecond: 1000})
		r := exportertest.New(t, api, "--collector.agent-sessions")
		r.Scrape()
		before := status(t, r)
		r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		time.Sleep(time.Minute)
		r.Scrape()
		got := status(t, r)
		for _, s := range got.Sessions {
			if s.Up || s.State != statuspage.WasActive || s.Active != nil || s.LastKnown == nil || *s.LastKnown.BrowserCostUSD == 0 || !s.LastKnown.ReadTimestamp.Equal(before.Timestamp) {
				t.Errorf("a session is %+v", s)
			}
		}
		if a := got.AgentSessions[0]; a.Up || a.State != statuspage.WasActive || a.LastKnown == nil {
			t.Errorf("the agent session is %+v", a)
		}
		if got.Totals.Sums != nil || got.Totals.LastKnown.CostUSD != before.Totals.CostUSD || !got.Totals.LastKnownTimestamp.Equal(before.Timestamp) {
			t.Errorf("the totals are %+v", got.Totals)
		}
		if last := got.Attention[len(got.Attention)-1]; last.Kind != "most_expensive_agent_sessions" || last.Sessions[0].AgentSessionID != exportertest.AgentID {
			t.Errorf("the last thing to look at is %+v; want the agent session", last)
		}
		page := r.Get("/").Body.String()
		if n := strings.Count(page, ">00:00:00 UTC</td>"); n != 4 {
			t.Errorf("%d rows have the time; want 4", n)
		}
		table := page[strings.Index(page, "<tbody"):strings.LastIndex(page, "</tbody>")]
		if strings.Contains(table, "server error") || !strings.Contains(page, "server error") {
			t.Error("why the API is down is said of each session, or not at all")
		}
	})
}
