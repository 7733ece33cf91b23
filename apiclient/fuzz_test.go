package apiclient_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

// FuzzSession checks that a reply is taken exactly if it is the session asked
// for, with the values that encoding/json finds in it.
func FuzzSession(f *testing.F) {
	seeds(f, "/browsers/"+id(1))
	const rest = `,"startedAt":"2026-08-13T03:03:24","timeoutAt":"2026-08-13T05:03:24+02:00"}`
	for _, seed := range []string{
		`{"id":"` + id(1) + `","status":"active"` + rest, `{"id":"` + id(2) + `","status":"active"` + rest,
		`{"id":"` + id(1) + `"` + rest, `{"id":"` + id(1) + `","status":""` + rest, `{"id":"` + id(1) + `","status":null` + rest,
		`{"ID":7,"id":7,"id":"` + id(1) + `","status":"","st\u0061tus":"\u00e9` + "\xff" + `","browserCost":"-.5E+1","metadata":{"a":null},"startedAt":"0001-01-01T00:00:00Z"` + rest,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := clientOf(body).Session(t.Context(), id(1))
		want, ok := referenceSession(body)
		ok = ok && want.ID == id(1)
		checkTaken(t, body, err, ok)
		if ok && err == nil {
			compare(t, body, want, got)
		}
	})
}

// FuzzPage checks that a page is taken exactly if it is the one asked for, and
// that each of its items is either a session, as above, or a bad one, known by
// its ID if it has one.
func FuzzPage(f *testing.F) {
	seeds(f, "/browsers?pageSize=100&filterBy=active")
	f.Add([]byte(`{"items":[null,1,{},{"id":"` + id(7) + `"},{"ID":"` + id(8) + `"},{"id":7}],"totalItems":6,"pageNumber":1,"pageSize":100}`))
	f.Add([]byte(`{"items":[],"totalItems":1e9,"pageNumber":1,"pageSize":100}`))
	f.Add([]byte(`{"items":[` + strings.Repeat("0,", 100) + `0],"totalItems":101,"pageNumber":1,"pageSize":100}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := clientOf(body).ActiveSessions(t.Context(), 1)
		items, total, ok := referencePage(body)
		checkTaken(t, body, err, ok)
		if !ok || err != nil {
			return
		}
		if got.Total != total || len(got.Sessions)+len(got.Bad) != len(items) {
			t.Fatalf("%d sessions and %d bad items of %d; want %d of %d\n%q", len(got.Sessions), len(got.Bad), got.Total, len(items), total, body)
		}
		for _, item := range items {
			if want, ok := referenceSession(item); ok && len(got.Sessions) > 0 {
				compare(t, item, want, got.Sessions[0])
				got.Sessions = got.Sessions[1:]
			} else if ok || len(got.Bad) == 0 {
				t.Fatalf("%q: a session (%t) was taken for the contrary", item, ok)
			} else {
				compare(t, item, referenceID(item), got.Bad[0].ID)
				got.Bad = got.Bad[1:]
			}
		}
	})
}

// FuzzAccount checks that an account is taken exactly if it has its credits and
// nothing of another type, with the values that stand in it.
func FuzzAccount(f *testing.F) {
	seeds(f, "/billing/account")
	f.Add([]byte(`{"monthlyCreditsBalanceUsd":1,"additionalCreditsBalanceUsd":-2.5e3,"rateLimit":null,"planInfo":null}`))
	f.Add([]byte(`{"monthlyCreditsBalanceUsd":1,"additionalCreditsBalanceUsd":2,"rateLimit":3,"activeSessionCount":4.5,"planInfo":{"planName":"\u00e9"}}`))
	f.Add([]byte(`{"monthlyCreditsBalanceUsd":1e999,"additionalCreditsBalanceUsd":2}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var fields map[string]json.RawMessage
		if json.Unmarshal(body, &fields) != nil || fields == nil {
			_, err := clientOf(body).Account(t.Context())
			checkTaken(t, body, err, false)
			return
		}
		for name := range fields {
			for _, known := range accountFields {
				if name != known && strings.EqualFold(name, known) {
					return // encoding/json takes the one for the other, which does no harm
				}
			}
		}
		once, err := json.Marshal(fields) // of a field that stands there twice, the last one
		if err != nil {
			t.Fatal(err)
		}
		got, err := clientOf(once).Account(t.Context())
		want, ok := referenceAccount(fields)
		checkTaken(t, body, err, ok)
		if ok && err == nil {
			compare(t, body, want, got)
		}
	})
}

// seeds adds what the API answers at a path, and what it never would.
func seeds(f *testing.F, path string) {
	f.Helper()
	request := httptest.NewRequest(http.MethodGet, "/api/v3"+path, nil)
	request.Header.Set("X-Browser-Use-API-Key", "k")
	recorder := httptest.NewRecorder()
	newAPI(3).ServeHTTP(recorder, request)
	good := recorder.Body.String()
	for _, seed := range []string{good, good + "{}", good[:len(good)/2], "null", "[]", "{}", " \n" + good + "\t", strings.ReplaceAll(good, `"0"`, `"NaN"`)} {
		f.Add([]byte(seed))
	}
}

// clientOf returns a client that has this answer to each request.
func clientOf(body []byte) *apiclient.Client {
	return apiclient.New(apiclient.Options{
		BaseURL: "http://api.test", Key: func() string { return "k" }, Timeout: time.Minute, Concurrency: 1, Transport: bodyTripper(body),
	})
}

