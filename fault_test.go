package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/apiclient/apitest"
)

// fault is something that the API, or what stands between, can do instead of a
// good answer.
type fault struct {
	answer func(good string) http.HandlerFunc
	reason string
	tries  int // each is counted
}

// victim is what a fault happens to, in a project in which all else is well.
type victim struct {
	fault    apitest.Fault // what it matches
	endpoint string
	path     string // of the good answer
	sessions int
	args     []string
	whole    int // sessions with values if the failure looks like one of the whole API
	itself   int // sessions with values if it looks like one of that answer alone
	unread   []string
}

func victims() map[string]victim {
	ids := append(idFlags(3), "--no-collector.account")
	return map[string]victim{
		"one session": {
			fault: apitest.Fault{Endpoint: "browser", ID: sessionID(1)}, endpoint: "browser", path: "/browsers/" + sessionID(1),
			sessions: 3, args: ids, whole: 2, itself: 2, unread: []string{up(1, 0)},
		},
		"the list": {
			fault: apitest.Fault{Endpoint: "browsers"}, endpoint: "browsers", path: "/browsers?pageSize=100&pageNumber=1&filterBy=active",
			sessions: 3, whole: 0, itself: 3,
		},
		"one page of the list": {
			fault: apitest.Fault{Endpoint: "browsers", Page: 2}, endpoint: "browsers", path: "/browsers?pageSize=100&pageNumber=2&filterBy=active",
			sessions: 250, args: []string{"--no-collector.account"}, whole: 150, itself: 250,
		},
		"the account": {
			fault: apitest.Fault{Endpoint: "account"}, endpoint: "account", path: "/billing/account",
			sessions: 3, args: idFlags(3), whole: 3, itself: 3,
		},
	}
}

// TestFaults gives each victim each fault. Whatever it is, the scrape is answered
// with 200 before its deadline, the failure is counted for what it is, what
// failed has no values and all else has, the API is up since it answers, the
// next scrape finds all well again, and no connection is left behind.
func TestFaults(t *testing.T) {
	for faultName, f := range faults() {
		for victimName, v := range victims() {
			bubble(t, faultName+"/"+victimName, func(t *testing.T) { testFault(t, f, v) })
		}
	}
}

func testFault(t *testing.T, f fault, v victim) {
	r := newRig(t, newAPI(v.sessions), v.args...)
	complete(t, r.scrape("60"), v)

	v.fault.Handler = f.answer(goodAnswer(t, r.api, v.path))
	remove := r.api.Inject(v.fault)
	start := time.Now()
	got := r.scrape("60")
	if took := time.Since(start); took > 59500*time.Millisecond {
		t.Errorf("the scrape took %v", took)
	}
	want := v.whole
	if f.reason == "not_found" || f.reason == "rejected" || f.reason == "invalid_response" {
		want = v.itself
	}
	if n := values(got); n != want {
		t.Errorf("%d sessions have values; want %d", n, want)
	}
	has(t, got, "browseruse_up 1", failures(v.endpoint, f.reason, f.tries))
	has(t, got, v.unread...)
	if v.endpoint == "account" {
		hasNot(t, got, "browseruse_account_")
	}
	if kinds := failureKinds.FindAllString(got, -1); len(kinds) != 1 {
		t.Errorf("failures counted: %q", kinds)
	}
	if !strings.Contains(r.log.String(), "reason="+f.reason) {
		t.Errorf("the log does not say why:\n%s", r.log)
	}

	remove()
	complete(t, r.scrape("60"), v)
	if !strings.Contains(r.log.String(), "Failure is over") {
		t.Errorf("the log does not tell the recovery:\n%s", r.log)
	}
	r.exit()
	synctest.Wait()
	if n := r.open.Load(); n != 0 {
		t.Errorf("%d connections to the API are left", n)
	}
}

// complete checks that a scrape has everything.
func complete(t *testing.T, exposition string, v victim) {
	t.Helper()
	if n := values(exposition); n != v.sessions {
		t.Errorf("%d sessions have values; want all %d", n, v.sessions)
	}
	has(t, exposition, "browseruse_up 1")
	if v.endpoint == "account" {
		has(t, exposition, `browseruse_account_credits_usd{source="monthly"} 87.5`)
	}
}

// failureKinds are the kinds of failures that occurred.
var failureKinds = regexp.MustCompile(`(?m)^browseruse_api_request_failures_total\{.*\} [1-9].*$`)

