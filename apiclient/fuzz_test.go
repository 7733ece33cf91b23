package apiclient_test

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

// FuzzSession checks that a response is accepted only if it is the session asked
// for, with values that can be exposed.
func FuzzSession(f *testing.F) {
	seeds(f, "/browsers/"+id(1))
	const rest = `,"startedAt":"2026-08-13T03:03:24","timeoutAt":"2026-08-13T05:03:24+02:00"}`
	for _, seed := range []string{
		`{"id":"` + id(1) + `","status":"active"` + rest, `{"id":"` + id(2) + `","status":"active"` + rest,
		`{"id":"` + id(1) + `"` + rest, `{"id":"` + id(1) + `","status":null` + rest,
		`{"ID":7,"id":7,"id":"` + id(1) + `","status":"","st\u0061tus":"\u00e9` + "\xff" + `","browserCost":-5e1,"metadata":{"team":null}` + rest,
		`{"id":"` + id(1) + `","status":"stopped","browserCost":null,"metadata":{"team":"qa","team":7},"agentSessionId":7` + rest,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := batchOf(body).Session(t.Context(), id(1))
		checkError(t, err)
		if !json.Valid(body) && err == nil {
			t.Errorf("%q: no JSON, but accepted", body)
		}
		if err == nil {
			checkSession(t, got, id(1))
		}
	})
}

// FuzzPage checks the same of each item of a page, and that an invalid one spoils
// no other.
func FuzzPage(f *testing.F) {
	seeds(f, "/browsers?pageSize=100&filterBy=active")
	f.Add([]byte(`{"items":[null,1,{},{"id":"` + id(7) + `"},{"ID":"` + id(8) + `"},{"id":7}],"totalItems":6,"pageNumber":1,"pageSize":100}`))
	f.Add([]byte(`{"items":[],"totalItems":1e9,"pageNumber":1,"pageSize":50}`))
	f.Add([]byte(`{"items":[],"totalItems":9223372036854775807,"pageNumber":1,"pageSize":100}`))
	f.Add([]byte(`{"items":[` + strings.Repeat("0,", 100) + `0],"totalItems":101,"pageNumber":1,"pageSize":100}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := batchOf(body).ActiveSessions(t.Context(), 1)
		checkError(t, err)
		if err != nil {
			return
		}
		if !json.Valid(body) || got.Total < 0 || got.Size < 1 || got.Size > 100 || len(got.Sessions)+len(got.Invalid) > got.Size {
			t.Errorf("%q: accepted as %+v", body, got)
		}
		for i := range got.Sessions {
			checkSession(t, got.Sessions[i], got.Sessions[i].ID)
		}
		for _, item := range got.Invalid {
			checkError(t, item.Err)
			if item.ID != "" {
				checkID(t, item.ID)
			}
		}
	})
}

// FuzzAccount checks that an account that is accepted has a credit, and values
// that can be exposed.
func FuzzAccount(f *testing.F) {
	seeds(f, "/billing/account")
	f.Add([]byte(`{"monthlyCreditsBalanceUsd":1,"additionalCreditsBalanceUsd":-2.5e3,"rateLimit":null,"planInfo":null}`))
	f.Add([]byte(`{"monthlyCreditsBalanceUsd":"1","rateLimit":0,"activeSessionCount":4.5,"planInfo":{"planName":"\u00e9"}}`))
	f.Add([]byte(`{"monthlyCreditsBalanceUsd":1e999,"additionalCreditsBalanceUsd":2,"planInfo":7,"projectId":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := batchOf(body).Account(t.Context())
		checkError(t, err)
		if err != nil {
			return
		}
		if got.MonthlyCreditsUSD == nil && got.AdditionalCreditsUSD == nil {
			t.Errorf("%q: accepted without any credit", body)
		}
		for _, value := range []*float64{got.MonthlyCreditsUSD, got.AdditionalCreditsUSD, got.ActiveSessions, got.ConcurrentSessionsLimit} {
			if value != nil {
				checkFinite(t, *value)
			}
		}
		if limit := got.ConcurrentSessionsLimit; limit != nil && *limit <= 0 {
			t.Errorf("%q: a limit of %v", body, *limit)
		}
	})
}

// FuzzAgentSession checks the same of an agent session, and that what people worked on is
// not quoted.
func FuzzAgentSession(f *testing.F) {
	seeds(f, "/sessions/"+id(1))
	f.Add([]byte(`{"id":"` + id(1) + `","status":"\u00e9` + "\xff" + `","model":7,"createdAt":"2026-08-13T03:03:24","updatedAt":"2026-08-13T05:03:24+02:00","maxCostUsd":null,"stepCount":-5e1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := batchOf(body).AgentSession(t.Context(), id(1))
		checkError(t, err)
		if !json.Valid(body) && err == nil {
			t.Errorf("%q: no JSON, but accepted", body)
		}
		if err == nil {
			checkAgentSession(t, got, id(1))
		}
	})
}

// FuzzAgentPage checks the same of each item of a page, and that an invalid one spoils
// no other.
func FuzzAgentPage(f *testing.F) {
	seeds(f, "/sessions?page=1&page_size=100")
	f.Add([]byte(`{"sessions":[null,1,{},{"id":"` + id(7) + `"},{"ID":"` + id(8) + `"},{"id":7}],"total":6,"page":1,"pageSize":100}`))
	f.Add([]byte(`{"sessions":[` + strings.Repeat("0,", 100) + `0],"total":9223372036854775807,"page":1,"pageSize":100}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := batchOf(body).AgentSessions(t.Context(), 1)
		checkError(t, err)
		if err != nil {
			return
		}
		if !json.Valid(body) || got.Total < 0 || got.Size < 1 || got.Size > 100 || len(got.Sessions)+len(got.Invalid) > got.Size {
			t.Errorf("%q: accepted as %+v", body, got)
		}
		for _, session := range got.Sessions {
			checkAgentSession(t, session, session.ID)
		}
		for _, item := range got.Invalid {
			checkError(t, item.Err)
		}
	})
}

// checkAgentSession checks that an agent session is the one asked for, that its numbers
// are finite, that its times have a form in JSON, and that it has nothing secret.
func checkAgentSession(t *testing.T, s *apiclient.AgentSession, id string) {
	t.Helper()
	checkID(t, s.ID)
	if s.ID != id || s.Status == "" || s.Active() && !s.FinishedAt.IsZero() {
		t.Errorf("agent session %+v; want %q", s, id)
	}
	for _, amount := range []apiclient.Amount{s.LLMCost, s.TotalCost, s.MaxCost, s.InputTokens, s.OutputTokens, s.Steps} {
		checkFinite(t, amount.Value)
	}
	if _, err := json.Marshal([]time.Time{s.StartedAt, s.UpdatedAt, s.FinishedAt}); err != nil {
		t.Error(err)
	}
}

// seeds adds what the API answers at a path, and what it never would.
func seeds(f *testing.F, path string) {
	f.Helper()
	good := answerOf(f, newAPI(3), path)
	for _, seed := range []string{good, good + "{}", good[:len(good)/2], "null", "[]", "{}", " \n" + good + "\t", strings.ReplaceAll(good, `"0"`, `"NaN"`)} {
		f.Add([]byte(seed))
	}
}

// answerOf returns what the API answers at a path.
func answerOf(t testing.TB, api http.Handler, path string) string {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, "/api/v3"+path, nil)
	request.Header.Set("X-Browser-Use-API-Key", "k")
	recorder := httptest.NewRecorder()
	api.ServeHTTP(recorder, request)
	return recorder.Body.String()
}

