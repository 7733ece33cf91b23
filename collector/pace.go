package collector

import (
	"sync"
	"time"
)

// What a pace is taken from. The API bills browser time by the minute, so less
// than that says nothing; after a longer gap, what was spent says nothing of now.
const (
	leastPace  = time.Minute
	usualPace  = 5 * time.Minute
	oldestPace = 15 * time.Minute
)

// Pace is how fast money is spent: what the sessions' costs have grown by since
// an earlier reading. A session counts if both readings have its costs, or if it
// started between them.
type Pace struct {
	USDPerHour float64
	Over       time.Duration // from the earlier reading to this one
}

// paceKeeper remembers the costs that readings found, at intervals. It is safe
// for concurrent use.
type paceKeeper struct {
	mu    sync.Mutex
	marks []mark // the oldest first
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

// pace returns the pace at which r finds the sessions, or nil if that is not
// known, and remembers the costs that r has.
func (k *paceKeeper) pace(r *Reading) *Pace {
	if !r.Up || !r.Complete || r.ListErr != nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(r.Start)
	var pace *Pace
	if len(k.marks) > 0 && r.Start.Sub(k.marks[0].at) >= leastPace {
		over := r.Start.Sub(k.marks[0].at)
		pace = &Pace{USDPerHour: k.marks[0].spentUntil(r) / over.Hours(), Over: over}
	}
	if n := len(k.marks); n == 0 || r.Start.Sub(k.marks[n-1].at) >= leastPace {
		k.marks = append(k.marks, newMark(r))
	}
	return pace
}

// forget leaves the marks that a pace at now can be taken from: the newest that
// is old enough, and those after it. A clock that went back begins anew.
func (k *paceKeeper) forget(now time.Time) {
	if n := len(k.marks); n > 0 && k.marks[n-1].at.After(now) {
		k.marks = nil
	}
	for len(k.marks) > 1 && now.Sub(k.marks[1].at) >= usualPace {
		k.marks = k.marks[1:]
	}
	if len(k.marks) > 0 && now.Sub(k.marks[0].at) > oldestPace {
		k.marks = nil
	}
}

func newMark(r *Reading) mark {
	m := mark{at: r.Start, costs: make([]sessionCost, 0, len(r.Sessions))}
	for i := range r.Sessions {
		if s := &r.Sessions[i]; s.Err == nil {
			m.costs = append(m.costs, sessionCost{s.ID, s.Session.Cost()})
		}
	}
	return m
}

// spentUntil is what was spent from m to r, as far as is known.
func (m *mark) spentUntil(r *Reading) float64 {
	spent, costs := 0.0, m.costs
	for i := range r.Sessions {
		s := &r.Sessions[i]
		for len(costs) > 0 && costs[0].id < s.ID {
			costs = costs[1:]
		}
		switch {
		case s.Err != nil:
		case len(costs) > 0 && costs[0].id == s.ID:
			spent += s.Session.Cost() - costs[0].usd
		case s.Session.StartedAt.After(m.at):
			spent += s.Session.Cost()
		}
	}
	return spent
}
