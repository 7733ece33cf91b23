package collector_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestFaults gives each victim each fault, which carries a credential wherever it
// can. Whatever it is, the scrape is answered with 200 before its deadline, the
// failure is counted for what it is, what failed has no values and all else has,
// the API is up since it answers, the next scrape finds all well again, no
// connection is left behind, and the credential shows nowhere.
func TestFaults(t *testing.T) {
	all, victims := faults(), exportertest.Victims()
	victimNames := slices.Sorted(maps.Keys(victims))
	for i, faultName := range slices.Sorted(maps.Keys(all)) {
		f, names := all[faultName], victimNames
		switch {
		case f.Only != "":
			names = []string{f.Only}
		case !exportertest.Thorough():
			names = victimNames[i%len(victimNames):][:1] // each in turn
		}
		for _, victimName := range names {
			v := victims[victimName]
			exportertest.Bubble(t, faultName+"/"+victimName, func(t *testing.T) { exportertest.CheckFault(t, f, v, 60) })
			if f.Reason == "timeout" {
				// The scrape's deadline is over before --api.timeout is.
				exportertest.Bubble(t, faultName+", in a short scrape/"+victimName, func(t *testing.T) { exportertest.CheckFault(t, f, v, 3) })
			}
		}
	}
}

// faults are those that happen to any endpoint.
func faults() map[string]exportertest.Fault {
	all := map[string]exportertest.Fault{}
	const secret = simapi.Credential
	bodies := map[string]string{
		"JSON": `{"detail":"` + secret + `"}`, "an object": `{"detail":{"message":"` + secret + `"}}`, "a list": `{"detail":[{"msg":"` + secret + `"}]}`,
		"HTML": "<html>" + secret + "</html>", "nothing": "", "2 MiB": strings.Repeat(secret+" ", 2<<20/len(secret)),
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
			reason := reason
			if reason == "unauthorized" && (name == "HTML" || name == "2 MiB") {
				reason = "rejected" // the API itself says no in JSON
			}
			if name != "JSON" && code%100 > 4 && code != 422 {
				continue // what matters of these is the status
			}
			all[fmt.Sprintf("%d with %s", code, name)] = exportertest.Fault{Answer: always(simapi.Status(code, body)), Reason: reason, Tries: tries}
		}
	}
	for _, code := range []int{300, 301, 302, 303, 304, 307, 308} {
		for name, location := range map[string]string{
			"this host":    "/api/v3/elsewhere?" + secret + "#" + secret,
			"another host": "https://user:" + secret + "@elsewhere.test/api/v3?token=" + secret + "#" + secret,
			"no address":   "://" + secret,
		} {
			all[fmt.Sprintf("%d to %s", code, name)] = exportertest.Fault{Answer: always(simapi.Status(code, secret, "Location", location)), Reason: "invalid_response", Tries: 1}
		}
	}
	for name, answer := range map[string]func(string) http.HandlerFunc{
		"204":                always(simapi.Status(204, "")),
		"200 with nothing":   always(simapi.Status(200, "")),
		"200 with HTML":      always(simapi.Status(200, "<html>"+secret)),
		"200 with null":      always(simapi.Status(200, "null")),
		"200 with a text":    always(simapi.Status(200, `"`+secret+`"`)),
		"200 with a word":    always(simapi.Status(200, secret)),
		"200 with a name":    always(simapi.Status(200, `{"`+secret+`":`)),
		"200 with a trailer": always(simapi.Status(200, "{", http.TrailerPrefix+"X-Secret", secret)),
		"200 with a number":  always(simapi.Status(200, "7")),
		"200 with a list":    always(simapi.Status(200, "[]")),
		"200 with {}":        always(simapi.Status(200, "{}")),
		"data after the end": func(good string) http.HandlerFunc { return simapi.Status(200, good+secret) },
		"half of the body":   func(good string) http.HandlerFunc { return simapi.Status(200, good[:len(good)/2]) },
		"nested too deep":    always(simapi.Status(200, strings.Repeat(`{"a":`, 20000)+"1"+strings.Repeat("}", 20000))),
		"no gzip":            always(simapi.Status(200, secret, "Content-Encoding", "gzip")),
		"no gzip, and short": always(simapi.Status(200, "{}", "Content-Encoding", "gzip")),
		"a gzip with a name": always(simapi.Status(200, named(secret), "Content-Encoding", "gzip")),
		"half of a gzip":     func(good string) http.HandlerFunc { return gzipped(good, 0.5) },
		"a wrong checksum":   func(good string) http.HandlerFunc { return damaged(good, true) },
		"a corrupt middle":   func(good string) http.HandlerFunc { return damaged(good, false) },
		"a gzip bomb":        func(good string) http.HandlerFunc { return gzipped(strings.Repeat(" ", 17<<20)+good, 1) },
	} {
		all[name] = exportertest.Fault{Answer: answer, Reason: "invalid_response", Tries: 1}
	}
	all["another session"] = exportertest.Fault{Only: "one session", Reason: "invalid_response", Tries: 1, Answer: func(good string) http.HandlerFunc {
		return simapi.Status(200, strings.ReplaceAll(good, exportertest.SessionID(1), exportertest.SessionID(2)))
	}}
	for name, answer := range map[string]func(string) http.HandlerFunc{
		"a reset":                always(simapi.Reset()),
		"a reset in the headers": always(simapi.Raw("HTTP/1.1 200 OK\r\nSet-Cookie: "+secret, false)),
		"a reset in the body":    simapi.Truncate,
		"300 KiB of headers": func(good string) http.HandlerFunc {
			return simapi.Status(200, good, "X-Long", strings.Repeat(secret, 300<<10/len(secret)))
		},
	} {
		all[name] = exportertest.Fault{Answer: answer, Reason: "connection", Tries: 3}
	}
	for name, text := range simapi.NotHTTP() {
		all[name] = exportertest.Fault{Answer: always(simapi.Raw(text, false)), Reason: "connection", Tries: 3}
	}
	all["a reason phrase"] = exportertest.Fault{
		Answer: always(simapi.Raw("HTTP/1.1 500 "+secret+"\r\nContent-Length: 0\r\n\r\n", false)), Reason: "server_error", Tries: 1,
	}
	for name, answer := range map[string]func(string) http.HandlerFunc{
		"a hang":                always(simapi.Hang()),
		"a hang in the headers": always(simapi.Raw("HTTP/1.1 200 OK\r\nSet-Cookie: "+secret, true)),
		"a hang in the body":    always(simapi.Raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"+secret, true)),
		"a byte a second":       func(good string) http.HandlerFunc { return simapi.Drip(good, time.Second) },
	} {
		all[name] = exportertest.Fault{Answer: answer, Reason: "timeout", Tries: 1}
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

// named returns a text that is no JSON, compressed, with a name and a comment.
func named(text string) string {
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	writer.Name, writer.Comment = text, text
	_, _ = writer.Write([]byte(text))
	_ = writer.Close()
	return buffer.String()
}

// damaged answers with the compressed body, of which either the checksum is wrong
// or the second half begins with what no block does.
func damaged(body string, checksum bool) http.HandlerFunc {
	compressed, half := compress(body)
	if checksum {
		compressed[len(compressed)-8] ^= 1 // it stands before the length
	} else {
		compressed[half] = 0b111 // a block of a type that does not exist
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

// detail is what the API serves for the first session.
func detail(t *testing.T, api *simapi.Server) string {
	t.Helper()
	return exportertest.GoodAnswer(t, api, "/browsers/"+exportertest.SessionID(1))
}

// TestTheSizeOfAnAnswer gives each victim an answer as long as is read at all, and
// one that is a byte longer.
func TestTheSizeOfAnAnswer(t *testing.T) {
	for name, v := range exportertest.Victims() {
		if name == "one page of the list" || name == "the agent sessions" && !exportertest.Thorough() {
			continue // they are read as the first page is, and 16 MiB take long enough
		}
		padded := func(size int) func(string) http.HandlerFunc {
			return func(good string) http.HandlerFunc {
				return simapi.Status(200, strings.Repeat(" ", size-len(good))+good)
			}
		}
		exportertest.Bubble(t, "just right/"+name, func(t *testing.T) {
			r := exportertest.New(t, v.API(), v.Args...)
			good := r.Scrape("60")
			v.Fault.Handler = padded(v.Limit)(exportertest.GoodAnswer(t, r.API, v.Path))
			r.API.Inject(v.Fault)
			got := r.Scrape("60")
			exportertest.CheckComplete(t, got, good, v)
			if kinds := exportertest.FailureKinds.FindAllString(got, -1); len(kinds) != 0 {
				t.Errorf("failures counted: %q", kinds)
			}
		})
		exportertest.Bubble(t, "too long/"+name, func(t *testing.T) {
			exportertest.CheckFault(t, exportertest.Fault{Answer: padded(v.Limit + 1), Reason: "invalid_response", Tries: 1}, v, 60)
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
		exportertest.Bubble(t, fmt.Sprint(code), func(t *testing.T) {
			r := exportertest.New(t, exportertest.NewAPI(2), append(exportertest.IDFlags(2), "--no-collector.account", "--api.concurrency=1")...)
			remove := r.API.Inject(simapi.Fault{Handler: simapi.Status(code, "")})
			got := r.Scrape()
			exportertest.Has(t, got, fmt.Sprintf("browseruse_up %d", want.up), exportertest.Up(1, 0), exportertest.Up(2, 0))
			if kinds := exportertest.FailureKinds.FindAllString(got, -1); len(kinds) != 1 || !strings.Contains(kinds[0], want.reason) {
				t.Errorf("failures counted: %q; want %s alone", kinds, want.reason)
			}
			remove()
			time.Sleep(10 * time.Second)
			exportertest.Has(t, r.Scrape(), "browseruse_up 1", exportertest.Up(1, 1), exportertest.Up(2, 1))
		})
	}
}
