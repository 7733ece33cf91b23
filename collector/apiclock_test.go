package collector_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// clock is the API's, which need not be that of the exporter.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) jump(by time.Duration) { c.ahead.Add(int64(by)) }

// TestTheClockOfTheAPIJumps lets the API's clock jump between two readings or in
// the middle of one, and back. What is exposed is what the API says at any time,
// be it less than before, and nothing of it stays.
func TestTheClockOfTheAPIJumps(t *testing.T) {
	const hour = time.Hour
	for name, test := range map[string]struct {
		sessions int
		args     []string
		within   simapi.Fault // the request at which it jumps; none: between the readings
		jump     time.Duration
	}{
		"forward":                         {2, nil, simapi.Fault{}, hour},
		"back":                            {2, nil, simapi.Fault{}, -hour},
		"forward, of IDs":                 {2, exportertest.IDFlags(2), simapi.Fault{}, hour},
		"back, of IDs":                    {2, exportertest.IDFlags(2), simapi.Fault{}, -hour},
		"forward at a page of the list":   {110, nil, simapi.Fault{Endpoint: "browsers", Page: 2}, hour},
		"back at a page of the list":      {110, nil, simapi.Fault{Endpoint: "browsers", Page: 2}, -hour},
		"forward at one session of two":   {2, exportertest.IDFlags(2), simapi.Fault{ID: exportertest.SessionID(2)}, hour},
		"back at one session of two":      {2, exportertest.IDFlags(2), simapi.Fault{ID: exportertest.SessionID(2)}, -hour},
		"forward by less than they run":   {2, nil, simapi.Fault{}, hour / 2},
		"forward by years, and then back": {2, nil, simapi.Fault{}, 10_000 * hour},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			c := &clock{}
			api := simapi.New(simapi.Options{Key: exportertest.Key, Now: c.now})
			for i := 1; i <= test.sessions; i++ {
				api.Add(simapi.Session{ID: exportertest.SessionID(i), StartedAt: time.Now().Add(-10 * time.Minute), ProxyBytesPerSecond: int64(i) << 10})
			}
			r := exportertest.New(t, api, append(test.args, "--no-collector.account", "--api.concurrency=1")...)
			isWhatTheAPISays(t, r.Scrape("60"), api, c.now())

			time.Sleep(15 * time.Second)
			if test.within.Endpoint+test.within.ID == "" {
				c.jump(test.jump)
			} else {
				test.within.Times = 1
				test.within.Handler = func(w http.ResponseWriter, r *http.Request) {
					c.jump(test.jump)
					api.ServeHTTP(w, r)
				}
				api.Inject(test.within)
				if got := r.Scrape("60"); exportertest.Values(got) != test.sessions {
					t.Errorf("%d sessions have values in the reading with the jump; want %d", exportertest.Values(got), test.sessions)
				}
			}
			isWhatTheAPISays(t, r.Scrape("60"), api, c.now())

			time.Sleep(15 * time.Second)
			c.jump(-test.jump)
			// A session that was seen stopped is asked for again a minute later.
			r.Scrape("60")
			time.Sleep(2 * time.Minute)
			got := r.Scrape("60")
			isWhatTheAPISays(t, got, api, c.now())
			exportertest.Has(t, got, exportertest.Failures("browser", "invalid_response", 0), exportertest.Failures("browsers", "invalid_response", 0))
		})
	}
}

// isWhatTheAPISays compares an exposition with the simulated truth at a time.
func isWhatTheAPISays(t *testing.T, exposition string, api *simapi.Server, now time.Time) {
	t.Helper()
	exportertest.Has(t, exposition, "browseruse_up 1")
	sessions := api.Sessions()
	if n := exportertest.Values(exposition); n != len(sessions) {
		t.Errorf("%d sessions have values; want %d", n, len(sessions))
	}
	for _, s := range sessions {
		line := func(name string, value float64) string {
			return fmt.Sprintf(`browseruse_session_%s{agent_session_id="",session_id="%s"} %s`, name, s.ID, strconv.FormatFloat(value, 'g', -1, 64))
		}
		active, remaining := 0.0, time.Until(s.TimeoutAt()).Seconds()
		if finish, finished := s.Finish(now); finished {
			exportertest.Has(t, exposition, line("finish_timestamp_seconds", float64(finish.Unix())))
		} else {
			active = 1
			exportertest.Has(t, exposition, line("timeout_remaining_seconds", remaining)) // by the exporter's clock
		}
		exportertest.Has(t, exposition, line("active", active), line("proxy_used_megabytes", s.ProxyMB(now)), line("browser_cost_usd", s.BrowserCost(now)),
			line("start_timestamp_seconds", float64(s.StartedAt.Unix())))
	}
}
