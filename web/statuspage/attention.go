package statuspage

import (
	"cmp"
	"fmt"
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
	Kind     string             `json:"kind"`             // such as overdue
	Reason   apiclient.Reason   `json:"reason,omitempty"` // of those unreadable, which are grouped by reason
	Level    Level              `json:"level"`
	Text     string             `json:"text"`
	Advice   string             `json:"advice,omitempty"` // what it means, and what to do
	Count    int                `json:"count"`
	Sessions []AttentionSession `json:"sessions"` // the first of them

	overLimit bool // of an alert
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
func attention(sessions []Session, agents []AgentSession, apiUp bool, now time.Time) []Attention {
	byTrouble, unreadable := map[State][]*Session{}, map[apiclient.Reason][]*Session{}
	var active, stale []*Session
	for i := range sessions {
		s := &sessions[i]
		for _, trouble := range s.Troubles {
			byTrouble[trouble] = append(byTrouble[trouble], s)
		}
		switch {
		case s.State == WasActive:
			stale = append(stale, s)
		case !s.Up:
			unreadable[s.Error.Reason] = append(unreadable[s.Error.Reason], s)
		case *s.Active:
			active = append(active, s)
		}
	}
	agentsByTrouble := map[State][]*AgentSession{}
	var living []*AgentSession
	for i := range agents {
		s := &agents[i]
		for _, trouble := range s.Troubles {
			agentsByTrouble[trouble] = append(agentsByTrouble[trouble], s)
		}
		if s.Up && *s.Active {
			living = append(living, s)
		}
	}

	result := []Attention{}
	add := func(a Attention, all []*Session, why func(*Session) AttentionSession) {
		result = append(result, about(a, all, func(s *Session) AttentionSession { named := why(s); named.SessionID = s.SessionID; return named })...)
	}
	addAgents := func(a Attention, all []*AgentSession, why func(*AgentSession) string) {
		result = append(result, about(a, all, func(s *AgentSession) AttentionSession {
			return AttentionSession{AgentSessionID: s.AgentSessionID, Text: why(s)}
		})...)
	}
	age := func(s *Session) AttentionSession {
		return AttentionSession{Tick: &Tick{"age", s.StartTimestamp}, Text: duration(collector.SecondsUntil(now, s.StartTimestamp))}
	}
	start := func(s *Session) float64 { return float64(s.StartTimestamp.UnixMicro()) }
	costs := func(s *Session) AttentionSession {
		if s.State == Stopped {
			return AttentionSession{Text: usd(s.lastCost()) + ", stopped"}
		}
		return AttentionSession{Text: usd(s.lastCost())}
	}
	leastCost := func(s *Session) float64 { return -s.lastCost() }
	pace := func(s *Session) AttentionSession {
		text := usd(*s.USDPerHour) + "/h"
		if s.MBPerMinute != nil {
			text += ", " + megabytes(*s.MBPerMinute) + " MB/min"
		}
		return AttentionSession{Text: text}
	}

	overdue := byLeast(byTrouble[Overdue], timeLeft)
	add(Attention{Kind: "overdue", Level: Bad, overLimit: true, Text: sessionsText(len(overdue), "is", "are") + " active past the timeout", Advice: "An active session is billed: see that it is stopped."},
		overdue, func(s *Session) AttentionSession {
			return AttentionSession{Tick: &Tick{"age", s.TimeoutTimestamp}, Text: duration(collector.SecondsUntil(now, s.TimeoutTimestamp)) + " over"}
		})
	if apiUp { // else one sentence says it of all
		reasons := slices.SortedFunc(maps.Keys(unreadable), func(a, b apiclient.Reason) int {
			return cmp.Or(len(unreadable[b])-len(unreadable[a]), cmp.Compare(a, b))
		})
		for _, reason := range reasons {
			all := unreadable[reason]
			add(Attention{Kind: "unreadable", Reason: reason, Level: Bad, Text: sessionsText(len(all), "is", "are") + " unreadable", Advice: sentence(all[0].Error.Text)},
				all, func(s *Session) AttentionSession { return AttentionSession{Text: s.Error.Cause} })
		}
	}
	add(Attention{Kind: "expensive", Level: Warning, overLimit: true, Text: sessionsText(len(byTrouble[Expensive]), "has", "have") + " cost more than " + usd(sessionCostUSD)},
		byLeast(byTrouble[Expensive], leastCost), costs)
	add(Attention{
		Kind: "heavy_traffic", Level: Warning, overLimit: true, Advice: "1 GB through the proxy costs some $5.",
		Text: sessionsText(len(byTrouble[HeavyTraffic]), "moves", "move") + fmt.Sprintf(" more than %d MB a minute through the proxy", proxyMegabytesPerMinute),
	}, byLeast(byTrouble[HeavyTraffic], func(s *Session) float64 { return -*s.MBPerMinute }), pace)
	leastTotal := func(s *AgentSession) float64 { return -orZero(s.TotalCostUSD) }
	total := func(s *AgentSession) string {
		if s.LLMUSDPerHour == nil {
			return usd(orZero(s.TotalCostUSD))
		}
		return usd(orZero(s.TotalCostUSD)) + ", its LLM " + usd(*s.LLMUSDPerHour) + "/h"
	}
	addAgents(Attention{Kind: "expensive_agent_sessions", Level: Warning, overLimit: true, Text: agentsText(len(agentsByTrouble[Expensive]), "has", "have") + " cost more than " + usd(agentSessionCostUSD)},
		byLeast(agentsByTrouble[Expensive], leastTotal), total)
	nearBudget := agentsByTrouble[NearBudget]
	addAgents(Attention{
		Kind: "budget_nearly_used", Level: Warning, overLimit: true, Text: agentsText(len(nearBudget), "has nearly used its", "have nearly used their") + " budget",
		Advice: "One that reaches it ends in the midst of its work: see what it does.",
	}, byLeast(nearBudget, func(s *AgentSession) float64 { return -*s.BudgetUsed() }), func(s *AgentSession) string {
		return percent(*s.BudgetUsed()) + " of " + usd(*s.MaxCostUSD)
	})
	add(Attention{
		Kind: "running_long", Level: Warning, overLimit: true, Text: sessionsText(len(byTrouble[RunningLong]), "has", "have") + " run for more than 45 minutes",
		Advice: "A forgotten one is billed until its timeout: see who needs it.",
	}, byLeast(byTrouble[RunningLong], start), age)
	timingOut := byLeast(byTrouble[TimingOut], timeLeft)
	add(Attention{Kind: "timing_out", Level: Warning, Text: sessionsText(len(timingOut), "times", "time") + " out within 5 minutes"},
		timingOut, func(s *Session) AttentionSession {
			return AttentionSession{Tick: &Tick{"left", s.TimeoutTimestamp}, Text: left(collector.SecondsUntil(s.TimeoutTimestamp, now)) + " left"}
		})

	spending := slices.DeleteFunc(slices.Clone(active), func(s *Session) bool { return s.USDPerHour == nil })
	add(Attention{Kind: "spending_most", Level: Note, Text: "Spending the most now"}, byLeast(spending, func(s *Session) float64 { return -*s.USDPerHour }), pace)
	if len(byTrouble[RunningLong]) == 0 {
		add(Attention{Kind: "running_longest", Level: Note, Text: "Running longest"}, byLeast(active, start), age)
	}
	add(Attention{Kind: "most_expensive", Level: Note, Text: "Most expensive of those active"}, byLeast(active, leastCost), costs)
	add(Attention{Kind: "most_expensive_last_known", Level: Note, Text: "Most expensive when they were read last"}, byLeast(stale, leastCost), costs)
	addAgents(Attention{Kind: "most_expensive_agent_sessions", Level: Note, Text: "Most expensive agent sessions that live, browsers included"},
		byLeast(living, leastTotal), total)
	return result
}

// about returns a with the first of these sessions, or nothing if there is none.
func about[S any](a Attention, all []*S, why func(*S) AttentionSession) []Attention {
	if len(all) == 0 {
		return nil
	}
	a.Count = len(all)
	for _, s := range all[:min(len(all), most)] {
		a.Sessions = append(a.Sessions, why(s))
	}
	return []Attention{a}
}

func timeLeft(s *Session) float64 { return *s.TimeoutRemaining }

// byLeast returns the sessions in the order of a value, the least first.
func byLeast[S any](sessions []*S, value func(*S) float64) []*S {
	return slices.SortedStableFunc(slices.Values(sessions), func(a, b *S) int { return cmp.Compare(value(a), value(b)) })
}

// sessionsText is a number of sessions and what they do.
func sessionsText(n int, one, many string) string { return things(n, "session", one, many) }

func agentsText(n int, one, many string) string { return things(n, "agent session", one, many) }

func things(n int, thing, one, many string) string {
	if n == 1 {
		return "1 " + thing + " " + one
	}
	return count(n) + " " + thing + "s " + many
}

// sentence makes one of what continues a sentence.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
