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
func attention(sessions []*Session, agents []*AgentSession, apiUp bool, now time.Time) []Attention {
	byTrouble := map[State][]*Session{}
	var active, stale, unreadable []*Session
	for _, s := range sessions {
		for _, trouble := range s.Troubles {
			byTrouble[trouble] = append(byTrouble[trouble], s)
		}
		switch {
		case s.State == WasActive:
			stale = append(stale, s)
		case !s.Up:
			unreadable = append(unreadable, s)
		case *s.Active:
			active = append(active, s)
		}
	}
	longest := func(s *Session) AttentionSession {
		return s.because(duration(collector.SecondsUntil(now, s.StartTimestamp)), &Tick{"age", s.StartTimestamp})
	}
	result := []Attention{}
	add := func(level Level, kind, text, advice string, all []*Session, order func(*Session) float64, why func(*Session) AttentionSession) {
		a := Attention{Kind: kind, Level: level, Text: text, Advice: advice, overLimit: level != Note && kind != "timing_out"}
		result = append(result, about(a, byLeast(all, order), why)...)
	}
	all := byTrouble[Overdue]
	add(Bad, "overdue", sessionsText(len(all), "is", "are")+" active past the timeout", "An active session is billed: see that it is stopped.", all, timeLeft, func(s *Session) AttentionSession {
		return s.because(duration(collector.SecondsUntil(now, s.TimeoutTimestamp))+" over", &Tick{"age", s.TimeoutTimestamp})
	})
	if apiUp { // else one sentence says it of all
		result = append(result, attentionToUnreadable(unreadable)...)
	}
	all = byTrouble[Expensive]
	add(Warning, "expensive", sessionsText(len(all), "has", "have")+" cost more than "+usd(sessionCostUSD), "", all, cheapness, expense)
	all = byTrouble[HeavyTraffic]
	add(Warning, "heavy_traffic", sessionsText(len(all), "moves", "move")+fmt.Sprintf(" more than %d MB a minute through the proxy, over %.0f minutes", proxyMegabytesPerMinute, collector.SpendWindow.Minutes()),
		"1 GB through the proxy costs some $5.", all, func(s *Session) float64 { return -*s.MBPerMinute }, pace)
	overLimit, mostExpensive := attentionToAgents(agents)
	result = append(result, overLimit...)
	all = byTrouble[RunningLong]
	add(Warning, "running_long", sessionsText(len(all), "has", "have")+fmt.Sprintf(" run for more than %.0f minutes", runningLong.Minutes()),
		"A forgotten one is billed until its timeout: see who needs it.", all, start, longest)
	all = byTrouble[TimingOut]
	add(Warning, "timing_out", sessionsText(len(all), "times", "time")+" out within 5 minutes", "", all, timeLeft, func(s *Session) AttentionSession {
		return s.because(left(collector.SecondsUntil(s.TimeoutTimestamp, now))+" left", &Tick{"left", s.TimeoutTimestamp})
	})

	spending := slices.DeleteFunc(slices.Clone(active), func(s *Session) bool { return s.USDPerHour == nil })
	add(Note, "spending_most", "Spending the most now", "", spending, func(s *Session) float64 { return -*s.USDPerHour }, pace)
	if len(byTrouble[RunningLong]) == 0 {
		add(Note, "running_longest", "Running longest", "", active, start, longest)
	}
	add(Note, "most_expensive", "Most expensive of those active", "", active, cheapness, expense)
	add(Note, "most_expensive_last_known", "Most expensive when they were read last", "", stale, cheapness, expense)
	return append(result, mostExpensive...)
}

// attentionToUnreadable returns the unreadable sessions, grouped by why they are.
func attentionToUnreadable(sessions []*Session) (result []Attention) {
	byReason := map[apiclient.Reason][]*Session{}
	for _, s := range sessions {
		byReason[s.Error.Reason] = append(byReason[s.Error.Reason], s)
	}
	reasons := slices.SortedFunc(maps.Keys(byReason), func(a, b apiclient.Reason) int {
		return cmp.Or(len(byReason[b])-len(byReason[a]), cmp.Compare(a, b))
	})
	for _, reason := range reasons {
		all := byReason[reason]
		a := Attention{Kind: "unreadable", Reason: reason, Level: Bad, Text: sessionsText(len(all), "is", "are") + " unreadable", Advice: sentence(all[0].Error.Text)}
		result = append(result, about(a, all, func(s *Session) AttentionSession { return s.because(s.Error.Cause, nil) })...)
	}
	return result
}

