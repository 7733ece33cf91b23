package collector

import (
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// What a rate is taken from. The API bills browser time by the minute, so less
// than that says nothing; after a longer gap, what was spent says nothing of now.
const (
	minSpendWindow = time.Minute
	SpendWindow    = 10 * time.Minute // once as much is known; that of the shipped rules
	maxSpendWindow = 15 * time.Minute

	spendMarkInterval = 2 * time.Minute
)

// SpendRate is how fast money is spent: what the sessions' costs and proxy traffic
// have grown by since an earlier reading. A session counts if both readings have its
// costs, or if it started between them.
type SpendRate struct {
	Rate     // over the time from the earlier reading to this one
	sessions map[string]Rate
}

// Rate is how fast money is spent, and data moved through the proxy; of that NaN if
// it is not known.
type Rate struct {
	USDPerHour         float64
	MegabytesPerMinute float64
	Over               time.Duration
}

// Of returns the rate of a session, or of the LLM of an agent session; nil if it is not
// known. One that started in the meantime has its own since its start.
func (r *SpendRate) Of(id string) *Rate {
	if r == nil {
		return nil
	}
	if rate, known := r.sessions[id]; known {
		return &rate
	}
	return nil
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
	id        string
	usd       float64
	megabytes float64 // NaN: not known
	started   time.Time
}

func (c *sessionCost) rate(over time.Duration) Rate {
	return Rate{USDPerHour: c.usd / over.Hours(), MegabytesPerMinute: c.megabytes / over.Minutes(), Over: over}
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
	now := mark{at: r.Start, costs: costsOf(r)}
	if len(t.marks) > 0 && now.at.Sub(t.marks[0].at) >= minSpendWindow {
		rate = t.marks[0].rateUntil(now)
	}
	if n := len(t.marks); n == 0 || now.at.Sub(t.marks[n-1].at) >= spendMarkInterval {
		t.marks = append(t.marks, now)
	}
	return rate
}

// forget keeps the marks that a rate at now can be taken from: the newest that is
// old enough, and those after it. A clock that went back begins anew.
func (t *spendTracker) forget(now time.Time) {
	if n := len(t.marks); n > 0 && t.marks[n-1].at.After(now) {
		t.marks = nil
	}
	for len(t.marks) > 1 && now.Sub(t.marks[1].at) >= SpendWindow || len(t.marks) > 0 && now.Sub(t.marks[0].at) > maxSpendWindow {
		t.marks = t.marks[1:]
	}
}

// rateUntil returns how fast money was spent from m to now, as far as is known.
func (m *mark) rateUntil(now mark) *SpendRate {
	before := m.costs
	total, since, rate := sessionCost{}, now.at.Sub(m.at), &SpendRate{sessions: make(map[string]Rate, len(now.costs))}
	for _, spent := range now.costs {
		for len(before) > 0 && before[0].id < spent.id {
			before = before[1:]
		}
		over := since
		switch {
		case len(before) > 0 && before[0].id == spent.id:
			spent.usd -= before[0].usd
			spent.megabytes -= before[0].megabytes
		case spent.started.After(m.at):
			over = now.at.Sub(spent.started)
		default:
			continue
		}
		total.usd += spent.usd
		if !math.IsNaN(spent.megabytes) {
			total.megabytes += spent.megabytes
		}
		if over >= minSpendWindow {
			rate.sessions[spent.id] = spent.rate(over)
		}
	}
	rate.Rate = total.rate(since)
	return rate
}

// costsOf returns what the sessions of r have cost, browsers and the LLM of agents: the
// parts of the bill, none of which contains another.
func costsOf(r *Reading) []sessionCost {
	costs := make([]sessionCost, 0, len(r.Sessions)+len(r.AgentSessions))
	for i := range r.Sessions {
		if s := &r.Sessions[i]; s.Err == nil && s.Session.ProxyCost.Known && s.Session.BrowserCost.Known {
			cost := sessionCost{s.ID, s.Session.Cost(), math.NaN(), s.Session.StartedAt}
			if s.Session.ProxyUsedMB.Known {
				cost.megabytes = s.Session.ProxyUsedMB.Value
			}
			costs = append(costs, cost)
		}
	}
	for i := range r.AgentSessions {
		if s := &r.AgentSessions[i]; s.Err == nil && s.Session.LLMCost.Known {
			costs = append(costs, sessionCost{s.ID, s.Session.LLMCost.Value, math.NaN(), s.Session.StartedAt})
		}
	}
	slices.SortFunc(costs, func(a, b sessionCost) int { return strings.Compare(a.id, b.id) })
	return costs
}
