package collector

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// What a rate is taken from. The API bills browser time by the minute, so less
// than that says nothing; after a longer gap, what was spent says nothing of now.
const (
	minSpendWindow = time.Minute
	spendWindow    = 5 * time.Minute
	maxSpendWindow = 15 * time.Minute
)

// SpendRate is how fast money is spent: what the sessions' costs have grown by
// since an earlier reading. A session counts if both readings have its costs, or
// if it started between them.
type SpendRate struct {
	USDPerHour float64
	Over       time.Duration // from the earlier reading to this one
}

// spendTracker remembers the costs that readings found, at intervals. It is safe
// for concurrent use.
type spendTracker struct {
	mu     sync.Mutex
	newest int    // number of the newest reading
	marks  []mark // the oldest first
}

// mark is what the sessions had cost at a time.
type mark struct {
	at    time.Time
	costs []sessionCost // in the order of the IDs
}

type sessionCost struct {
	id      string
	usd     float64
	started time.Time
}

// rate returns the rate at which r finds money spent, or nil if it is not known,
// and remembers the costs that r has. A reading that began before one that it
// already knows is ignored.
func (t *spendTracker) rate(r *Reading) *SpendRate {
	if !r.Up || !r.Complete || r.ListErr != nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.number < t.newest {
		return nil
	}
	t.newest = r.number
	t.forget(r.Start)
	var rate *SpendRate
	if len(t.marks) > 0 && r.Start.Sub(t.marks[0].at) >= minSpendWindow {
		over := r.Start.Sub(t.marks[0].at)
		rate = &SpendRate{USDPerHour: t.marks[0].spentUntil(r) / over.Hours(), Over: over}
	}
	if n := len(t.marks); n == 0 || r.Start.Sub(t.marks[n-1].at) >= minSpendWindow {
		t.marks = append(t.marks, newMark(r))
	}
	return rate
}

// forget keeps the marks that a rate at now can be taken from: the newest that is
// old enough, and those after it. A clock that went back begins anew.
func (t *spendTracker) forget(now time.Time) {
	if n := len(t.marks); n > 0 && t.marks[n-1].at.After(now) {
		t.marks = nil
	}
	for len(t.marks) > 1 && now.Sub(t.marks[1].at) >= spendWindow {
		t.marks = t.marks[1:]
	}
	if len(t.marks) > 0 && now.Sub(t.marks[0].at) > maxSpendWindow {
		t.marks = nil
	}
}

func newMark(r *Reading) mark { return mark{at: r.Start, costs: costsOf(r)} }

// spentUntil returns what was spent from m to r, as far as is known.
func (m *mark) spentUntil(r *Reading) float64 {
	spent, before := 0.0, m.costs
	for _, cost := range costsOf(r) {
		for len(before) > 0 && before[0].id < cost.id {
			before = before[1:]
		}
		switch {
		case len(before) > 0 && before[0].id == cost.id:
			spent += cost.usd - before[0].usd
		case cost.started.After(m.at):
			spent += cost.usd
		}
	}
	return spent
}

// costsOf returns what the sessions of r have cost, browsers and the LLM of agents: the
// parts of the bill, none of which contains another.
func costsOf(r *Reading) []sessionCost {
	costs := make([]sessionCost, 0, len(r.Sessions)+len(r.AgentSessions))
	for i := range r.Sessions {
		if s := &r.Sessions[i]; s.Err == nil && s.Session.ProxyCost.Known && s.Session.BrowserCost.Known {
			costs = append(costs, sessionCost{s.ID, s.Session.Cost(), s.Session.StartedAt})
		}
	}
	for i := range r.AgentSessions {
		if s := &r.AgentSessions[i]; s.Err == nil && s.Session.LLMCost.Known {
			costs = append(costs, sessionCost{s.ID, s.Session.LLMCost.Value, s.Session.StartedAt})
		}
	}
	slices.SortFunc(costs, func(a, b sessionCost) int { return strings.Compare(a.id, b.id) })
	return costs
}
