package statuspage

import (
	"cmp"
	"math"
	"strings"
	"time"

	"browseruse_exporter/collector"
)

// AgentSession is one agent session as JSON. One that could not be read has an ID, an
// error, what was read of it last, and nothing else but its browsers.
type AgentSession struct {
	AgentSessionID string `json:"agent_session_id"`
	Verdict
	Up              bool          `json:"up"`
	Error           *Failure      `json:"error,omitempty"`
	LastKnown       *AgentSession `json:"last_known,omitempty"`
	Active          *bool         `json:"active,omitempty"`
	Status          string        `json:"status,omitempty"`
	Model           string        `json:"model,omitempty"`
	LLMCostUSD      *float64      `json:"llm_cost_usd,omitempty"`     // nil, as the others: not known
	LLMUSDPerHour   *float64      `json:"llm_usd_per_hour,omitempty"` // nil: it does not live, or that is not known (yet)
	TotalCostUSD    *float64      `json:"total_cost_usd,omitempty"`
	MaxCostUSD      *float64      `json:"max_cost_usd,omitempty"` // nil: no limit
	InputTokens     *float64      `json:"input_tokens,omitempty"`
	OutputTokens    *float64      `json:"output_tokens,omitempty"`
	Steps           *float64      `json:"steps,omitempty"`
	StartTimestamp  time.Time     `json:"start_timestamp,omitzero"`
	FinishTimestamp time.Time     `json:"finish_timestamp,omitzero"` // its last update, once it has ended
	ReadTimestamp   time.Time     `json:"read_timestamp,omitzero"`
	SessionIDs      []string      `json:"session_ids"` // its browsers
}

// newAgentSessions returns the agent sessions of a reading with the browsers of each, or
// nil if it was not to read any.
func newAgentSessions(r *collector.Reading) []*AgentSession {
	if r.AgentSessions == nil {
		return nil
	}
	browsers := map[string][]string{}
	for i := range r.Sessions {
		if s := &r.Sessions[i]; s.Err == nil {
			id := strings.ToLower(s.Session.AgentSessionID)
			browsers[id] = append(browsers[id], s.ID)
		}
	}
	agents := make([]*AgentSession, 0, len(r.AgentSessions))
	for i := range r.AgentSessions {
		agents = append(agents, newAgentSession(r, &r.AgentSessions[i], append([]string{}, browsers[r.AgentSessions[i].ID]...)))
	}
	return agents
}

func newAgentSession(r *collector.Reading, s *collector.AgentSessionReading, browsers []string) *AgentSession {
	if s.Err != nil {
		agent := &AgentSession{AgentSessionID: s.ID, Verdict: Verdict{State: Unreadable}, Error: newFailure(s.Err), SessionIDs: browsers}
		if stale := r.StaleAgent(s.ID); stale != nil {
			agent.LastKnown = newAgentSession(r, stale, browsers)
			if !r.Up && *agent.LastKnown.Active {
				agent.State = WasActive
			}
		}
		return agent
	}
	agent := &AgentSession{
		AgentSessionID:  s.ID,
		Verdict:         verdict(s.Session.Active()),
		Up:              true,
		Active:          new(s.Session.Active()),
		Status:          s.Session.Status,
		Model:           s.Session.Model,
		LLMCostUSD:      known(s.Session.LLMCost),
		TotalCostUSD:    known(s.Session.TotalCost),
		MaxCostUSD:      known(s.Session.MaxCost),
		InputTokens:     known(s.Session.InputTokens),
		OutputTokens:    known(s.Session.OutputTokens),
		Steps:           known(s.Session.Steps),
		StartTimestamp:  stamp(s.Session.StartedAt),
		FinishTimestamp: stamp(s.Session.FinishedAt),
		ReadTimestamp:   stamp(s.ReadAt),
		SessionIDs:      browsers,
	}
	if rate := r.SpendRate.Of(s.ID); rate != nil && *agent.Active {
		agent.LLMUSDPerHour = reasonable(rate.USDPerHour)
	}
	agent.take(Expensive, orZero(agent.TotalCostUSD) > agentSessionCostUSD)
	used := agent.BudgetUsed()
	agent.take(NearBudget, used != nil && *used >= agentSessionBudgetRatio && *agent.Active)
	return agent
}

// BudgetUsed returns the share of the budget that has been used, or nil if it is not
// known, or there is no budget.
func (s *AgentSession) BudgetUsed() *float64 {
	if s.TotalCostUSD == nil || s.MaxCostUSD == nil || *s.MaxCostUSD <= 0 {
		return nil
	}
	return reasonable(*s.TotalCostUSD / *s.MaxCostUSD)
}

// Values returns what that of a Session does.
func (s *AgentSession) Values() *AgentSession {
	if s.Up {
		return s
	}
	return s.LastKnown
}

// StateText returns the state in words: that of the API, unless another says more.
func (s *AgentSession) StateText() string {
	if s.State == Active || s.State == Stopped {
		return strings.ReplaceAll(s.Status, "_", " ")
	}
	return string(s.State)
}

// lastCost returns what an agent session has cost in total, as far as was ever known.
func (s *AgentSession) lastCost() float64 {
	if values := s.Values(); values != nil {
		return orZero(values.TotalCostUSD)
	}
	return -math.MaxFloat64
}

// compareAgents orders agent sessions as compare orders sessions.
func compareAgents(a, b *AgentSession) int {
	return cmp.Or(
		cmp.Compare(ranks[a.State].place, ranks[b.State].place),
		b.FinishTimestamp.Compare(a.FinishTimestamp),
		cmp.Compare(b.lastCost(), a.lastCost()),
		cmp.Compare(a.AgentSessionID, b.AgentSessionID))
}
