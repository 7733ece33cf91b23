package statuspage

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
)

// most is how many sessions an Attention names.
const most = 3

// Attention is something to look at, with the sessions that it is about.
type Attention struct {
	Kind     string             `json:"kind"`             // overdue, unreadable, timing_out, budget_nearly_used, running_longest, dearest or dearest_agent_sessions
	Reason   apiclient.Reason   `json:"reason,omitempty"` // of those unreadable, which are grouped by reason
	Level    Level              `json:"level"`
	Text     string             `json:"text"`
	Advice   string             `json:"advice,omitempty"` // what it means, and what to do
	Count    int                `json:"count"`
	Sessions []AttentionSession `json:"sessions"` // the first of them
}

// AttentionSession is a session and why it is named, in words and, where a time is
// why, with a Tick.
type AttentionSession struct {
	SessionID      string `json:"session_id,omitempty"`
	AgentSessionID string `json:"agent_session_id,omitempty"` // of what is about agent sessions, instead
	*Tick
	Text string `json:"text,omitempty"`
}

// Tick is a time that goes on.
type Tick struct {
	Kind      string    `json:"tick"` // age: the time since then; left: the time until then
	Timestamp time.Time `json:"timestamp"`
}

// attention returns which sessions need to be looked at, the most urgent first.
func attention(sessions []Session, agents []AgentSession, now time.Time) []Attention {
	byState, unreadable := map[State][]*Session{}, map[apiclient.Reason][]*Session{}
	for i := range sessions {
		s := &sessions[i]
		byState[s.State()] = append(byState[s.State()], s)
		if !s.Up {
			unreadable[s.Error.Reason] = append(unreadable[s.Error.Reason], s)
		}
	}
	result := []Attention{}
	add := func(a Attention, all []*Session, why func(*Session) AttentionSession) {
		if len(all) == 0 {
			return
		}
		a.Count = len(all)
		for _, s := range all[:min(len(all), most)] {
			named := why(s)
			named.SessionID = s.SessionID
			a.Sessions = append(a.Sessions, named)
		}
		result = append(result, a)
	}

	overdue := byLeast(byState[Overdue], timeLeft)
	add(Attention{Kind: "overdue", Level: Bad, Text: sessionsText(len(overdue), "is", "are") + " active past the timeout", Advice: "An active session is billed: see that it is stopped."},
		overdue, func(s *Session) AttentionSession {
			return AttentionSession{Tick: &Tick{"age", s.TimeoutTimestamp}, Text: duration(collector.SecondsUntil(now, s.TimeoutTimestamp)) + " over"}
		})
	reasons := slices.SortedFunc(maps.Keys(unreadable), func(a, b apiclient.Reason) int {
		return cmp.Or(len(unreadable[b])-len(unreadable[a]), cmp.Compare(a, b))
	})
	for _, reason := range reasons {
		all := unreadable[reason]
		add(Attention{Kind: "unreadable", Reason: reason, Level: Bad, Text: sessionsText(len(all), "is", "are") + " unreadable", Advice: sentence(all[0].Error.Text)},
			all, func(s *Session) AttentionSession { return AttentionSession{Text: s.Error.Cause} })
	}
	timingOut := byLeast(byState[TimingOut], timeLeft)
	add(Attention{Kind: "timing_out", Level: Warning, Text: sessionsText(len(timingOut), "times", "time") + " out within 5 minutes"},
		timingOut, func(s *Session) AttentionSession {
			return AttentionSession{Tick: &Tick{"left", s.TimeoutTimestamp}, Text: left(collector.SecondsUntil(s.TimeoutTimestamp, now)) + " left"}
		})

	addAgents := func(a Attention, all []*AgentSession, why func(*AgentSession) string) {
		a.Count = len(all)
		for _, s := range all[:min(len(all), most)] {
			a.Sessions = append(a.Sessions, AttentionSession{AgentSessionID: s.AgentSessionID, Text: why(s)})
		}
		if a.Count > 0 {
			result = append(result, a)
		}
	}
	var nearBudget, living []*AgentSession
	for i := range agents {
		s := &agents[i]
		if s.State() == NearBudget {
			nearBudget = append(nearBudget, s)
		}
		if s.Up && *s.Active {
			living = append(living, s)
		}
	}
	addAgents(Attention{
		Kind: "budget_nearly_used", Level: Warning, Text: "Agent sessions that have nearly used their budget",
		Advice: "One that reaches it ends in the midst of its work: see what it does.",
	}, byLeast(nearBudget, func(s *AgentSession) float64 { return -*s.BudgetUsed() }), func(s *AgentSession) string {
		return percent(*s.BudgetUsed()) + " of " + usd(*s.MaxCostUSD)
	})

	active := slices.Concat(overdue, timingOut, byState[Active])
	longest := byLeast(active, func(s *Session) float64 { return float64(s.StartTimestamp.UnixMicro()) })
	add(Attention{Kind: "running_longest", Level: Note, Text: "Running longest"},
		longest, func(s *Session) AttentionSession {
			return AttentionSession{Tick: &Tick{"age", s.StartTimestamp}, Text: duration(collector.SecondsUntil(now, s.StartTimestamp))}
		})
	dearest := byLeast(active, func(s *Session) float64 { return -s.knownCost() })
	add(Attention{Kind: "dearest", Level: Note, Text: "Dearest of those active"},
		dearest, func(s *Session) AttentionSession { return AttentionSession{Text: usd(s.knownCost())} })
	addAgents(Attention{Kind: "dearest_agent_sessions", Level: Note, Text: "Most expensive agent sessions that live, browsers included"},
		byLeast(living, func(s *AgentSession) float64 { return -orZero(s.TotalCostUSD) }), func(s *AgentSession) string { return usd(orZero(s.TotalCostUSD)) })
	return result
}

func timeLeft(s *Session) float64 { return *s.TimeoutRemaining }

// byLeast returns the sessions in the order of a value, the least first.
func byLeast[S any](sessions []*S, value func(*S) float64) []*S {
	return slices.SortedStableFunc(slices.Values(sessions), func(a, b *S) int { return cmp.Compare(value(a), value(b)) })
}

// sessionsText is a number of sessions and what they do.
func sessionsText(n int, one, many string) string {
	if n == 1 {
		return "1 session " + one
	}
	return count(n) + " sessions " + many
}

// sentence makes one of what continues a sentence.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
