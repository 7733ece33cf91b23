package statuspage

import (
	"cmp"
	"math"
	"slices"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
)

// Session is one session as JSON. One that could not be read has an ID, an error, what
// was read of it last, and nothing else.
type Session struct {
	SessionID string `json:"session_id"`
	Verdict
	AgentSessionID   *string           `json:"agent_session_id,omitempty"` // "" for a session without one
	Up               bool              `json:"up"`
	Error            *Failure          `json:"error,omitempty"`
	LastKnown        *Session          `json:"last_known,omitempty"` // of one that was read before
	Active           *bool             `json:"active,omitempty"`
	ProxyUsedMB      *float64          `json:"proxy_used_megabytes,omitempty"` // nil, as the costs: not known
	ProxyCostUSD     *float64          `json:"proxy_cost_usd,omitempty"`
	BrowserCostUSD   *float64          `json:"browser_cost_usd,omitempty"`
	USDPerHour       *float64          `json:"usd_per_hour,omitempty"` // nil, as the next: not known (yet), or it is not active; one that has ended may still have heavy traffic
	MBPerMinute      *float64          `json:"proxy_megabytes_per_minute,omitempty"`
	TimeoutRemaining *float64          `json:"timeout_remaining_seconds,omitempty"` // only while active; negative if overdue
	StartTimestamp   time.Time         `json:"start_timestamp,omitzero"`
	TimeoutTimestamp time.Time         `json:"timeout_timestamp,omitzero"`
	FinishTimestamp  time.Time         `json:"finish_timestamp,omitzero"`
	ReadTimestamp    time.Time         `json:"read_timestamp,omitzero"` // when these values were read
	Info             map[string]string `json:"info,omitempty"`          // metadata_<key>, as configured
}

// Verdict is the state of a session, or of an agent session, and why it needs attention.
type Verdict struct {
	State    State   `json:"state"`
	Troubles []State `json:"troubles,omitempty"` // what of it exceeds a limit, the most urgent first
}

// verdict returns that of a session without trouble.
func verdict(active bool) Verdict {
	if active {
		return Verdict{State: Active}
	}
	return Verdict{State: Stopped}
}

// take adds a trouble. The first one of an active session is its state.
func (v *Verdict) take(trouble State, has bool) {
	if !has {
		return
	}
	if v.State == Active {
		v.State = trouble
	}
	v.Troubles = append(v.Troubles, trouble)
}

// Has reports whether a session has this trouble, be it its state or not.
func (v *Verdict) Has(trouble State) bool { return slices.Contains(v.Troubles, trouble) }

// State is the state of a session in a word, with which the page shows it.
type State string

// The states of sessions.
const (
	Overdue      State = "overdue"
	Unreadable   State = "unreadable"
	Expensive    State = "expensive"
	HeavyTraffic State = "heavy traffic"
	NearBudget   State = "low budget" // an agent session
	RunningLong  State = "running long"
	TimingOut    State = "timing out"
	Active       State = "active"
	WasActive    State = "was active" // while the API is down
	Stopped      State = "stopped"
)

// ranks are how bad each state is, and its place in the order in which they need attention.
var ranks = map[State]struct {
	level Level
	place int
}{
	Overdue: {Bad, 0}, Unreadable: {Bad, 1},
	Expensive: {Warning, 2}, HeavyTraffic: {Warning, 3}, NearBudget: {Warning, 4}, RunningLong: {Warning, 5}, TimingOut: {Warning, 6},
	Active: {Good, 7}, WasActive: {Note, 8}, Stopped: {Note, 9},
	Down: {Bad, 0}, Paused: {Warning, 1}, NotScraped: {Note, 2}, Up: {Good, 3},
}