// faults are those that happen to any endpoint.
func faults() map[string]fault {
	all := map[string]fault{}
	bodies := map[string]string{
		"JSON": `{"detail":"no"}`, "an object": `{"detail":{"message":"no"}}`, "a list": `{"detail":[{"msg":"no"}]}`,
		"HTML": "<html>no</html>", "nothing": "", "2 MiB": strings.Repeat("no ", 2<<20/3),
	}
	for code, reason := range map[int]string{
		400: "rejected", 401: "unauthorized", 402: "payment_required", 403: "unauthorized", 404: "not_found", 405: "rejected", 406: "rejected",
		408: "rejected", 409: "rejected", 410: "rejected", 413: "rejected", 414: "rejected", 415: "rejected", 422: "rejected", 423: "rejected",
		425: "rejected", 426: "rejected", 431: "rejected", 451: "rejected",
		500: "server_error", 501: "server_error", 502: "server_error", 503: "server_error", 504: "server_error", 507: "server_error", 520: "server_error", 529: "server_error",
	} {
		tries := 1
		if code >= 502 && code <= 504 {
			tries = 3
		}
		for name, body := range bodies {
			if name != "JSON" && code%100 > 4 {
				continue // what matters of these is the status
			}
			all[fmt.Sprintf("%d with %s", code, name)] = fault{always(apitest.Status(code, body)), reason, tries}
		}
	}
	for _, code := range []int{300, 301, 302, 303, 304, 307, 308} {
		for name, location := range map[string]string{"this host": "/api/v3/elsewhere", "another host": "https://elsewhere.test/api/v3"} {
			all[fmt.Sprintf("%d to %s", code, name)] = fault{always(apitest.Status(code, "", "Location", location)), "invalid_response", 1}
		}
	}
	for name, answer := range map[string]func(string) http.HandlerFunc{
		"204":                always(apitest.Status(204, "")),
		"200 with nothing":   always(apitest.Status(200, "")),
		"200 with HTML":      always(apitest.Status(200, "<html>")),
		"200 with null":      always(apitest.Status(200, "null")),
		"200 with a number":  always(apitest.Status(200, "7")),
		"200 with a list":    always(apitest.Status(200, "[]")),
		"200 with {}":        always(apitest.Status(200, "{}")),
		"data after the end": func(good string) http.HandlerFunc { return apitest.Status(200, good+"{}") },
		"half of the body":   func(good string) http.HandlerFunc { return apitest.Status(200, good[:len(good)/2]) },
		"16 MiB of spaces":   func(good string) http.HandlerFunc { return apitest.Status(200, strings.Repeat(" ", 16<<20)+good) },
		"nested too deep":    always(apitest.Status(200, strings.Repeat(`{"a":`, 20000)+"1"+strings.Repeat("}", 20000))),
		"no gzip":            always(apitest.Status(200, "this is no gzip at all", "Content-Encoding", "gzip")),
		"half of a gzip":     func(good string) http.HandlerFunc { return gzipped(good, 0.5) },
		"a gzip bomb":        func(good string) http.HandlerFunc { return gzipped(strings.Repeat(" ", 17<<20)+good, 1) },
	} {
		all[name] = fault{answer, "invalid_response", 1}
	}
	half := all["half of a gzip"]
	half.reason, half.tries = "connection", 3 // it may be the connection that broke
	all["half of a gzip"] = half
	for name, answer := range map[string]func(string) http.HandlerFunc{
		"a reset":                always(apitest.Reset()),
		"a reset in the headers": always(apitest.Raw("HTTP/1.1 200 OK\r\nContent-Ty", false)),
		"a reset in the body":    apitest.Truncate,
		"no HTTP":                always(apitest.Raw("220 ready\r\n", false)),
	} {
		all[name] = fault{answer, "connection", 3}
	}
	for name, answer := range map[string]func(string) http.HandlerFunc{
		"a hang":                always(apitest.Hang()),
		"a hang in the headers": always(apitest.Raw("HTTP/1.1 200 OK\r\nContent-Ty", true)),
		"a hang in the body":    always(apitest.Raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", true)),
		"a byte a second":       func(good string) http.HandlerFunc { return apitest.Drip(good, time.Second) },
	} {
		all[name] = fault{answer, "timeout", 1}
	}
	return all
}

func always(handler http.HandlerFunc) func(string) http.HandlerFunc {
	return func(string) http.HandlerFunc { return handler }
}

// gzipped answers with a share of the compressed body.
func gzipped(body string, share float64) http.HandlerFunc {
	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	_, _ = writer.Write([]byte(body))
	_ = writer.Close()
	return apitest.Status(200, compressed.String()[:int(share*float64(compressed.Len()))], "Content-Encoding", "gzip")
}

// goodAnswer is what the API serves at a path.
func goodAnswer(t *testing.T, api *apitest.Server, path string) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "/api/v3"+path, nil)
	request.Header.Set("X-Browser-Use-API-Key", testKey)
	api.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		t.Fatalf("%s: status %d", path, recorder.Code)
	}
	return recorder.Body.String()
}

