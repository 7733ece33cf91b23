package statuspage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"browseruse_exporter/apiclient"
)

// most is how many sessions an Attention names.
const most = 3

// Attention is something to look at, with the sessions that it is about.
type Attention struct {
	Kind     string             `json:"kind"` // overdue, unreadable, timing_out, running_longest or dearest
	Level    Level              `json:"level"`
	Text     string             `json:"text"`
	Advice   string             `json:"advice,omitempty"` // what it means, and what to do
	Count    int                `json:"count"`
	Sessions []AttentionSession `json:"sessions"` // the first of them
}

// AttentionSession is a session and why it is named.
type AttentionSession struct {
	SessionID string `json:"session_id"`
	Text      string `json:"text"`
}

// attention says which sessions need to be looked at, the most urgent first.
func attention(sessions []Session, now time.Time) []Attention {
	byState := map[State][]*Session{}
	for i := range sessions {
		state := sessions[i].State()
		byState[state] = append(byState[state], &sessions[i])
	}
	result := []Attention{}
	add := func(kind string, level Level, all []*Session, text, advice string, why func(*Session) string) {
		if len(all) == 0 {
			return
		}
		a := Attention{Kind: kind, Level: level, Text: text, Advice: advice, Count: len(all)}
		for _, s := range all[:min(len(all), most)] {
			a.Sessions = append(a.Sessions, AttentionSession{SessionID: s.SessionID, Text: why(s)})
		}
		result = append(result, a)
	}
	left := func(s *Session) string { return duration(seconds(*s.TimeoutRemaining)) }

	overdue := byLeast(byState[Overdue], func(s *Session) float64 { return *s.TimeoutRemaining })
	add("overdue", Bad, overdue, sessionsText(len(overdue), "is", "are")+" active past the timeout", "An active session is billed: see that it is stopped.",
		func(s *Session) string { return left(s) + " past it" })
	for _, reason := range reasonsOf(byState[Unreadable]) {
		unreadable := withReason(byState[Unreadable], reason)
		add("unreadable", Bad, unreadable, sessionsText(len(unreadable), "is", "are")+" unreadable", sentence(unreadable[0].Error.Text),
			func(s *Session) string { return s.Error.Detail })
	}
	timingOut := byLeast(byState[TimingOut], func(s *Session) float64 { return *s.TimeoutRemaining })
	add("timing_out", Warning, timingOut, sessionsText(len(timingOut), "times", "time")+" out within 5 minutes", "",
		func(s *Session) string { return left(s) + " left" })

	active := slices.Concat(overdue, timingOut, byState[Active])
	longest := byLeast(active, func(s *Session) float64 { return float64(s.StartTimestamp.UnixMicro()) })
	add("running_longest", Note, longest, "Running longest", "", func(s *Session) string { return duration(now.Sub(s.StartTimestamp)) })
	dearest := byLeast(active, func(s *Session) float64 { return -s.Cost() })
	add("dearest", Note, dearest, "Dearest of those active", "", func(s *Session) string { return usd(s.Cost()) })
	return result
}

// byLeast returns the sessions in the order of a value, the least first.
func byLeast(sessions []*Session, value func(*Session) float64) []*Session {
	return slices.SortedStableFunc(slices.Values(sessions), func(a, b *Session) int { return cmp.Compare(value(a), value(b)) })
}

// reasonsOf returns why sessions are unreadable, the reason of most first.
func reasonsOf(unreadable []*Session) []apiclient.Reason {
	counts := map[apiclient.Reason]int{}
	var reasons []apiclient.Reason
	for _, s := range unreadable {
		if counts[s.Error.Reason] == 0 {
			reasons = append(reasons, s.Error.Reason)
		}
		counts[s.Error.Reason]++
	}
	slices.SortStableFunc(reasons, func(a, b apiclient.Reason) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	return reasons
}

func withReason(unreadable []*Session, reason apiclient.Reason) []*Session {
	var result []*Session
	for _, s := range unreadable {
		if s.Error.Reason == reason {
			result = append(result, s)
		}
	}
	return result
}

// sessionsText is a number of sessions and what they do.
func sessionsText(n int, one, many string) string {
	if n == 1 {
		return "1 session " + one
	}
	return fmt.Sprintf("%d sessions %s", n, many)
}
