package collector_test

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestTheRateOfASession compares what each session burns with the truth, from when it
// is known on.
func TestTheRateOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := simapi.New(simapi.Options{Key: exportertest.Key})
		add := func(n int, age time.Duration, megabytesPerMinute int64) {
			api.Add(simapi.Session{ID: exportertest.SessionID(n), StartedAt: time.Now().Add(-age), Timeout: 4 * time.Hour, ProxyBytesPerSecond: megabytesPerMinute << 20 / 60})
		}
		r := exportertest.New(t, api)
		want := func(when string, megabytesPerMinute ...float64) {
			t.Helper()
			r.Scrape()
			for i, want := range megabytesPerMinute {
				got, usd := math.NaN(), want*60*5/1024+0.02
				if rate := r.Collector.Last().SpendRate.Of(exportertest.SessionID(i + 1)); rate != nil {
					got = rate.MegabytesPerMinute
					if math.Abs(rate.USDPerHour-usd) > 0.01 {
						t.Errorf("%s: session %d burns $%.4f an hour; want %.4f", when, i+1, rate.USDPerHour, usd)
					}
				}
				if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > 0.01 {
					t.Errorf("%s: session %d moves %.4f MB a minute; want %.4f", when, i+1, got, want)
				}
			}
		}
		unknown := math.NaN()
		add(1, time.Hour, 60)
		add(2, time.Minute, 0)
		want("after the first reading", unknown, unknown)
		time.Sleep(time.Minute)
		add(3, 0, 20)
		time.Sleep(time.Minute)
		add(4, time.Hour, 20)
		want("with one that started a minute ago, and one that was not seen", 60, 0, 20, unknown)
		time.Sleep(30 * time.Second)
		add(5, 0, 20)
		time.Sleep(30 * time.Second)
		want("with one of half a minute", 60, 0, 20, unknown, unknown)
		r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		want("while the API is down", unknown, unknown)
	})
}

// TestTheRateOfRareScrapes reads at an interval of which two are too long for a rate.
func TestTheRateOfRareScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1))
		for range 3 {
			time.Sleep(8 * time.Minute)
			r.Scrape()
		}
		if rate := r.Collector.Last().SpendRate; rate == nil || rate.Over != 8*time.Minute {
			t.Errorf("the rate is %+v; want one over 8 minutes", rate)
		}
	})
}

// TestStaleValues checks that what was read last is kept for people for as long as the
// API is down, and appears in no metric.
func TestStaleValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), append(exportertest.IDFlags(2), "--session.id="+exportertest.SessionID(7))...)
		r.Scrape()
		read := time.Now()
		if stale := r.Collector.Last().StaleSession(exportertest.SessionID(1)); stale != nil {
			t.Errorf("a session that was read is stale: %+v", stale)
		}
		remove := r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		for range 3 {
			time.Sleep(time.Minute)
			if got := r.Scrape(); strings.Contains(got, "browseruse_session_browser_cost_usd{") {
				t.Errorf("an old value is exposed:\n%s", got)
			}
			if stale := r.Collector.Last().StaleSession(exportertest.SessionID(1)); stale == nil || !stale.ReadAt.Equal(read) || stale.Session.BrowserCost.Value == 0 {
				t.Errorf("what was read last is %+v", stale)
			}
			if stale := r.Collector.Last().StaleSession(exportertest.SessionID(7)); stale != nil {
				t.Errorf("of a session that was never read: %+v", stale)
			}
		}
		remove()
		r.Scrape()
		if stale := r.Collector.Last().StaleSession(exportertest.SessionID(1)); stale != nil {
			t.Errorf("a session that was read again is stale: %+v", stale)
		}
	})
}