// detail is what the API serves for the first session.
func detail(t *testing.T, api *apitest.Server) string {
	t.Helper()
	return goodAnswer(t, api, "/browsers/"+sessionID(1))
}

// TestFaultyFields gives one session, the first page and the account each a
// field that is missing or other than the API promises. The rest of the page
// is read all the same where only one item of it is bad.
func TestFaultyFields(t *testing.T) {
	const absurd = "absurd"
	values := map[string]any{
		"missing": apitest.Absent, "null": nil, "true": true, "7": 7, "a list": []int{1}, "an object": map[string]int{"a": 1}, absurd: absurd,
	}
	// What the contract allows of these.
	fine := map[string][]string{
		"status": {absurd}, "finishedAt": {"missing", "null"}, "agentSessionId": {"missing", "null", absurd}, "metadata": {"missing", "null"},
		"proxyUsedMb": {"missing"}, "proxyCost": {"missing"}, "browserCost": {"missing"},
		"totalItems": {"7"}, "projectId": {absurd, "missing", "null"}, "planInfo": {"missing", "null", "an object"}, "monthlyCreditsBalanceUsd": {"7"}, "additionalCreditsBalanceUsd": {"7"},
	}
	for _, target := range []struct {
		victim string
		fields []string
	}{
		{"one session", []string{"id", "status", "startedAt", "timeoutAt", "finishedAt", "proxyUsedMb", "proxyCost", "browserCost", "agentSessionId", "metadata"}},
		{"the list", []string{"items", "totalItems", "pageNumber", "pageSize"}},
		{"the account", []string{"monthlyCreditsBalanceUsd", "additionalCreditsBalanceUsd", "projectId", "planInfo"}},
	} {
		v := victims()[target.victim]
		for _, field := range target.fields {
			for name, value := range values {
				if field == "items" && name == "a list" {
					continue // its item is what is bad: see TestAListThatLies
				}
				bubble(t, target.victim+"/"+field+"/"+name, func(t *testing.T) {
					change := func(good string) http.HandlerFunc { return apitest.Status(200, changed(t, good, field, value)) }
					if !contains(fine[field], name) {
						testFault(t, fault{change, "invalid_response", 1}, v)
						return
					}
					r := newRig(t, newAPI(v.sessions), v.args...)
					v.fault.Handler = change(goodAnswer(t, r.api, v.path))
					r.api.Inject(v.fault)
					got := r.scrape("60")
					if kinds := failureKinds.FindAllString(got, -1); len(kinds) != 0 {
						t.Errorf("failures counted: %q", kinds)
					}
				})
			}
		}
	}
	bubble(t, "one item of the list", func(t *testing.T) {
		r := newRig(t, newAPI(3), "--no-collector.account")
		r.scrape()
		r.api.Add(apitest.Session{ID: sessionID(2), StartedAt: time.Now(), Override: map[string]any{"browserCost": "1e999"}})
		got := r.scrape()
		has(t, got, up(1, 1), up(2, 0), up(3, 1), "browseruse_up 1", failures("browsers", "invalid_response", 1))
		hasNot(t, got, `browseruse_session_active{agent_session_id="",session_id="`+sessionID(2))
	})
}

// changed is a JSON object with another value of a field.
func changed(t *testing.T, object, field string, value any) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		t.Fatal(err)
	}
	if fields[field] = value; value == apitest.Absent {
		delete(fields, field)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// TestTheWholeAPIFails says what is up when every request has the same answer.
func TestTheWholeAPIFails(t *testing.T) {
	for code, want := range map[int]struct {
		up     int
		reason string
	}{
		400: {0, "rejected"}, 401: {0, "unauthorized"}, 402: {0, "payment_required"}, 403: {0, "unauthorized"}, 404: {1, "not_found"},
		429: {0, "rate_limited"}, 500: {0, "server_error"}, 302: {0, "invalid_response"}, 204: {1, "invalid_response"},
	} {
		bubble(t, fmt.Sprint(code), func(t *testing.T) {
			r := newRig(t, newAPI(2), append(idFlags(2), "--no-collector.account", "--api.concurrency=1")...)
			remove := r.api.Inject(apitest.Fault{Handler: apitest.Status(code, "")})
			got := r.scrape()
			has(t, got, fmt.Sprintf("browseruse_up %d", want.up), up(1, 0), up(2, 0))
			if kinds := failureKinds.FindAllString(got, -1); len(kinds) != 1 || !strings.Contains(kinds[0], want.reason) {
				t.Errorf("failures counted: %q; want %s alone", kinds, want.reason)
			}
			remove()
			time.Sleep(10 * time.Second)
			has(t, r.scrape(), "browseruse_up 1", up(1, 1), up(2, 1))
		})
	}
}
