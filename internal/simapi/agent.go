package simapi

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// How agent sessions work here. The API's page says nothing of it; the prices are
// invented, such that a task of some minutes costs about a dollar, as the real ones do.
const (
	agentStart       = 5 * time.Second  // until its first step
	agentStep        = 12 * time.Second // from one step to the next
	tokensPerOutput  = 20               // tokens that go in, for each that comes out
	inputTokenPrice  = 6                // in 1e-7 USD
	outputTokenPrice = 36
	agentPriceDigits = 7
)

// AgentSession is the plan of an agent session's life. Its state at any moment follows
// from the plan, its browsers, and the time alone.
type AgentSession struct {
	ID              string // UUID; "": AddAgents makes one up
	Model           string // "": a believable one
	CreatedAt       time.Time
	IdleAt          time.Time // when its work is done, and it waits for more; zero: never
	EndAt           time.Time // zero: it lives on
	EndStatus       string    // "stopped", which "" is too, "timed_out", "error" or another
	TokensPerSecond int64     // that go in while it works
	LateTokens      int64     // metered only LateAfter its end
	LateAfter       time.Duration
	MaxCost         float64 // USD; the session ends when its LLM has cost so much; 0: no limit
	OutputBytes     int     // length of its output

	Override map[string]any // as that of a Session
}

// AddAgents adds agent sessions and returns their IDs. One that is there already is
// replaced.
func (s *Server) AddAgents(agents ...AgentSession) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(agents))
	for _, a := range agents {
		if a.ID == "" {
			a.ID = randomUUID(s.ids)
		}
		a.Override = maps.Clone(a.Override)
		s.agents[strings.ToLower(a.ID)] = &a
		ids = append(ids, a.ID)
	}
	return ids
}

// StopAgent ends an agent session now, if it lives.
func (s *Server) StopAgent(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, now := s.agents[strings.ToLower(id)], s.now(); a != nil && a.Active(now) {
		a.EndAt = now
	}
}

// DeleteAgent removes an agent session: it is not found any more.
func (s *Server) DeleteAgent(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.agents, strings.ToLower(id))
}

// AgentSessions returns the plans of all agent sessions, the newest first.
func (s *Server) AgentSessions() []AgentSession {
	s.live()
	s.mu.Lock()
	defer s.mu.Unlock()
	agents := make([]AgentSession, 0, len(s.agents))
	for _, a := range s.agentsInOrder(s.now()) {
		agents = append(agents, *a)
	}
	return agents
}

// SetAgentOrder changes the order of the list of agent sessions: a finish is the last
// update here.
func (s *Server) SetAgentOrder(order Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agentOrder = order
}

// agentsInOrder returns the agent sessions in the order of the list. s.mu is held.
func (s *Server) agentsInOrder(now time.Time) []*AgentSession {
	agents := slices.SortedFunc(maps.Values(s.agents), func(a, b *AgentSession) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return inOrder(agents, s.agentOrder, func(a *AgentSession) string { return a.ID },
		func(a *AgentSession) time.Time { return a.CreatedAt }, func(a *AgentSession) time.Time { return a.updated(now) })
}

// end returns when the session ends, or the zero time.
func (a *AgentSession) end() time.Time {
	end := a.EndAt
	if a.MaxCost > 0 && a.TokensPerSecond > 0 {
		perSecond := float64(a.TokensPerSecond) * (inputTokenPrice + float64(outputTokenPrice)/tokensPerOutput) / 1e7
		if spent := a.CreatedAt.Add(agentStart + time.Duration(a.MaxCost/perSecond*float64(time.Second))); end.IsZero() || spent.Before(end) {
			if a.IdleAt.IsZero() || spent.Before(a.IdleAt) {
				end = spent
			}
		}
	}
	return end
}

// Active reports whether the session has not ended yet.
func (a AgentSession) Active(now time.Time) bool {
	end := a.end()
	return end.IsZero() || end.After(now)
}

// Finish returns when the session ended, and whether it has.
func (a AgentSession) Finish(now time.Time) (time.Time, bool) { return a.end(), !a.Active(now) }

// worked is how long the session has worked.
func (a *AgentSession) worked(now time.Time) time.Duration {
	for _, until := range []time.Time{a.IdleAt, a.end()} {
		if !until.IsZero() && until.Before(now) {
			now = until
		}
	}
	return max(0, now.Sub(a.CreatedAt)-agentStart)
}

// updated is when the session was last changed.
func (a *AgentSession) updated(now time.Time) time.Time {
	switch end := a.end(); {
	case !a.Active(now):
		return end
	case a.worked(now) == 0:
		return a.CreatedAt
	default:
		return a.CreatedAt.Add(agentStart + a.worked(now).Truncate(agentStep))
	}
}

func (a *AgentSession) status(now time.Time) string {
	switch {
	case !a.Active(now):
		return cmp.Or(a.EndStatus, "stopped")
	case a.worked(now) == 0:
		return "created"
	case !a.IdleAt.IsZero() && !a.IdleAt.After(now):
		return "idle"
	default:
		return "running"
	}
}

// InputTokens is how many tokens have gone in so far.
func (a AgentSession) InputTokens(now time.Time) int64 {
	tokens := int64(a.worked(now) / time.Millisecond * time.Duration(a.TokensPerSecond) / 1000)
	if end, ended := a.Finish(now); ended && !end.Add(a.LateAfter).After(now) {
		tokens += a.LateTokens
	}
	return tokens
}

// OutputTokens is how many tokens have come out so far.
func (a AgentSession) OutputTokens(now time.Time) int64 { return a.InputTokens(now) / tokensPerOutput }

// llmPrice is what the tokens have cost so far, in 1e-7 USD.
func (a *AgentSession) llmPrice(now time.Time) int64 {
	return a.InputTokens(now)*inputTokenPrice + a.OutputTokens(now)*outputTokenPrice
}

// LLMCost is what the tokens have cost so far, in USD.
func (a AgentSession) LLMCost(now time.Time) float64 { return float64(a.llmPrice(now)) / 1e7 }

// TotalCost returns what an agent session has cost so far, its browsers included.
func (s *Server) TotalCost(id string, now time.Time) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.agents[strings.ToLower(id)]
	bytes, minutes := s.fleet.usageOf(a.ID, now)
	return a.totalCost(bytes, minutes, now)
}

