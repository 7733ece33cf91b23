package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"browseruse_exporter/internal/simapi"
)

// fault is something that the API, or what stands between, can do instead of a
// good answer.
type fault struct {
	answer func(good string) http.HandlerFunc
	reason string
	tries  int    // each is counted
	only   string // victim that it can happen to; "": any
}

// victim is what a fault happens to, in a project in which all else is well.
type victim struct {
	fault       simapi.Fault // what it matches
	endpoint    string
	path        string // of the good answer
	limit       int    // bytes that are read of it
	sessions    int
	args        []string
	first, last int  // the sessions that are hit
	alone       bool // there is no other way to them
}

func victims() map[string]victim {
	const detail, list = 1 << 20, 16 << 20
	return map[string]victim{
		"one session": {
			fault: simapi.Fault{Endpoint: "browser", ID: sessionID(1)}, endpoint: "browser", path: "/browsers/" + sessionID(1), limit: detail,
			sessions: 3, args: append(idFlags(3), "--no-collector.account"), first: 1, last: 1, alone: true,
		},
		"the list": {
			fault: simapi.Fault{Endpoint: "browsers"}, endpoint: "browsers", path: "/browsers?pageSize=100&pageNumber=1&filterBy=active", limit: list,
			sessions: 3, args: []string{"--session.discover"}, first: 1, last: 3,
		},
		"one page of the list": {
			fault: simapi.Fault{Endpoint: "browsers", Page: 2}, endpoint: "browsers", path: "/browsers?pageSize=100&pageNumber=2&filterBy=active", limit: list,
			sessions: 110, args: []string{"--session.discover", "--no-collector.account"}, first: 101, last: 110,
		},
		"the account": {
			fault: simapi.Fault{Endpoint: "account"}, endpoint: "account", path: "/billing/account", limit: detail,
			sessions: 3, args: idFlags(3), first: 1, last: 0,
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
			if f.only != "" && f.only != victimName {
				continue
			}
			bubble(t, faultName+"/"+victimName, func(t *testing.T) { testFault(t, f, v, 60) })
			if f.reason == "timeout" {
				// The scrape's deadline is over before --api.timeout is.
				bubble(t, faultName+", in a short scrape/"+victimName, func(t *testing.T) { testFault(t, f, v, 3) })
			}
		}
	}
}

// testFault lets a fault happen to a victim in a scrape for which Prometheus
// waits so many seconds.
func testFault(t *testing.T, f fault, v victim, seconds int) {
	t.Helper()
	r := newRig(t, newAPI(v.sessions), v.args...)
	good := r.scrape(fmt.Sprint(seconds))
	complete(t, good, good, v)

	v.fault.Handler = f.answer(goodAnswer(t, r.api, v.path))
	remove := r.api.Inject(v.fault)
	start := time.Now()
	got := r.scrape(fmt.Sprint(seconds))
	if took := time.Since(start); took > time.Duration(seconds)*time.Second-500*time.Millisecond {
		t.Errorf("the scrape took %v; Prometheus waits %ds", took, seconds)
	}
	itself := f.reason == "not_found" || f.reason == "rejected" || f.reason == "invalid_response"
	if itself && !v.alone {
		sameSessions(t, got, good, nothing)
	} else {
		sameSessions(t, got, good, v.hit)
	}
	has(t, got, "browseruse_up 1", failures(v.endpoint, f.reason, f.tries))
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
	complete(t, r.scrape(fmt.Sprint(seconds)), good, v)
	if !strings.Contains(r.log.String(), "Failure is over") {
		t.Errorf("the log does not tell the recovery:\n%s", r.log)
	}
	r.exit()
	synctest.Wait()
	if n := r.open.Load(); n != 0 {
		t.Errorf("%d connections to the API are left", n)
	}
}

// hit says whether the n-th session is one of those that a fault can take.
func (v victim) hit(n int) bool { return n >= v.first && n <= v.last }

func nothing(int) bool { return false }

