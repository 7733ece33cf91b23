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

// AttentionSession is a session, or an agent session, and why it is named.
type AttentionSession struct {
	SessionID      string `json:"session_id,omitempty"`
	AgentSessionID string `json:"agent_session_id,omitempty"` // instead
	Text           string `json:"text,omitempty"`
}

// attention returns which sessions need to be looked at, the most urgent first.
func attention(sessions []*Session, agents []*AgentSession, apiUp bool, now time.Time) []Attention {
	overdue, expensive, heavy := having(sessions, Overdue), having(sessions, Expensive), having(sessions, HeavyTraffic)
	long, timingOut := having(sessions, RunningLong), having(sessions, TimingOut)
	active := where(sessions, func(s *Session) bool { return s.Up && *s.Active })
	stale := where(sessions, func(s *Session) bool { return s.State == WasActive })
	spending := where(active, func(s *Session) bool { return s.USDPerHour != nil })
	age := func(s *Session) float64 { return collector.SecondsUntil(now, s.StartTimestamp) }
	ageText := func(s *Session) string { return duration(age(s)) }
	past := func(s *Session) float64 { return -*s.TimeoutRemaining }

	result := about([]Attention{}, Attention{Kind: "overdue", Level: Bad, overLimit: true, Text: sessionsText(len(overdue), "is", "are") + " active past the timeout",
		Advice: "An active session is billed: see that it is stopped."}, overdue, past, func(s *Session) string { return duration(past(s)) + " over" })
	if apiUp { // else one sentence says it of all
		result = attentionToUnreadable(result, where(sessions, func(s *Session) bool { return !s.Up }))
	}
	result = about(result, Attention{Kind: "expensive", Level: Warning, overLimit: true, Text: sessionsText(len(expensive), "has", "have") + " cost more than " + usd(sessionCostUSD)},
		expensive, (*Session).lastCost, (*Session).costText)
	result = about(result, Attention{Kind: "heavy_traffic", Level: Warning, overLimit: true, Text: sessionsText(len(heavy), "moves", "move") +
		fmt.Sprintf(" more than %d MB a minute through the proxy, over %.0f minutes", proxyMegabytesPerMinute, collector.SpendWindow.Minutes()),
		Advice: "1 GB through the proxy costs some $5."}, heavy, func(s *Session) float64 { return orZero(s.MBPerMinute) }, (*Session).paceText)
	result = attentionToAgents(result, agents)
	result = about(result, Attention{Kind: "running_long", Level: Warning, overLimit: true, Text: sessionsText(len(long), "has", "have") + fmt.Sprintf(" run for more than %.0f minutes", runningLong.Minutes()),
		Advice: "A forgotten one is billed until its timeout: see who needs it."}, long, age, ageText)
	result = about(result, Attention{Kind: "timing_out", Level: Warning, Text: sessionsText(len(timingOut), "times", "time") + fmt.Sprintf(" out within %.0f minutes", timingOutSoon.Minutes())},
		timingOut, past, func(s *Session) string { return left(*s.TimeoutRemaining) + " left" })

	result = about(result, Attention{Kind: "spending_most", Level: Note, Text: "Spending the most now"}, spending, func(s *Session) float64 { return *s.USDPerHour }, (*Session).paceText)
	if len(long) == 0 {
		result = about(result, Attention{Kind: "running_longest", Level: Note, Text: "Running longest"}, active, age, ageText)
	}
	result = about(result, Attention{Kind: "most_expensive", Level: Note, Text: "Most expensive of those active"}, active, (*Session).lastCost, (*Session).costText)
	result = about(result, Attention{Kind: "most_expensive_last_known", Level: Note, Text: "Most expensive when they were read last"}, stale, (*Session).lastCost, (*Session).costText)
	living := where(agents, func(s *AgentSession) bool { return s.State == WasActive || s.Up && *s.Active })
	return about(result, Attention{Kind: "most_expensive_agent_sessions", Level: Note, Text: "Most expensive agent sessions, browsers included"},
		living, (*AgentSession).lastCost, (*AgentSession).costText)
}

// attentionToUnreadable adds the unreadable sessions, grouped by why they are.
func attentionToUnreadable(result []Attention, sessions []*Session) []Attention {
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
		result = about(result, a, all, func(*Session) float64 { return 0 }, func(s *Session) string { return s.Error.Cause })
	}
	return result
}

// attentionToAgents adds the agent sessions that exceed a limit.
func attentionToAgents(result []Attention, agents []*AgentSession) []Attention {
	expensive, nearBudget := having(agents, Expensive), having(agents, NearBudget)
	result = about(result, Attention{Kind: "expensive_agent_sessions", Level: Warning, overLimit: true,
		Text: things(len(expensive), "agent session", "has", "have") + " cost more than " + usd(agentSessionCostUSD)},
		expensive, (*AgentSession).lastCost, (*AgentSession).costText)
	return about(result, Attention{Kind: "budget_nearly_used", Level: Warning, overLimit: true,
		Text:   things(len(nearBudget), "agent session", "has nearly used its", "have nearly used their") + " budget",
		Advice: "One that reaches it ends in the midst of its work: see what it does."},
		nearBudget, func(s *AgentSession) float64 { return *s.BudgetUsed() },
		func(s *AgentSession) string { return percent(*s.BudgetUsed()) + " of " + usd(*s.MaxCostUSD) })
}

// about adds a with the sessions of which a value is the highest, and why. It adds nothing
// without sessions.
func about[S interface{ name() AttentionSession }](result []Attention, a Attention, all []S, value func(S) float64, why func(S) string) []Attention {
	if len(all) == 0 {
		return result
	}
	a.Count = len(all)
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b S) int { return cmp.Compare(value(b), value(a)) })
	for _, s := range sorted[:min(len(all), most)] {
		named := s.name()
		named.Text = why(s)
		a.Sessions = append(a.Sessions, named)
	}
	return append(result, a)
}

func (s *Session) name() AttentionSession { return AttentionSession{SessionID: s.SessionID} }

func (s *AgentSession) name() AttentionSession {
	return AttentionSession{AgentSessionID: s.AgentSessionID}
}

// costText is what a session has cost, as far as is known.
func (s *Session) costText() string { return s.orStopped(usd(s.lastCost())) }

// paceText is how fast a session spends.
func (s *Session) paceText() string {
	text := usd(orZero(s.USDPerHour)) + "/h"
	if s.MBPerMinute != nil {
		text += ", " + megabytes(*s.MBPerMinute) + " MB/min"
	}
	return s.orStopped(text)
}

func (s *Session) orStopped(text string) string {
	if s.State == Stopped {
		return text + ", stopped"
	}
	return text
}

func (s *AgentSession) costText() string {
	text := usd(s.lastCost())
	if s.LLMUSDPerHour != nil {
		text += ", its LLM " + usd(*s.LLMUSDPerHour) + "/h"
	}
	return text
}

func where[S any](all []S, is func(S) bool) (some []S) {
	for _, s := range all {
		if is(s) {
			some = append(some, s)
		}
	}
	return some
}

func having[S interface{ Has(State) bool }](all []S, trouble State) []S {
	return where(all, func(s S) bool { return s.Has(trouble) })
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