// attentionToAgents returns which agent sessions exceed a limit, and the most expensive.
func attentionToAgents(agents []*AgentSession) (overLimit, mostExpensive []Attention) {
	var expensive, nearBudget, living []*AgentSession
	for _, s := range agents {
		if s.Has(Expensive) {
			expensive = append(expensive, s)
		}
		if s.Has(NearBudget) {
			nearBudget = append(nearBudget, s)
		}
		if s.Up && *s.Active {
			living = append(living, s)
		}
	}
	leastTotal := func(s *AgentSession) float64 { return -orZero(s.TotalCostUSD) }
	total := func(s *AgentSession) AttentionSession {
		text := usd(orZero(s.TotalCostUSD))
		if s.LLMUSDPerHour != nil {
			text += ", its LLM " + usd(*s.LLMUSDPerHour) + "/h"
		}
		return AttentionSession{AgentSessionID: s.AgentSessionID, Text: text}
	}
	overLimit = about(Attention{
		Kind: "expensive_agent_sessions", Level: Warning, overLimit: true, Text: things(len(expensive), "agent session", "has", "have") + " cost more than " + usd(agentSessionCostUSD),
	}, byLeast(expensive, leastTotal), total)
	overLimit = append(overLimit, about(Attention{
		Kind: "budget_nearly_used", Level: Warning, overLimit: true, Text: things(len(nearBudget), "agent session", "has nearly used its", "have nearly used their") + " budget",
		Advice: "One that reaches it ends in the midst of its work: see what it does.",
	}, byLeast(nearBudget, func(s *AgentSession) float64 { return -*s.BudgetUsed() }), func(s *AgentSession) AttentionSession {
		return AttentionSession{AgentSessionID: s.AgentSessionID, Text: percent(*s.BudgetUsed()) + " of " + usd(*s.MaxCostUSD)}
	})...)
	mostExpensive = about(Attention{Kind: "most_expensive_agent_sessions", Level: Note, Text: "Most expensive agent sessions that live, browsers included"}, byLeast(living, leastTotal), total)
	return overLimit, mostExpensive
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

// because names a session and why.
func (s *Session) because(text string, tick *Tick) AttentionSession {
	return AttentionSession{SessionID: s.SessionID, Tick: tick, Text: text}
}

func expense(s *Session) AttentionSession { return s.becauseOf(usd(s.lastCost())) }

func pace(s *Session) AttentionSession {
	text := usd(orZero(s.USDPerHour)) + "/h"
	if s.MBPerMinute != nil {
		text += ", " + megabytes(*s.MBPerMinute) + " MB/min"
	}
	return s.becauseOf(text)
}

// becauseOf names a session, why, and whether it has stopped.
func (s *Session) becauseOf(text string) AttentionSession {
	if s.State == Stopped {
		text += ", stopped"
	}
	return s.because(text, nil)
}

func timeLeft(s *Session) float64 { return *s.TimeoutRemaining }

func start(s *Session) float64 { return float64(s.StartTimestamp.UnixMicro()) }

func cheapness(s *Session) float64 { return -s.lastCost() }

// byLeast returns the sessions in the order of a value, the least first.
func byLeast[S any](sessions []*S, value func(*S) float64) []*S {
	return slices.SortedStableFunc(slices.Values(sessions), func(a, b *S) int { return cmp.Compare(value(a), value(b)) })
}

// sessionsText is a number of sessions and what they do.
func sessionsText(n int, one, many string) string { return things(n, "session", one, many) }

func things(n int, thing, one, many string) string {
	if n == 1 {
		return "1 " + thing + " " + one
	}
	return count(n) + " " + thing + "s " + many
}

// sentence makes one of what continues a sentence.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
