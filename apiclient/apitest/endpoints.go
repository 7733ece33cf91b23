package apitest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// detailBody is the body of most refusals.
type detailBody struct {
	Detail any `json:"detail"`
}

// problem is one reason of a 422.
type problem struct {
	Loc  []string `json:"loc"`
	Msg  string   `json:"msg"`
	Type string   `json:"type"`
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(mustMarshal(body))
}

// detail answers GET /browsers/{session_id}.
func (s *Server) detail(w http.ResponseWriter, id string) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		reply(w, http.StatusUnprocessableEntity, detailBody{[]problem{{[]string{"path", "session_id"}, "Input should be a valid UUID", "uuid_parsing"}}})
		return
	}
	now := s.now()
	s.mu.Lock()
	session, ok := s.sessions[parsed.String()]
	var body json.RawMessage
	if ok {
		body = marshal(session, now, true)
	}
	s.mu.Unlock()
	if !ok {
		reply(w, http.StatusNotFound, detailBody{"Session not found"})
		return
	}
	reply(w, http.StatusOK, body)
}

// listQuery is what GET /browsers was asked for.
type listQuery struct {
	page, size     int
	filter         string
	agentSessionID string
	metadata       [][2]string
}

func parseListQuery(values url.Values) (listQuery, []problem) {
	var problems []problem
	number := func(name string, otherwise, most int) int {
		text := values.Get(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		switch {
		case err != nil:
			problems = append(problems, problem{[]string{"query", name}, "Input should be a valid integer, unable to parse string as an integer", "int_parsing"})
		case n < 1:
			problems = append(problems, problem{[]string{"query", name}, "Input should be greater than or equal to 1", "greater_than_equal"})
		case most > 0 && n > most:
			problems = append(problems, problem{[]string{"query", name}, "Input should be less than or equal to " + strconv.Itoa(most), "less_than_equal"})
		}
		return n
	}
	query := listQuery{
		page:           number("pageNumber", 1, 0),
		size:           number("pageSize", 10, 100),
		filter:         values.Get("filterBy"),
		agentSessionID: values.Get("agentSessionId"),
	}
	if query.filter != "" && query.filter != "active" && query.filter != "stopped" {
		problems = append(problems, problem{[]string{"query", "filterBy"}, "Input should be 'active' or 'stopped'", "enum"})
	}
	for _, pair := range values["metadata"] {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			problems = append(problems, problem{[]string{"query", "metadata"}, "Input should be key=value", "value_error"})
		}
		query.metadata = append(query.metadata, [2]string{key, value})
	}
	return query, problems
}

func (q *listQuery) matches(session *Session) bool {
	if q.agentSessionID != "" && q.agentSessionID != session.AgentSessionID {
		return false
	}
	for _, pair := range q.metadata {
		if session.Metadata[pair[0]] != pair[1] {
			return false
		}
	}
	return true
}

// list answers GET /browsers.
func (s *Server) list(w http.ResponseWriter, query listQuery, problems []problem) {
	if len(problems) > 0 {
		reply(w, http.StatusUnprocessableEntity, detailBody{problems})
		return
	}
	now := s.now()
	s.mu.Lock()
	candidates := s.active(now)
	if query.filter != "active" {
		candidates = candidates[:0:0]
		for _, session := range s.sessions {
			if query.filter == "" || !session.Active(now) {
				candidates = append(candidates, session)
			}
		}
		newestFirst(candidates)
	}
	items := []json.RawMessage{}
	total, first := 0, (query.page-1)*query.size
	for _, session := range candidates {
		if !query.matches(session) {
			continue
		}
		if total >= first && total < first+query.size {
			items = append(items, marshal(session, now, false))
		}
		total++
	}
	s.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{"items": items, "totalItems": total, "pageNumber": query.page, "pageSize": query.size})
}

// serveAccount answers GET /billing/account.
func (s *Server) serveAccount(w http.ResponseWriter) {
	a := s.account
	body := map[string]any{
		"name":                        "Simulated project",
		"projectId":                   a.ProjectID,
		"totalCreditsBalanceUsd":      a.MonthlyCreditsUSD + a.AdditionalCreditsUSD,
		"monthlyCreditsBalanceUsd":    a.MonthlyCreditsUSD,
		"additionalCreditsBalanceUsd": a.AdditionalCreditsUSD,
		"rateLimit":                   a.ConcurrentSessions,
		"isFreeTier":                  false,
		"planInfo":                    map[string]any{"planName": a.Plan, "subscriptionStatus": "active", "subscriptionId": nil, "subscriptionCurrentPeriodEnd": nil, "subscriptionCanceledAt": nil},
	}
	if a.NoPlan {
		body["planInfo"] = nil
	}
	if !a.Terse {
		s.mu.Lock()
		body["concurrentSessionLimit"], body["activeSessionCount"] = a.ConcurrentSessions, len(s.active(s.now()))
		s.mu.Unlock()
	}
	reply(w, http.StatusOK, body)
}
