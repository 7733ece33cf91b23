package statuspage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"browseruse_exporter/collector"
)

// AgentSession is one agent session as JSON. One that could not be read has an ID, an
// error, what was read of it last, and nothing else but its browsers.
type AgentSession struct {
	AgentSessionID  string        `json:"agent_session_id"`
	State           State         `json:"state"`
	Troubles        []State       `json:"troubles,omitempty"` // as those of a Session
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
		agents = append(agents, newAgentSession(r, &r.AgentSessions[i], append([]string{}, browsers[r.AgentSessions[i].ID]...)))
	}
	return agents
}

func newAgentSession(r *collector.Reading, s *collector.AgentSessionReading, browsers []string) AgentSession {
	if s.Err != nil {
		agent := AgentSession{AgentSessionID: s.ID, State: Unreadable, Error: newFailure(s.Err), SessionIDs: browsers}
		if stale := r.StaleAgent(s.ID); stale != nil {
			agent.LastKnown = new(newAgentSession(r, stale, browsers))
			if !r.Up && *agent.LastKnown.Active {
				agent.State = WasActive
			}
		}
		return agent
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
	if rate := r.SpendRate.Of(s.ID); rate != nil && *agent.Active {
		agent.LLMUSDPerHour = finite(rate.USDPerHour)
	}
	agent.judge()
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

// judge says in which state an agent session is that was read, and what of it exceeds a
// limit.
func (s *AgentSession) judge() {
	if orZero(s.TotalCostUSD) > agentSessionCostUSD {
		s.Troubles = append(s.Troubles, Expensive)
	}
	if used := s.BudgetUsed(); used != nil && *used >= agentSessionBudgetRatio && *s.Active {
		s.Troubles = append(s.Troubles, NearBudget)
	}
	switch {
	case !*s.Active:
		s.State = Stopped
	case len(s.Troubles) > 0:
		s.State = s.Troubles[0]
	default:
		s.State = Active
	}
}

// Has reports what that of a Session does.
func (s AgentSession) Has(trouble State) bool { return slices.Contains(s.Troubles, trouble) }

// Values returns what that of a Session does.
func (s AgentSession) Values() *AgentSession {
	if s.Up {
		return &s
	}
	return s.LastKnown
}

// StateText returns the state in words: that of the API, unless another says more.
func (s AgentSession) StateText() string {
	if s.State == Active || s.State == Stopped {
		return strings.ReplaceAll(s.Status, "_", " ")
	}
	return string(s.State)
}

// compareAgents orders agent sessions as compare orders sessions.
func compareAgents(a, b AgentSession) int {
	return cmp.Or(
		cmp.Compare(urgency[a.State], urgency[b.State]),
		b.FinishTimestamp.Compare(a.FinishTimestamp),
		cmp.Compare(orZero(b.TotalCostUSD), orZero(a.TotalCostUSD)),
		cmp.Compare(a.AgentSessionID, b.AgentSessionID))
}
