package statuspage

import (
	"cmp"
	"strings"
	"time"

	"browseruse_exporter/collector"
)

// AgentSession is one agent session as JSON. One that could not be read has an ID and an
// error, and nothing else but its browsers.
type AgentSession struct {
	AgentSessionID  string    `json:"agent_session_id"`
	Up              bool      `json:"up"`
	Error           *Failure  `json:"error,omitempty"`
	Active          *bool     `json:"active,omitempty"`
	Status          string    `json:"status,omitempty"`
	Model           string    `json:"model,omitempty"`
	LLMCostUSD      *float64  `json:"llm_cost_usd,omitempty"` // nil, as the others: not known
	TotalCostUSD    *float64  `json:"total_cost_usd,omitempty"`
	MaxCostUSD      *float64  `json:"max_cost_usd,omitempty"` // nil: no limit
	InputTokens     *float64  `json:"input_tokens,omitempty"`
	OutputTokens    *float64  `json:"output_tokens,omitempty"`
	Steps           *float64  `json:"steps,omitempty"`
	StartTimestamp  time.Time `json:"start_timestamp,omitzero"`
	FinishTimestamp time.Time `json:"finish_timestamp,omitzero"` // its last update, once it has ended
	ReadTimestamp   time.Time `json:"read_timestamp,omitzero"`
	SessionIDs      []string  `json:"session_ids"` // its browsers
}

// nearlyUsed is the share of a budget from which on it is nearly used.
const nearlyUsed = 0.9

// NearBudget is the state of an agent session that lives and has nearly used its budget.
const NearBudget State = "low budget"

// newAgentSessions returns the agent sessions of a reading with the browsers of each, or
// nil if it was not to read any.
func newAgentSessions(r *collector.Reading) []AgentSession {
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
	agents := make([]AgentSession, 0, len(r.AgentSessions))
	for i := range r.AgentSessions {
		agents = append(agents, newAgentSession(&r.AgentSessions[i], append([]string{}, browsers[r.AgentSessions[i].ID]...)))
	}
	return agents
}

func newAgentSession(s *collector.AgentSessionReading, browsers []string) AgentSession {
	if s.Err != nil {
		return AgentSession{AgentSessionID: s.ID, Error: newFailure(s.Err), SessionIDs: browsers}
	}
	agent := AgentSession{
		AgentSessionID: s.ID,
		Up:             true,
		Active:         new(s.Session.Active()),
		Status:         s.Session.Status,
		Model:          s.Session.Model,
		LLMCostUSD:     known(s.Session.LLMCost),
		TotalCostUSD:   known(s.Session.TotalCost),
		MaxCostUSD:     known(s.Session.MaxCost),
		InputTokens:    known(s.Session.InputTokens),
		OutputTokens:   known(s.Session.OutputTokens),
		Steps:          known(s.Session.Steps),
		StartTimestamp: stamp(s.Session.StartedAt),
		ReadTimestamp:  stamp(s.ReadAt),
		SessionIDs:     browsers,
	}
	if !s.Session.FinishedAt.IsZero() {
		agent.FinishTimestamp = stamp(s.Session.FinishedAt)
	}
	return agent
}

// BudgetUsed returns the share of the budget that has been used, or nil if it is not
// known, or there is no budget.
func (s AgentSession) BudgetUsed() *float64 {
	if s.TotalCostUSD == nil || s.MaxCostUSD == nil || *s.MaxCostUSD <= 0 {
		return nil
	}
	return new(*s.TotalCostUSD / *s.MaxCostUSD)
}

// State returns the state that the page shows.
func (s AgentSession) State() State {
	switch used := s.BudgetUsed(); {
	case !s.Up:
		return Unreadable
	case !*s.Active:
		return Stopped
	case used != nil && *used >= nearlyUsed:
		return NearBudget
	default:
		return Active
	}
}

// StateText returns the state in words: that of the API, unless another says more.
func (s AgentSession) StateText() string {
	if state := s.State(); state == Unreadable || state == NearBudget {
		return string(state)
	}
	return strings.ReplaceAll(s.Status, "_", " ")
}

// compareAgents orders agent sessions as compare orders sessions.
func compareAgents(a, b AgentSession) int {
	return cmp.Or(
		cmp.Compare(urgency[a.State()], urgency[b.State()]),
		b.FinishTimestamp.Compare(a.FinishTimestamp),
		cmp.Compare(orZero(b.TotalCostUSD), orZero(a.TotalCostUSD)),
		cmp.Compare(a.AgentSessionID, b.AgentSessionID))
}