// totalCost is what the tokens, and the given usage of browsers, have cost so far, in USD.
func (a *AgentSession) totalCost(proxyBytes, browserMinutes int64, now time.Time) float64 {
	return a.LLMCost(now) + float64(proxyBytes)/bytesPerMB*proxyUSDPerMB + float64(browserMinutes)/browserMinutesPerUSD
}

// usageOf returns the proxy traffic and the billed minutes of an agent session's browsers.
func (f *fleet) usageOf(agentSessionID string, now time.Time) (bytes, minutes int64) {
	for _, session := range f.all {
		if strings.EqualFold(session.AgentSessionID, agentSessionID) {
			bytes += session.proxyBytes(now)
			minutes += session.billedMinutes(now)
		}
	}
	return bytes, minutes
}

// marshalAgent writes an agent session as the API does. s.mu is held.
func (s *Server) marshalAgent(a *AgentSession, now time.Time) []byte {
	bytes, minutes := s.fleet.usageOf(a.ID, now)
	llm := decimalText(big.NewInt(a.llmPrice(now)), -agentPriceDigits)
	var maxCost any
	if a.MaxCost > 0 {
		maxCost = strconv.FormatFloat(a.MaxCost, 'f', -1, 64)
	}
	return override(mustMarshal(map[string]any{
		"id":                a.ID,
		"status":            a.status(now),
		"model":             cmp.Or(a.Model, "bu-max"),
		"createdAt":         timeText(a.CreatedAt),
		"updatedAt":         timeText(a.updated(now)),
		"llmCostUsd":        llm,
		"proxyCostUsd":      proxyCostText(bytes),
		"browserCostUsd":    browserCostText(minutes),
		"totalCostUsd":      strconv.FormatFloat(a.totalCost(bytes, minutes, now), 'f', -1, 64),
		"maxCostUsd":        maxCost,
		"proxyUsedMb":       proxyMBText(bytes),
		"totalInputTokens":  a.InputTokens(now),
		"totalOutputTokens": a.OutputTokens(now),
		"stepCount":         int64(a.worked(now) / agentStep),
		"title":             "Buy what the note says: " + Credential,
		"output":            Credential + strings.Repeat(" and so on", a.OutputBytes/len(" and so on")),
		"outputSchema":      nil,
		"lastStepSummary":   "Signed in with " + Credential,
		"liveUrl":           credentialURL("https://live.browser-use.test/?wss=", a.ID),
		"recordingUrls":     []*string{credentialURL("https://recordings.browser-use.test/", a.ID)},
		"screenshotUrl":     credentialURL("https://screenshots.browser-use.test/", a.ID),
		"agentmailEmail":    Credential + "@agentmail.test",
		"isTaskSuccessful":  nil,
	}), a.Override)
}

// agentDetail answers GET /sessions/{session_id}.
func (s *Server) agentDetail(w http.ResponseWriter, id string) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		reply(w, http.StatusUnprocessableEntity, detailBody{[]problem{{[]string{"path", "session_id"}, "Input should be a valid UUID", "uuid_parsing"}}})
		return
	}
	s.mu.Lock()
	var body []byte
	if a := s.agents[parsed.String()]; a != nil {
		body = s.marshalAgent(a, s.now())
	}
	s.mu.Unlock()
	if body == nil {
		reply(w, http.StatusNotFound, detailBody{"Session not found"})
		return
	}
	write(w, http.StatusOK, body)
}

// agentList answers GET /sessions.
func (s *Server) agentList(w http.ResponseWriter, page, size int, problems []problem) {
	if len(problems) > 0 {
		reply(w, http.StatusUnprocessableEntity, detailBody{problems})
		return
	}
	s.mu.Lock()
	now := s.now()
	agents := s.agentsInOrder(now)
	first := min((page-1)*size, len(agents))
	var items [][]byte
	for _, a := range agents[first:min(first+size, len(agents))] {
		items = append(items, s.marshalAgent(a, now))
	}
	s.mu.Unlock()
	write(w, http.StatusOK, fmt.Appendf(nil, `{"sessions":[%s],"total":%d,"page":%d,"pageSize":%d}`, join(items), len(agents), page, size))
}
