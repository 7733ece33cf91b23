package simapi_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"browseruse_exporter/internal/simapi"
)

// character reports whether a session plays a part, as one sees it from outside.
type character func(s simapi.Session, now time.Time) bool

var characters = map[string]character{
	"a short one": func(s simapi.Session, _ time.Time) bool {
		return !s.StopAt.IsZero() && s.StopAt.Sub(s.StartedAt) <= 5*time.Minute
	},
	"one of hours":          func(s simapi.Session, now time.Time) bool { return now.Sub(s.StartedAt) > 90*time.Minute },
	"one of an agent":       func(s simapi.Session, _ time.Time) bool { return s.AgentSessionID != "" },
	"one with a label":      func(s simapi.Session, _ time.Time) bool { return s.Metadata["customer"] != "" },
	"one that leaks money":  func(s simapi.Session, now time.Time) bool { return s.ProxyCost(now) > 10 },
	"one about to time out": func(s simapi.Session, now time.Time) bool { return s.TimeoutAt().Sub(now) < 5*time.Minute },
	"one that is forgotten": func(s simapi.Session, now time.Time) bool {
		return s.ProxyBytesPerSecond == 0 && now.Sub(s.StartedAt) > 210*time.Minute
	},
}

func TestDemoStartsInTheMidstOfItsWork(t *testing.T) {
	clock := newClock()
	api := simapi.NewDemo(clock.Now)
	byAgent, stopped := map[string]int{}, 0
	met := map[string]bool{}
	for _, s := range api.Sessions() {
		if !s.Active(clock.now) {
			stopped++
			continue
		}
		byAgent[s.AgentSessionID]++
		for name, plays := range characters {
			met[name] = met[name] || plays(s, clock.now)
		}
	}
	for name := range characters {
		if !met[name] {
			t.Errorf("%s is missing", name)
		}
	}
	delete(byAgent, "")
	most := 0
	for _, n := range byAgent {
		most = max(most, n)
	}
	if most < 2 || stopped < 100 {
		t.Errorf("an agent session has %d browsers, %d sessions have stopped; want several, and a history", most, stopped)
	}
}

// TestDemo watches the demo for two hours.
func TestDemo(t *testing.T) {
	clock := newClock()
	start := clock.now
	api := simapi.NewDemo(clock.Now)
	atStart := map[string]bool{}
	for _, s := range api.Sessions() {
		atStart[s.ID] = s.Active(clock.now)
	}
	costs, finished, began := map[string]float64{}, map[string]bool{}, map[string]bool{}
	for ; !clock.now.After(start.Add(2 * time.Hour)); clock.now = clock.now.Add(time.Minute) {
		active := 0
		for _, s := range api.Sessions() {
			cost := s.ProxyCost(clock.now) + s.BrowserCost(clock.now)
			if cost < costs[s.ID] {
				t.Fatalf("the cost of %s fell from %v to %v", s.ID, costs[s.ID], cost)
			}
			costs[s.ID] = cost
			if _, known := atStart[s.ID]; !known {
				began[s.ID] = true
			}
			if s.Active(clock.now) {
				active++
			} else if atStart[s.ID] {
				finished[s.ID] = true
			}
		}
		if active < 10 || active > 20 {
			t.Errorf("%d sessions are active after %v; want about 14", active, clock.now.Sub(start))
		}
	}
	if len(finished) < 10 || len(began) < 100 {
		t.Errorf("%d sessions finished, %d started", len(finished), len(began))
	}
}

// TestTheDemosCreditPaysForItsSessions watches the credit of a demo for two days, in
// which it forgets sessions, and buys credit.
func TestTheDemosCreditPaysForItsSessions(t *testing.T) {
	clock := newClock()
	api := simapi.NewDemo(clock.Now)
	costs := map[string]float64{} // of all sessions that ever were
	look := func() (cost, credit, additional float64) {
		for _, s := range api.Sessions() {
			costs[s.ID] = s.ProxyCost(clock.now) + s.BrowserCost(clock.now)
		}
		for _, a := range api.AgentSessions() {
			costs[a.ID] = a.LLMCost(clock.now)
		}
		for _, usd := range costs {
			cost += usd
		}
		account := decode(t, ask(api, "/billing/account"))
		return cost, account["totalCreditsBalanceUsd"].(float64), account["additionalCreditsBalanceUsd"].(float64)
	}
	costAtStart, creditAtStart, _ := look()
	for range 48 {
		clock.now = clock.now.Add(time.Hour)
		cost, credit, additional := look()
		bought := credit - (creditAtStart - (cost - costAtStart))
		if math.Abs(bought-50*math.Round(bought/50)) > 0.01 || additional < 5 {
			t.Fatalf("$%.2f were spent by %v, and the credit is $%.2f, $%.2f of it bought", cost-costAtStart, clock.now, credit, additional)
		}
	}
}

func TestDemoIsTheSameHoweverOftenOneLooks(t *testing.T) {
	often, once := newClock(), newClock()
	watched, unwatched := simapi.NewDemo(often.Now), simapi.NewDemo(once.Now)
	for range 26 * 60 {
		often.now = often.now.Add(time.Minute)
		ask(watched, "/browsers?pageSize=1&filterBy=active")
	}
	once.now = often.now
	for _, path := range []string{"/browsers?filterBy=active&pageSize=100", "/billing/account"} {
		if diff := cmp.Diff(decode(t, ask(watched, path)), decode(t, ask(unwatched, path))); diff != "" {
			t.Errorf("%s (-often +once):\n%s", path, diff)
		}
	}
}

func TestDemoForgetsWhatIsLongOver(t *testing.T) {
	clock := newClock()
	api := simapi.NewDemo(clock.Now)
	most := 0
	const step = 4 * time.Hour
	for range 30 * 24 * time.Hour / step {
		clock.now = clock.now.Add(step)
		sessions := api.Sessions()
		most = max(most, len(sessions))
		for _, s := range sessions {
			if finish, finished := s.Finish(clock.now); finished && clock.now.Sub(finish) > 25*time.Hour {
				t.Fatalf("a session that finished %v ago is kept", clock.now.Sub(finish))
			}
		}
	}
	if most > 3000 {
		t.Errorf("%d sessions are kept; want no more than a day has", most)
	}
	if got := decode(t, ask(api, "/browsers?filterBy=active"))["totalItems"].(float64); got < 10 || got > 20 {
		t.Errorf("%v sessions are active after a month; want about 14", got)
	}
}
