package simapi

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

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

func reply(w http.ResponseWriter, status int, body any) { write(w, status, mustMarshal(body)) }

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
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
	session := s.fleet.get(parsed.String())
	var body []byte
	if session != nil {
		body = marshal(session, now, true)
	}
	s.mu.Unlock()
	if session == nil {
		reply(w, http.StatusNotFound, detailBody{"Session not found"})
		return
	}
	write(w, http.StatusOK, body)
}

// listQuery is what GET /browsers was asked for.
type listQuery struct {
	page, size     int
	filter         string
	agentSessionID string
	metadata       [][2]string
}

// parsePage reads which page is asked for, and of what size, from parameters of these
// names.
func parsePage(values url.Values, pageName, sizeName string) (page, size int, problems []problem) {
	number := func(name string, otherwise, most int) int {
		text := values.Get(name)
		if !values.Has(name) {
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
	return number(pageName, 1, 0), number(sizeName, 10, 100), problems
}

func parseListQuery(values url.Values) (listQuery, []problem) {
	page, size, problems := parsePage(values, "pageNumber", "pageSize")
	query := listQuery{
		page:           page,
		size:           size,
		filter:         values.Get("filterBy"),
		agentSessionID: values.Get("agentSessionId"),
	}
	if values.Has("filterBy") && query.filter != "active" && query.filter != "stopped" {
		problems = append(problems, problem{[]string{"query", "filterBy"}, "Input should be 'active' or 'stopped'", "enum"})
	}
	if _, err := uuid.Parse(query.agentSessionID); values.Has("agentSessionId") && err != nil {
		problems = append(problems, problem{[]string{"query", "agentSessionId"}, "Input should be a valid UUID", "uuid_parsing"})
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
	if q.agentSessionID != "" && !strings.EqualFold(q.agentSessionID, session.AgentSessionID) {
		return false
	}
	for _, pair := range q.metadata {
		if value, ok := session.Metadata[pair[0]]; !ok || value != pair[1] {
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
	var candidates []*Session
	if query.filter == "active" {
		candidates = s.fleet.active(now)
	} else {
		candidates = s.fleet.every()
	}
	if query.filter == "stopped" {
		candidates = inOrder(candidates, s.stoppedOrder, func(s *Session) string { return s.ID },
			func(s *Session) time.Time { return s.StartedAt }, (*Session).end)
	}
	var items [][]byte
	total := 0
	for _, session := range candidates {
		if !query.matches(session) || query.filter == "stopped" && session.Active(now) {
			continue
		}
		if total/query.size == query.page-1 {
			items = append(items, marshal(session, now, false))
		}
		total++
	}
	s.mu.Unlock()
	// By hand, since an item may be no JSON on purpose (Session.Override).
	write(w, http.StatusOK, fmt.Appendf(nil, `{"items":[%s],"totalItems":%d,"pageNumber":%d,"pageSize":%d}`,
		join(items), total, query.page, query.size))
}

// join puts commas between the members of a JSON array or object.
func join(members [][]byte) []byte { return bytes.Join(members, []byte(",")) }

// serveAccount answers GET /billing/account.
func (s *Server) serveAccount(w http.ResponseWriter) {
	a := s.account
	s.mu.Lock()
	now := s.now()
	active := len(s.fleet.active(now))
	monthly, additional := s.credits(now)
	s.mu.Unlock()
	body := map[string]any{
		"name":                        "Simulated project",
		"projectId":                   a.ProjectID,
		"totalCreditsBalanceUsd":      monthly + additional,
		"monthlyCreditsBalanceUsd":    monthly,
		"additionalCreditsBalanceUsd": additional,
		"rateLimit":                   a.ConcurrentSessions,
		"isFreeTier":                  false,
		"planInfo":                    map[string]any{"planName": a.Plan, "subscriptionStatus": "active", "subscriptionId": nil, "subscriptionCurrentPeriodEnd": nil, "subscriptionCanceledAt": nil},
	}
	if a.NoPlan {
		body["planInfo"] = nil
	}
	if !a.Terse {
		body["concurrentSessionLimit"], body["activeSessionCount"] = a.ConcurrentSessions, active
	}
	reply(w, http.StatusOK, body)
}