// complete checks that a scrape has all that a good one has.
func complete(t *testing.T, exposition, good string, v victim) {
	t.Helper()
	if n := values(exposition); n != v.sessions {
		t.Errorf("%d sessions have values; want all %d", n, v.sessions)
	}
	sameSessions(t, exposition, good, nothing)
	has(t, exposition, "browseruse_up 1")
	if v.endpoint == "account" {
		has(t, exposition, `browseruse_account_credits_usd{source="monthly"} 87.5`)
	}
}

// sameSessions checks that an exposition has the series of sessions that a good
// one has, name by name and label by label, but of those that are lost only that
// they are not up.
func sameSessions(t *testing.T, exposition, good string, lost func(n int) bool) {
	t.Helper()
	isLost := map[string]bool{}
	var want []string
	for _, s := range sessionSeries(good) {
		id := s[strings.LastIndex(s, `session_id="`)+len(`session_id="`):][:len(sessionID(0))]
		if _, known := isLost[id]; !known {
			n, _ := strconv.Atoi(strings.TrimLeft(id[len(id)-12:], "0"))
			isLost[id] = lost(n)
		}
		if up, isUp := strings.CutSuffix(s, " 1"); isLost[id] && isUp {
			want = append(want, up+" 0")
		} else if !isLost[id] {
			want = append(want, s)
		}
	}
	if got := sessionSeries(exposition); !slices.Equal(got, want) {
		t.Errorf("the series of the sessions (-want +got):\n%s", cmp.Diff(want, got))
	}
}

