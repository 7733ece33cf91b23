package collector

import (
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
	id  string
	usd float64
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

func newMark(r *Reading) mark {
	m := mark{at: r.Start, costs: make([]sessionCost, 0, len(r.Sessions))}
	for i := range r.Sessions {
		if s := &r.Sessions[i]; costsKnown(s) {
			m.costs = append(m.costs, sessionCost{s.ID, s.Session.Cost()})
		}
	}
	return m
}

// spentUntil returns what was spent from m to r, as far as is known.
func (m *mark) spentUntil(r *Reading) float64 {
	spent, costs := 0.0, m.costs
	for i := range r.Sessions {
		s := &r.Sessions[i]
		for len(costs) > 0 && costs[0].id < s.ID {
			costs = costs[1:]
		}
		switch {
		case !costsKnown(s):
		case len(costs) > 0 && costs[0].id == s.ID:
			spent += s.Session.Cost() - costs[0].usd
		case s.Session.StartedAt.After(m.at):
			spent += s.Session.Cost()
		}
	}
	return spent
}

func costsKnown(s *SessionReading) bool {
	return s.Err == nil && s.Session.ProxyCost.Known && s.Session.BrowserCost.Known
}
