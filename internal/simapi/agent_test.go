package simapi_test

import (
	"testing"
	"time"

	"browseruse_exporter/internal/simapi"
)

func field(t *testing.T, api *simapi.Server, id, name string) any {
	t.Helper()
	return decode(t, ask(api, "/sessions/"+id))[name]
}

// TestAnAgentSessionLives follows one from its creation to the end of its budget, and one
// that waits.
func TestAnAgentSessionLives(t *testing.T) {
	clock := newClock()
	start := clock.now
	api := simapi.New(simapi.Options{Now: clock.Now})
	ids := api.AddAgents(
		simapi.AgentSession{CreatedAt: clock.now, TokensPerSecond: 1000, MaxCost: 0.5},
		simapi.AgentSession{CreatedAt: clock.now, TokensPerSecond: 1000, IdleAt: clock.now.Add(time.Minute), EndAt: clock.now.Add(time.Hour), EndStatus: "timed_out"},
	)
	for _, test := range []struct {
		after             time.Duration
		budgeted, waiting string
	}{
		{0, "created", "created"}, {30 * time.Second, "running", "running"}, {5 * time.Minute, "running", "idle"},
		{15 * time.Minute, "stopped", "idle"}, {2 * time.Hour, "stopped", "timed_out"},
	} {
		clock.now = start.Add(test.after)
		if got := field(t, api, ids[0], "status"); got != test.budgeted {
			t.Errorf("after %v the one with a budget is %v; want %v", test.after, got, test.budgeted)
		}
		if got := field(t, api, ids[1], "status"); got != test.waiting {
			t.Errorf("after %v the one that waits is %v; want %v", test.after, got, test.waiting)
		}
		if cost := api.TotalCost(ids[0], clock.now); cost > 0.5 || test.budgeted == "stopped" && cost < 0.4999 {
			t.Errorf("after %v it has cost %v of its 0.5", test.after, cost)
		}
	}
}

// TestTheDemoHasAgentSessions looks for one in a loop, and for one near its budget.
func TestTheDemoHasAgentSessions(t *testing.T) {
	clock := newClock()
	api := simapi.NewDemo(clock.Now)
	looping, nearBudget, living := false, false, 0
	statuses := map[any]bool{}
	for _, a := range api.AgentSessions() {
		cost := api.TotalCost(a.ID, clock.now)
		statuses[field(t, api, a.ID, "status")] = true
		if !a.Active(clock.now) {
			continue
		}
		living++
		looping = looping || a.MaxCost == 0 && cost > 10
		nearBudget = nearBudget || a.MaxCost > 0 && cost > 0.9*a.MaxCost
	}
	if !looping || !nearBudget || living < 5 || living > 15 {
		t.Errorf("one in a loop: %v; one near its budget: %v; %d live", looping, nearBudget, living)
	}
	for _, status := range []string{"idle", "running", "stopped", "timed_out", "error"} {
		if !statuses[status] {
			t.Errorf("none is %s", status)
		}
	}
}

func TestEuropeServesNoAgentSessions(t *testing.T) {
	api := simapi.New(simapi.Options{NoAgentSessions: true})
	for _, path := range []string{"/sessions", "/sessions/00000000-0000-4000-8000-000000000001"} {
		if response := ask(api, path); response.Code != 404 {
			t.Errorf("%s: status %d; want 404", path, response.Code)
		}
	}
	if response := ask(api, "/browsers"); response.Code != 200 {
		t.Errorf("browsers: status %d; want 200", response.Code)
	}
}
