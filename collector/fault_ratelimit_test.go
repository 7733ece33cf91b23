package collector_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// pauses are what a 429 can say of how long nobody may ask, and how long nobody
// does.
var pauses = map[string]struct {
	header func() string
	hold   time.Duration
}{
	"seconds":                    {text("40"), 40 * time.Second},
	"no second":                  {text("0"), time.Second},
	"a century":                  {text("3153600000"), 15 * time.Minute},
	"more than any number":       {text("99999999999999999999999"), 15 * time.Minute},
	"a word":                     {text(simapi.Credential), 5 * time.Second},
	"nothing":                    {text(""), 5 * time.Second},
	"a date":                     {dateIn(40 * time.Second), 40 * time.Second},
	"a date in the past":         {dateIn(-time.Hour), time.Second},
	"a date in the next century": {dateIn(100 * 365 * 24 * time.Hour), 15 * time.Minute},
}

func text(s string) func() string { return func() string { return s } }

func dateIn(d time.Duration) func() string {
	return func() string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
}

// slowly429 answers with 429 once all else that is in flight has its answer.
func slowly429(header func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond)
		if header() == "" {
			simapi.Leak(simapi.Status(429, simapi.Credential))(w, r)
			return
		}
		simapi.Leak(simapi.Status(429, simapi.Credential, "Retry-After", header()))(w, r)
	}
}

// TestTheAPIIsLeftAloneAfter429 gives each victim a 429 with each pause. What is
// in flight is read all the same; then not one request is sent until the pause is
// over, while scrapes are answered at once, and the first one after it finds all
// well. A session that needs no request has its values all the time.
func TestTheAPIIsLeftAloneAfter429(t *testing.T) {
	for pauseName, pause := range pauses {
		for victimName, v := range exportertest.Victims() {
			exportertest.Bubble(t, pauseName+"/"+victimName, func(t *testing.T) {
				api := v.API()
				final := v.Sessions + 1
				stopped(api, final, final, time.Hour)
				r := exportertest.New(t, api, append(v.Args, "--session.id="+exportertest.SessionID(final))...)
				v.Sessions++
				good := r.Scrape("60")
				exportertest.CheckComplete(t, good, good, v)

				v.Fault.Handler, v.Fault.Times = slowly429(pause.header), 1
				r.API.Inject(v.Fault)
				start := time.Now()
				got := r.Scrape("60")
				if took := time.Since(start); took != time.Millisecond {
					t.Errorf("the scrape took %v; want it to end with the 429", took)
				}
				exportertest.SameSessions(t, got, good, v.Hit)
				exportertest.Has(t, got, "browseruse_up 1", exportertest.Failures(v.Endpoint, "rate_limited", 1))
				r.CheckNoSecrets()

				r.API.ResetRequests()
				for _, sleep := range []time.Duration{0, pause.hold - time.Millisecond} {
					time.Sleep(sleep)
					before := time.Now()
					got := r.Scrape("60")
					if took := time.Since(before); took != 0 {
						t.Errorf("a scrape during the pause took %v; want it at once", took)
					}
					exportertest.SameSessions(t, got, good, func(n int) bool { return n != final })
					exportertest.Has(t, got, "browseruse_up 0", exportertest.Failures(v.Endpoint, "rate_limited", 1))
					exportertest.HasNot(t, got, "browseruse_account_")
				}
				if n := r.API.Requests(); len(n) != 0 {
					t.Errorf("requests %v during the pause; want none", n)
				}
				time.Sleep(time.Millisecond)
				exportertest.CheckComplete(t, r.Scrape("60"), good, v)
			})
		}
	}
}

// TestTheLongerPauseCounts has two requests in flight that are each answered with
// a 429.
func TestTheLongerPauseCounts(t *testing.T) {
	for _, pauses := range [][2]string{{"40", "2"}, {"2", "40"}, {"40", ""}} {
		exportertest.Bubble(t, fmt.Sprintf("%q then %q", pauses[0], pauses[1]), func(t *testing.T) {
			r := exportertest.New(t, exportertest.NewAPI(2), append(exportertest.IDFlags(2), "--no-collector.account")...)
			for i, pause := range pauses {
				r.API.Inject(simapi.Fault{ID: exportertest.SessionID(i + 1), Times: 1, Handler: func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(time.Duration(i) * time.Second)
					slowly429(text(pause))(w, r)
				}})
			}
			exportertest.Has(t, r.Scrape("60"), "browseruse_up 0", exportertest.Failures("browser", "rate_limited", 2))
			r.API.ResetRequests()
			time.Sleep(38 * time.Second)
			exportertest.Has(t, r.Scrape("60"), "browseruse_up 0", exportertest.Up(1, 0), exportertest.Up(2, 0))
			if n := r.API.Requests(); len(n) != 0 {
				t.Errorf("requests %v during the longer pause; want none", n)
			}
			time.Sleep(3 * time.Second)
			exportertest.Has(t, r.Scrape("60"), "browseruse_up 1", exportertest.Up(1, 1), exportertest.Up(2, 1))
		})
	}
}