// sessionSeries returns the series of all sessions, without their values but for
// whether the session is up.
func sessionSeries(exposition string) []string {
	var all []string
	for line := range strings.Lines(exposition) {
		if strings.HasPrefix(line, "browseruse_session_up{") {
			all = append(all, line[:len(line)-1])
		} else if strings.HasPrefix(line, "browseruse_session_") {
			all = append(all, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	return all
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
			if name != "JSON" && code%100 > 4 && code != 422 {
				continue // what matters of these is the status
			}
			all[fmt.Sprintf("%d with %s", code, name)] = fault{answer: always(simapi.Status(code, body)), reason: reason, tries: tries}
		}
	}
	for _, code := range []int{300, 301, 302, 303, 304, 307, 308} {
		for name, location := range map[string]string{"this host": "/api/v3/elsewhere", "another host": "https://elsewhere.test/api/v3"} {
			all[fmt.Sprintf("%d to %s", code, name)] = fault{answer: always(simapi.Status(code, "", "Location", location)), reason: "invalid_response", tries: 1}
		}
	}
	for name, answer := range map[string]func(string) http.HandlerFunc{
		"204":                always(simapi.Status(204, "")),
		"200 with nothing":   always(simapi.Status(200, "")),
		"200 with HTML":      always(simapi.Status(200, "<html>")),
		"200 with null":      always(simapi.Status(200, "null")),
		"200 with a number":  always(simapi.Status(200, "7")),
		"200 with a list":    always(simapi.Status(200, "[]")),
		"200 with {}":        always(simapi.Status(200, "{}")),
		"data after the end": func(good string) http.HandlerFunc { return simapi.Status(200, good+"{}") },
		"half of the body":   func(good string) http.HandlerFunc { return simapi.Status(200, good[:len(good)/2]) },
		"nested too deep":    always(simapi.Status(200, strings.Repeat(`{"a":`, 20000)+"1"+strings.Repeat("}", 20000))),
		"no gzip":            always(simapi.Status(200, "this is no gzip at all", "Content-Encoding", "gzip")),
		"half of a gzip":     func(good string) http.HandlerFunc { return gzipped(good, 0.5) },
		"a wrong checksum":   func(good string) http.HandlerFunc { return damaged(good, true) },
		"a corrupt middle":   func(good string) http.HandlerFunc { return damaged(good, false) },
		"a gzip bomb":        func(good string) http.HandlerFunc { return gzipped(strings.Repeat(" ", 17<<20)+good, 1) },
	} {
		all[name] = fault{answer: answer, reason: "invalid_response", tries: 1}
	}
	half := all["half of a gzip"]
	half.reason, half.tries = "connection", 3 // it may be the connection that broke
	all["half of a gzip"] = half
	all["another session"] = fault{only: "one session", reason: "invalid_response", tries: 1, answer: func(good string) http.HandlerFunc {
		return simapi.Status(200, strings.ReplaceAll(good, sessionID(1), sessionID(2)))
	}}
	for name, answer := range map[string]func(string) http.HandlerFunc{
		"a reset":                always(simapi.Reset()),
		"a reset in the headers": always(simapi.Raw("HTTP/1.1 200 OK\r\nContent-Ty", false)),
		"a reset in the body":    simapi.Truncate,
		"300 KiB of headers": func(good string) http.HandlerFunc {
			return simapi.Status(200, good, "X-Long", strings.Repeat("x", 300<<10))
		},
		"no HTTP": always(simapi.Raw("220 ready\r\n", false)),
	} {
		all[name] = fault{answer: answer, reason: "connection", tries: 3}
	}
	for name, answer := range map[string]func(string) http.HandlerFunc{
		"a hang":                always(simapi.Hang()),
		"a hang in the headers": always(simapi.Raw("HTTP/1.1 200 OK\r\nContent-Ty", true)),
		"a hang in the body":    always(simapi.Raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", true)),
		"a byte a second":       func(good string) http.HandlerFunc { return simapi.Drip(good, time.Second) },
	} {
		all[name] = fault{answer: answer, reason: "timeout", tries: 1}
	}
	return all
}

func always(handler http.HandlerFunc) func(string) http.HandlerFunc {
	return func(string) http.HandlerFunc { return handler }
}

// gzipped answers with a share of the compressed body.
func gzipped(body string, share float64) http.HandlerFunc {
	compressed, _ := compress(body)
	return simapi.Status(200, string(compressed[:int(share*float64(len(compressed)))]), "Content-Encoding", "gzip")
}

// damaged answers with the compressed body, of which either the checksum is wrong
// or the second half begins with what no block does.
func damaged(body string, checksum bool) http.HandlerFunc {
	compressed, half := compress(body)
	if checksum {
		compressed[len(compressed)-8] ^= 1 // it stands before the length
	} else {
		compressed[half] = 0b111 // a block of the type that is none
	}
	return simapi.Status(200, string(compressed), "Content-Encoding", "gzip")
}

// compress returns the compressed body, and where in it the second half begins.
func compress(body string) (compressed []byte, half int) {
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	_, _ = writer.Write([]byte(body[:len(body)/2]))
	_ = writer.Flush()
	half = buffer.Len()
	_, _ = writer.Write([]byte(body[len(body)/2:]))
	_ = writer.Close()
	return buffer.Bytes(), half
}

// goodAnswer is what the API serves at a path.
func goodAnswer(t *testing.T, api *simapi.Server, path string) string {
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
func detail(t *testing.T, api *simapi.Server) string {
	t.Helper()
	return goodAnswer(t, api, "/browsers/"+sessionID(1))
}

// TestTheSizeOfAnAnswer gives each victim an answer as long as is read at all, and
// one that is a byte longer.
func TestTheSizeOfAnAnswer(t *testing.T) {
	for name, v := range victims() {
		if name == "one page of the list" {
			continue // it is read as the first one is, and 16 MiB take long enough
		}
		padded := func(size int) func(string) http.HandlerFunc {
			return func(good string) http.HandlerFunc {
				return simapi.Status(200, strings.Repeat(" ", size-len(good))+good)
			}
		}
		bubble(t, "just right/"+name, func(t *testing.T) {
			r := newRig(t, newAPI(v.sessions), v.args...)
			good := r.scrape("60")
			v.fault.Handler = padded(v.limit)(goodAnswer(t, r.api, v.path))
			r.api.Inject(v.fault)
			got := r.scrape("60")
			complete(t, got, good, v)
			if kinds := failureKinds.FindAllString(got, -1); len(kinds) != 0 {
				t.Errorf("failures counted: %q", kinds)
			}
		})
		bubble(t, "too long/"+name, func(t *testing.T) {
			testFault(t, fault{answer: padded(v.limit + 1), reason: "invalid_response", tries: 1}, v, 60)
		})
	}
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
			remove := r.api.Inject(simapi.Fault{Handler: simapi.Status(code, "")})
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
