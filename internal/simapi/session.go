// Package simapi is a simulated Browser Use Cloud API v3: a project whose
// sessions live and cost by a clock that is handed in, with faults on demand.
// The tests run against it, and so does the exporter's demo.
package simapi

import "time"

// Bounds and prices of the real service: the timeout from its API's page, the
// price of browser time ($0.02 an hour, by the minute) from its guide, that of
// the proxy ($5 for 1024 MB) and the size of an MB from captured values.
const (
	defaultTimeout       = 60 * time.Minute
	longestTimeout       = 240 * time.Minute
	bytesPerMB           = 1 << 20
	proxyUSDPerMB        = 5.0 / 1024
	browserMinutesPerUSD = 60 * 100 / 2
)

// Credential is a part of every credential that the simulated API hands out
// (liveUrl, cdpUrl, recordingUrl): where it appears, one has leaked.
const Credential = "credential-that-must-not-leak" //nolint:gosec // it opens nothing

// Absent as a value of Session.Override removes the field.
var Absent = &struct{ absent bool }{true}

// Session is the plan of a session's life. Its state at any moment follows from
// the plan and the time alone. Before its start it is as it is at its start.
type Session struct {
	ID                  string        // UUID; "": Add makes one up
	AgentSessionID      string        // UUID; "": null
	StartedAt           time.Time     // served to the microsecond
	Timeout             time.Duration // 0: 60 minutes; the real API allows 240 at most
	StopAt              time.Time     // when its owner stops it; zero: it runs into its timeout
	ProxyBytesPerSecond int64         // while it runs
	LateProxyBytes      int64         // metered only LateAfter its finish, as are
	LateMinutes         int64         // of browser time
	LateAfter           time.Duration
	Metadata            map[string]string

	// Override replaces fields of the JSON that is served: a json.RawMessage goes
	// out verbatim, be it JSON or not, Absent removes the field, and any other
	// value is marshalled.
	Override map[string]any
}

// TimeoutAt is when the session times out, or would have.
func (s Session) TimeoutAt() time.Time {
	if s.Timeout == 0 {
		return s.StartedAt.Add(defaultTimeout)
	}
	return s.StartedAt.Add(s.Timeout)
}

// end is when the session finishes, or will.
func (s *Session) end() time.Time {
	if timeout := s.TimeoutAt(); s.StopAt.IsZero() || s.StopAt.After(timeout) {
		return timeout
	}
	return s.StopAt
}

// Finish returns when the session finished, and whether it has.
func (s Session) Finish(now time.Time) (time.Time, bool) {
	if end := s.end(); !end.After(now) {
		return end, true
	}
	return time.Time{}, false
}

// Active reports whether the session has not finished yet.
func (s Session) Active(now time.Time) bool { return s.end().After(now) }

// ran is how long the session has run.
func (s *Session) ran(now time.Time) time.Duration {
	if end := s.end(); end.Before(now) {
		now = end
	}
	return max(0, now.Sub(s.StartedAt))
}

// proxyBytes is the proxy traffic that has been metered so far.
func (s *Session) proxyBytes(now time.Time) int64 {
	seconds, rest := int64(s.ran(now)/time.Second), int64(s.ran(now)%time.Second)
	bytes := seconds*s.ProxyBytesPerSecond + rest*s.ProxyBytesPerSecond/int64(time.Second)
	if s.settled(now) {
		bytes += s.LateProxyBytes
	}
	return bytes
}

// settled reports whether all of the session has been metered.
func (s *Session) settled(now time.Time) bool {
	finish, finished := s.Finish(now)
	return finished && !finish.Add(s.LateAfter).After(now)
}

// billedMinutes is the browser time that costs: rounded up to the minute, and
// one at least.
func (s *Session) billedMinutes(now time.Time) int64 {
	minutes := max(1, int64((s.ran(now)+time.Minute-1)/time.Minute))
	if s.settled(now) {
		minutes += s.LateMinutes
	}
	return minutes
}

// ProxyMB is the proxy traffic so far, in megabytes of 2^20 bytes.
func (s Session) ProxyMB(now time.Time) float64 { return float64(s.proxyBytes(now)) / bytesPerMB }

// ProxyCost is what the proxy traffic has cost so far, in USD.
func (s Session) ProxyCost(now time.Time) float64 { return s.ProxyMB(now) * proxyUSDPerMB }

// BrowserCost is what the browser time has cost so far, in USD.
func (s Session) BrowserCost(now time.Time) float64 {
	return float64(s.billedMinutes(now)) / browserMinutesPerUSD
}

// cost is both together.
func (s *Session) cost(now time.Time) float64 { return s.ProxyCost(now) + s.BrowserCost(now) }