// batchOf returns a batch that has this response to each request.
func batchOf(body []byte) *apiclient.Batch {
	return apiclient.New(apiclient.Options{
		BaseURL: "http://api.test", Key: func() string { return "k" }, Timeout: time.Minute, Concurrency: 1,
		MetadataKeys: []string{"team"}, Transport: bodyTripper(body),
	}).NewBatch(false)
}

// bodyTripper answers each request with 200 and the body.
type bodyTripper []byte

func (b bodyTripper) RoundTrip(*http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	_, _ = recorder.Write(b)
	return recorder.Result(), nil
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), simapi.Credential) {
		t.Errorf("the error shows a credential: %v", err)
	}
}

// checkSession checks that a session is the one asked for, that its numbers are
// finite, and that its times have a form in JSON.
func checkSession(t *testing.T, s *apiclient.Session, id string) {
	t.Helper()
	checkID(t, s.ID)
	if s.ID != id || s.Status == "" {
		t.Errorf("session %q with status %q; want %q", s.ID, s.Status, id)
	}
	for _, amount := range []apiclient.Amount{s.ProxyUsedMB, s.ProxyCost, s.BrowserCost} {
		checkFinite(t, amount.Value)
	}
	if _, err := json.Marshal([]time.Time{s.StartedAt, s.TimeoutAt, s.FinishedAt}); err != nil {
		t.Error(err)
	}
}

func checkID(t *testing.T, id string) {
	t.Helper()
	if parsed, err := apiclient.ParseID(id); err != nil || parsed != id {
		t.Errorf("%q is not an ID in lower case", id)
	}
}

func checkFinite(t *testing.T, value float64) {
	t.Helper()
	if math.IsNaN(value) || math.IsInf(value, 0) {
		t.Errorf("a value of %v", value)
	}
}