func newSession(r *collector.Reading, s *collector.SessionReading, now time.Time) *Session {
	if s.Err != nil {
		session := &Session{SessionID: s.ID, Verdict: Verdict{State: Unreadable}, Error: newFailure(s.Err)}
		if stale := r.StaleSession(s.ID); stale != nil {
			session.LastKnown = newSession(r, stale, stale.ReadAt)
			if !r.Up && *session.LastKnown.Active {
				session.State = WasActive
			}
		}
		return session
	}
	session := &Session{
		SessionID:        s.ID,
		Verdict:          verdict(s.Session.Active()),
		AgentSessionID:   &s.Session.AgentSessionID,
		Up:               true,
		Active:           new(s.Session.Active()),
		ProxyUsedMB:      known(s.Session.ProxyUsedMB),
		ProxyCostUSD:     known(s.Session.ProxyCost),
		BrowserCostUSD:   known(s.Session.BrowserCost),
		StartTimestamp:   stamp(s.Session.StartedAt),
		TimeoutTimestamp: stamp(s.Session.TimeoutAt),
		FinishTimestamp:  stamp(s.Session.FinishedAt),
		ReadTimestamp:    stamp(s.ReadAt),
		Info:             r.Metadata(s),
	}
	if s.Session.Active() {
		session.TimeoutRemaining = new(collector.SecondsUntil(s.Session.TimeoutAt, now))
	}
	rate := r.SpendRate.Of(s.ID)
	heavy := rate != nil && rate.Over >= collector.SpendWindow && rate.MegabytesPerMinute > proxyMegabytesPerMinute
	if heavy || rate != nil && s.Session.Active() {
		session.USDPerHour, session.MBPerMinute = reasonable(rate.USDPerHour), reasonable(rate.MegabytesPerMinute)
	}
	session.judge(now, heavy)
	return session
}

// known returns an amount of a session, or nil if it is not known. One beyond reason
// counts as not known, so that it does not spoil the sums, nor the JSON.
func known(amount apiclient.Amount) *float64 {
	if !amount.Known {
		return nil
	}
	return reasonable(amount.Value)
}

func reasonable(v float64) *float64 {
	if math.Abs(v) < 1e15 { // which NaN is not
		return &v
	}
	return nil
}

func orZero(amount *float64) float64 {
	if amount == nil {
		return 0
	}
	return *amount
}

// judge says what of a session that was read exceeds a limit.
func (s *Session) judge(now time.Time, heavyTraffic bool) {
	active, left := *s.Active, orZero(s.TimeoutRemaining)
	age := collector.SecondsUntil(now, s.StartTimestamp)
	s.take(Overdue, active && left < -overdueAfter.Seconds())
	s.take(Expensive, s.knownCost() > sessionCostUSD && (active || now.Sub(s.FinishTimestamp) < endedFor))
	s.take(HeavyTraffic, heavyTraffic)
	s.take(RunningLong, active && age > runningLong.Seconds())
	s.take(TimingOut, active && age >= timingOutSoon.Seconds() && left >= -overdueAfter.Seconds() && left < timingOutSoon.Seconds())
}

// Values returns a session with values: itself, or as it was read last; nil if it never
// was.
func (s *Session) Values() *Session {
	if s.Up {
		return s
	}
	return s.LastKnown
}

// Cost returns what a session that was read has cost, or nil if a part of that is
// not known.
func (s *Session) Cost() *float64 {
	if s.ProxyCostUSD == nil || s.BrowserCostUSD == nil {
		return nil
	}
	return new(s.knownCost())
}

func (s *Session) knownCost() float64 { return orZero(s.ProxyCostUSD) + orZero(s.BrowserCostUSD) }

// compare orders sessions: what needs attention first, then the most expensive of those
// that are active, or were, and the last to finish of those that are not.
func compare(a, b *Session) int {
	order := cmp.Compare(ranks[a.State].place, ranks[b.State].place)
	switch {
	case order != 0:
	case a.State == Stopped:
		order = b.FinishTimestamp.Compare(a.FinishTimestamp)
	default:
		order = cmp.Compare(b.lastCost(), a.lastCost())
	}
	return cmp.Or(order, cmp.Compare(a.SessionID, b.SessionID))
}

// lastCost returns what a session has cost, as far as was ever known.
func (s *Session) lastCost() float64 {
	if values := s.Values(); values != nil {
		return values.knownCost()
	}
	return -math.MaxFloat64
}
