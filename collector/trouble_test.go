package collector_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// trouble is a way in which the whole API fails.
type trouble struct {
	answer  http.HandlerFunc // nil: connections are refused
	reason  string
	seconds int // that a scrape takes at most, if its requests hang
}

var troubles = map[string]trouble{
	"503":     {answer: simapi.Status(503, `{"detail":"no"}`), reason: "server_error"},
	"500":     {answer: simapi.Status(500, `{"detail":"no"}`), reason: "server_error"},
	"401":     {answer: simapi.Status(401, `{"detail":"no"}`), reason: "unauthorized"},
	"402":     {answer: simapi.Status(402, `{"detail":"no"}`), reason: "payment_required"},
	"403":     {answer: simapi.Status(403, `{"detail":"no"}`), reason: "unauthorized"},
	"429":     {answer: simapi.Status(429, `{"error":"rate_limited"}`, "Retry-After", "200"), reason: "rate_limited"},
	"404":     {answer: simapi.Status(404, `{"detail":"Not Found"}`), reason: "not_found"},
	"hang":    {answer: simapi.Hang(), reason: "timeout", seconds: 10},
	"reset":   {answer: simapi.Reset(), reason: "connection"},
	"refused": {reason: "connection"},
}

// fleets are what the trouble meets, each of 40 sessions, and of 1,000.
var fleets = map[string]struct {
	stopped bool // their values are known, and due to be read again
	args    func(n int) []string
}{
	"discovered":            {args: func(int) []string { return nil }},
	"given":                 {args: exportertest.IDFlags},
	"stopped, given":        {stopped: true, args: exportertest.IDFlags},
	"stopped, and the list": {stopped: true, args: func(n int) []string { return append(exportertest.IDFlags(n), "--session.discover") }},
}

// TestTroubleCostsTheAPILittle follows a fleet through four scrapes of an API that
// fails, and two after it: what the API is asked, what is said, and which values
// stay.
func TestTroubleCostsTheAPILittle(t *testing.T) {
	for troubleName, trouble := range troubles {
		for fleetName, fleet := range fleets {
			sizes := []int{40}
			if exportertest.Thorough() || troubleName == "refused" && fleetName == "discovered" {
				sizes = append(sizes, 1000)
			}
			for _, n := range sizes {
				exportertest.Bubble(t, fmt.Sprintf("%s/%d %s", troubleName, n, fleetName), func(t *testing.T) {
					api := exportertest.NewAPI(n)
					r := exportertest.New(t, api, append(fleet.args(n), "--api.rate-limit=0", "--session.settle=1h")...)
					r.Scrape("60")
					if fleet.stopped {
						for i := 1; i <= n; i++ {
							api.Stop(exportertest.SessionID(i))
						}
						r.Scrape("60")
						time.Sleep(2 * time.Minute)
					}
					heal := breakAPI(r, trouble)
					for scrape := range 4 {
						checkTrouble(t, r, trouble, n, fleet.stopped, scrape == 0)
						time.Sleep(30 * time.Second)
					}
					checkLog(t, r, "level=warn", trouble.reason)
					heal()
					time.Sleep(4 * time.Minute) // the longest pause
					exportertest.Has(t, r.Scrape("60"), "browseruse_up 1")
					time.Sleep(time.Minute)
					if got := exportertest.Values(r.Scrape("60")); got != n {
						t.Errorf("%d sessions have values after the trouble; want all %d", got, n)
					}
					checkLog(t, r, "msg=Recovered", trouble.reason)
				})
			}
		}
	}
}

// breakAPI lets the whole API fail until heal is called.
func breakAPI(r *exportertest.Rig, trouble trouble) (heal func()) {
	if trouble.answer != nil {
		return r.API.Inject(simapi.Fault{Handler: trouble.answer})
	}
	r.Network.Refuse(true)
	remove := r.API.Inject(simapi.Fault{Handler: simapi.Reset()}) // those connections that stand
	return func() {
		r.Network.Refuse(false)
		remove()
	}
}

// checkTrouble scrapes once. The first scrape of the trouble may cost what a good
// one does, and retries; each later one sends probes.
func checkTrouble(t *testing.T, r *exportertest.Rig, trouble trouble, n int, stopped, first bool) {
	t.Helper()
	r.API.ResetRequests()
	start := time.Now()
	got := r.Scrape("10")
	if took := time.Since(start); took > 9500*time.Millisecond || trouble.seconds == 0 && took > time.Second {
		t.Errorf("the scrape took %v", took)
	}
	most := 4 // the probes and the account
	if first {
		most = 3 + 3 + 2 // three strikes, the account, and retries
		if !stopped {
			most += n / 100 // pages in flight
		}
		if trouble.reason == "connection" {
			most *= 2 // the transport itself repeats a request if a connection in use breaks
		}
	}
	sent := 0
	for _, requests := range r.API.Requests() {
		sent += requests
	}
	if sent > most {
		t.Errorf("%d requests (%v); want at most %d", sent, r.API.Requests(), most)
	}
	exportertest.Has(t, got, "browseruse_up 0")
	values := 0
	if stopped {
		values = n
	}
	if got := exportertest.Values(got); got != values {
		t.Errorf("%d sessions have values; want %d", got, values)
	}
	if first {
		checkPage(t, r, trouble.reason)
	}
}

// checkPage checks that the status page names the reason, and no other.
func checkPage(t *testing.T, r *exportertest.Rig, reason string) {
	t.Helper()
	var status struct {
		Up     bool `json:"up"`
		Health []struct {
			Level, Text string
		} `json:"health"`
	}
	if err := json.Unmarshal(r.Get("/api/v1/sessions").Body.Bytes(), &status); err != nil {
		t.Fatal(err)
	}
	text := status.Health[0].Text
	if status.Up || status.Health[0].Level != "bad" || !strings.Contains(strings.ToLower(strings.ReplaceAll(text, " ", "_")), reason) {
		t.Errorf("the page: up %t, %+v; want %s", status.Up, status.Health, reason)
	}
}

// checkLog checks that each target that fails is logged once.
func checkLog(t *testing.T, r *exportertest.Rig, kind, reason string) {
	t.Helper()
	lines := map[string]int{}
	for line := range strings.Lines(r.Log.String()) {
		if strings.Contains(line, kind) && strings.Contains(line, "reason=") {
			_, message, _ := strings.Cut(line, " msg=")
			message, _, _ = strings.Cut(message, " reason=")
			lines[message]++
			if !strings.Contains(line, "reason="+reason) {
				t.Errorf("logged with another reason than %s: %s", reason, line)
			}
		}
	}
	if len(lines) == 0 {
		t.Errorf("no line %s reason=%s in the log:\n%s", kind, reason, r.Log.String())
	}
	for line, n := range lines {
		if n > 1 {
			t.Errorf("logged %d times: %s", n, line)
		}
	}
}
