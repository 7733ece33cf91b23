package statuspage

import (
	"cmp"
	"math"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
)

// Session is one session as JSON. One that could not be read has an ID and an
// error, and nothing else.
type Session struct {
	SessionID        string            `json:"session_id"`
	AgentSessionID   *string           `json:"agent_session_id,omitempty"` // "" for a session without one
	Up               bool              `json:"up"`
	Error            *Failure          `json:"error,omitempty"`
	Active           *bool             `json:"active,omitempty"`
	ProxyUsedMB      *float64          `json:"proxy_used_megabytes,omitempty"` // nil, as the costs: not known
	ProxyCostUSD     *float64          `json:"proxy_cost_usd,omitempty"`
	BrowserCostUSD   *float64          `json:"browser_cost_usd,omitempty"`
	TimeoutRemaining *float64          `json:"timeout_remaining_seconds,omitempty"` // only while active; negative if overdue
	StartTimestamp   time.Time         `json:"start_timestamp,omitzero"`
	TimeoutTimestamp time.Time         `json:"timeout_timestamp,omitzero"`
	FinishTimestamp  time.Time         `json:"finish_timestamp,omitzero"`
	ReadTimestamp    time.Time         `json:"read_timestamp,omitzero"` // when these values were read
	Info             map[string]string `json:"info,omitempty"`          // metadata_<key>, as configured
}

// soon is how little time left makes a session one that is about to time out.
const soon = 5 * time.Minute

// State is the state of a session in a word, with which the page shows it.
type State string

// The states, in the order in which they need attention.
const (
	Overdue    State = "overdue"
	Unreadable State = "unreadable"
	TimingOut  State = "timing out"
	Active     State = "active"
	Stopped    State = "stopped"
)

var urgency = map[State]int{Overdue: 0, Unreadable: 1, TimingOut: 2, NearBudget: 2, Active: 3, Stopped: 4}

func newSession(r *collector.Reading, s *collector.SessionReading, now time.Time) Session {
	if s.Err != nil {
		return Session{SessionID: s.ID, Error: newFailure(s.Err)}
	}
	session := Session{
		SessionID:        s.ID,
		AgentSessionID:   &s.Session.AgentSessionID,
		Up:               true,
		Active:           new(s.Session.Active()),
		ProxyUsedMB:      known(s.Session.ProxyUsedMB),
		ProxyCostUSD:     known(s.Session.ProxyCost),
		BrowserCostUSD:   known(s.Session.BrowserCost),
		StartTimestamp:   stamp(s.Session.StartedAt),
		TimeoutTimestamp: stamp(s.Session.TimeoutAt),
		ReadTimestamp:    stamp(s.ReadAt),
		Info:             r.Metadata(s),
	}
	if s.Session.Active() {
		session.TimeoutRemaining = new(collector.SecondsUntil(s.Session.TimeoutAt, now))
	}
	if !s.Session.FinishedAt.IsZero() {
		session.FinishTimestamp = stamp(s.Session.FinishedAt)
	}
	return session
}

// known returns an amount of a session, or nil if it is not known. One for which
// JSON has no number counts as not known, so that it does not spoil the others.
func known(amount apiclient.Amount) *float64 {
	if !amount.Known || math.IsNaN(amount.Value) || math.IsInf(amount.Value, 0) {
		return nil
	}
	return &amount.Value
}

func orZero(amount *float64) float64 {
	if amount == nil {
		return 0
	}
	return *amount
}

// State returns the state that the page shows.
func (s Session) State() State {
	switch {
	case !s.Up:
		return Unreadable
	case !*s.Active:
		return Stopped
	case *s.TimeoutRemaining < 0:
		return Overdue
	case *s.TimeoutRemaining < soon.Seconds():
		return TimingOut
	default:
		return Active
	}
}

// Cost returns what a session that was read has cost, or nil if a part of that is
// not known.
func (s Session) Cost() *float64 {
	if s.ProxyCostUSD == nil || s.BrowserCostUSD == nil {
		return nil
	}
	return new(s.knownCost())
}

func (s Session) knownCost() float64 { return sum(orZero(s.ProxyCostUSD), orZero(s.BrowserCostUSD)) }

// compare orders sessions: what needs attention first, then the dearest of those
// that are active, and the last to finish of those that are not.
func compare(a, b Session) int {
	state := a.State()
	order := cmp.Compare(urgency[state], urgency[b.State()])
	switch {
	case order != 0 || state == Unreadable:
	case state == Stopped:
		order = b.FinishTimestamp.Compare(a.FinishTimestamp)
	default:
		order = cmp.Compare(b.knownCost(), a.knownCost())
	}
	return cmp.Or(order, cmp.Compare(a.SessionID, b.SessionID))
}
