package apiclient

import (
	"context"
	"fmt"
	"time"
)

// AgentSession is one agent session, as GET /sessions/{session_id} and the items of
// GET /sessions describe it. What people worked on (title, output, lastStepSummary),
// every URL and the e-mail address in such a response are never decoded.
type AgentSession struct {
	Record       // its StartedAt is createdAt, and its FinishedAt updatedAt once it has ended
	UpdatedAt    time.Time
	Model        string // "" if the API names none
	LLMCost      Amount // USD
	TotalCost    Amount // USD, that of its browsers and their proxy included
	MaxCost      Amount // USD; not known: there is no limit
	InputTokens  Amount
	OutputTokens Amount
	Steps        Amount
}

// The statuses of the API's page: those of an agent session that lives, and those of
// one that has ended.
var agentStatuses = map[string]bool{
	"created": true, "idle": true, "running": true,
	"stopped": false, "timed_out": false, "error": false,
}

// Active reports whether the agent session lives. A status that the API's page does
// not know counts as an end: one that counted as alive would be read by ID in each
// scrape, for ever.
func (s *AgentSession) Active() bool { return agentStatuses[s.Status] }

// StatusKnown reports whether the status is one of the API's page.
func (s *AgentSession) StatusKnown() bool {
	_, known := agentStatuses[s.Status]
	return known
}

// Cost returns what the agent session has cost so far, in USD, as far as it is known.
// What its browsers have cost is a part of it.
func (s *AgentSession) Cost() float64 { return s.TotalCost.Value }

// AgentSession reads one agent session. id must be a UUID in lower case. The error, if
// any, is an *Error; an unknown one is ReasonNotFound.
func (b *Batch) AgentSession(ctx context.Context, id string) (*AgentSession, error) {
	return getSession(ctx, b, EndpointAgentSession, "/sessions/", id, (*wireAgentSession).session)
}

// AgentSessions reads one page, from 1 on, of the list of agent sessions, of those that
// live and of those that have ended. The error, if any, is an *Error.
func (b *Batch) AgentSessions(ctx context.Context, page int) (Page[*AgentSession], error) {
	path := fmt.Sprintf("/sessions?page=%d&page_size=%d", page, PageSize)
	return getPage(ctx, b, EndpointAgentSessions, path, func(body []byte) (Page[*AgentSession], error) {
		var wire wireAgentPage
		if err := decodeObject(body, &wire); err != nil {
			return Page[*AgentSession]{}, err
		}
		return pageOf((*wirePage[wireAgentSession])(&wire), page, EndpointAgentSessions, (*wireAgentSession).session)
	})
}

// wireAgentSession is an agent session as the API sends it.
type wireAgentSession struct {
	ID                text   `json:"id"`
	Status            text   `json:"status"`
	Model             text   `json:"model"`
	CreatedAt         text   `json:"createdAt"`
	UpdatedAt         text   `json:"updatedAt"`
	LLMCost           number `json:"llmCostUsd"`
	TotalCost         number `json:"totalCostUsd"`
	MaxCost           number `json:"maxCostUsd"`
	TotalInputTokens  number `json:"totalInputTokens"`
	TotalOutputTokens number `json:"totalOutputTokens"`
	StepCount         number `json:"stepCount"`
}

// wireAgentPage is a page as GET /sessions names its fields.
type wireAgentPage struct {
	Items  wireItems[wireAgentSession] `json:"sessions"`
	Total  number                      `json:"total"`
	Number number                      `json:"page"`
	Size   number                      `json:"pageSize"`
}

// session converts what was decoded, as that of a Client does.
func (w *wireAgentSession) session() (*AgentSession, error) {
	var f fields
	s := &AgentSession{
		Record: Record{
			ID:        f.id("id", w.ID),
			Status:    f.nonEmpty("status", w.Status),
			StartedAt: f.time("createdAt", w.CreatedAt),
		},
		UpdatedAt:    f.time("updatedAt", w.UpdatedAt),
		Model:        w.Model.value,
		LLMCost:      f.amount("llmCostUsd", w.LLMCost),
		TotalCost:    f.amount("totalCostUsd", w.TotalCost),
		InputTokens:  f.amount("totalInputTokens", w.TotalInputTokens),
		OutputTokens: f.amount("totalOutputTokens", w.TotalOutputTokens),
		Steps:        f.amount("stepCount", w.StepCount),
	}
	if w.MaxCost.state != absent {
		s.MaxCost = f.amount("maxCostUsd", w.MaxCost)
	}
	if !s.Active() {
		s.FinishedAt = s.UpdatedAt
	}
	return s, f.err
}