// bodyTripper answers each request with 200 and the body.
type bodyTripper []byte

func (b bodyTripper) RoundTrip(*http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	_, _ = recorder.Write(b)
	return recorder.Result(), nil
}

// checkTaken checks whether a reply was taken, and what is said of one that was
// not.
func checkTaken(t *testing.T, body []byte, err error, want bool) {
	t.Helper()
	if (err == nil) != want {
		t.Errorf("%q: error %v; want it taken: %t", body, err, want)
	}
	if err != nil && strings.Contains(err.Error(), simapi.Credential) {
		t.Errorf("the error shows a credential: %v", err)
	}
}

func compare(t *testing.T, body []byte, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q (-want +got):\n%s", body, diff)
	}
}

// The contract, as patterns.
var (
	uuidPattern    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	decimalPattern = regexp.MustCompile(`^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$`)
	timePattern    = regexp.MustCompile(`^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?$`)
)

// reference reads fields with encoding/json, as the contract has them. A name
// must be that of the field to the letter.
type reference struct {
	fields map[string]json.RawMessage
	bad    bool
}

func (r *reference) has(field string) bool { return r.fields[field] != nil }

func (r *reference) isNull(field string) bool {
	return !r.has(field) || string(r.fields[field]) == "null"
}

func (r *reference) text(field string) string {
	var s *string
	if json.Unmarshal(r.fields[field], &s) != nil || s == nil {
		r.bad = true
		return ""
	}
	return *s
}

func (r *reference) decimal(field string) float64 {
	if !r.has(field) {
		return 0
	}
	text := r.text(field)
	value, err := strconv.ParseFloat(text, 64)
	r.bad = r.bad || err != nil || !decimalPattern.MatchString(text)
	return value
}

func (r *reference) time(field string) time.Time {
	text := r.text(field)
	r.bad = r.bad || !timePattern.MatchString(text)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = time.Parse(time.RFC3339, text+"Z")
	}
	r.bad = r.bad || err != nil
	return at.UTC()
}

func (r *reference) number(field string) *float64 {
	if !r.has(field) {
		return nil
	}
	var n *float64
	r.bad = json.Unmarshal(r.fields[field], &n) != nil || r.bad
	return n
}

// referenceSession reads a session; ok is false of what is none.
func referenceSession(object []byte) (s apiclient.Session, ok bool) {
	var r reference
	if json.Unmarshal(object, &r.fields) != nil || r.fields == nil {
		return s, false
	}
	s = apiclient.Session{
		ID: referenceID(object), Status: r.text("status"), StartedAt: r.time("startedAt"), TimeoutAt: r.time("timeoutAt"),
		ProxyUsedMB: r.decimal("proxyUsedMb"), ProxyCost: r.decimal("proxyCost"), BrowserCost: r.decimal("browserCost"),
	}
	if !r.isNull("finishedAt") {
		s.FinishedAt = r.time("finishedAt")
	}
	if !r.isNull("agentSessionId") {
		s.AgentSessionID = r.text("agentSessionId")
	}
	if !r.isNull("metadata") {
		r.bad = json.Unmarshal(r.fields["metadata"], &s.Metadata) != nil || r.bad
	}
	return s, !r.bad && s.ID != "" && s.Status != ""
}

// referenceID returns the ID of what may be a session, or "" if it has none.
func referenceID(item []byte) string {
	var r reference
	_ = json.Unmarshal(item, &r.fields)
	if id := r.text("id"); uuidPattern.MatchString(id) {
		return strings.ToLower(id)
	}
	return ""
}

func referencePage(body []byte) (items []json.RawMessage, total int, ok bool) {
	var r reference
	if json.Unmarshal(body, &r.fields) != nil || json.Unmarshal(r.fields["items"], &items) != nil || items == nil || len(items) > 100 {
		return nil, 0, false
	}
	numbers := map[string]int{}
	for _, field := range []string{"totalItems", "pageNumber", "pageSize"} {
		var n *int
		if json.Unmarshal(r.fields[field], &n) != nil || n == nil {
			return nil, 0, false
		}
		numbers[field] = *n
	}
	return items, numbers["totalItems"], numbers["totalItems"] >= 0 && numbers["pageNumber"] == 1 && numbers["pageSize"] == 100
}

var accountFields = []string{
	"monthlyCreditsBalanceUsd", "additionalCreditsBalanceUsd", "rateLimit", "concurrentSessionLimit", "activeSessionCount", "projectId", "planInfo",
}

// referenceAccount reads an account; ok is false of what is none.
func referenceAccount(fields map[string]json.RawMessage) (a apiclient.Account, ok bool) {
	r := reference{fields: fields}
	monthly, additional := r.number("monthlyCreditsBalanceUsd"), r.number("additionalCreditsBalanceUsd")
	if monthly == nil || additional == nil {
		return a, false
	}
	a = apiclient.Account{MonthlyCreditsUSD: *monthly, AdditionalCreditsUSD: *additional, ActiveSessions: r.number("activeSessionCount")}
	a.ConcurrentSessionsLimit = r.number("rateLimit")
	if limit := r.number("concurrentSessionLimit"); limit != nil {
		a.ConcurrentSessionsLimit = limit
	}
	if !r.isNull("projectId") {
		a.ProjectID = r.text("projectId")
	}
	if !r.isNull("planInfo") {
		var plan struct {
			Name string `json:"planName"`
		}
		r.bad = json.Unmarshal(fields["planInfo"], &plan) != nil || r.bad
		a.Plan = plan.Name
	}
	return a, !r.bad
}
