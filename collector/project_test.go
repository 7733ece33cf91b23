package collector_test

import (
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestUnseenSessionsAreCounted has 150 sessions begin and end while the page can't
// be read, of which it has 100 when it can be read again.
func TestUnseenSessionsAreCounted(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		api := fleet(2)
		r := exportertest.New(t, api, "--no-collector.account")
		exportertest.HasNot(t, r.Scrape(), "browseruse_sessions_unseen_total")
		time.Sleep(30 * time.Second)
		addShort(api, 100, 109)
		exportertest.Has(t, r.Scrape(), "browseruse_sessions_unseen_total 0", "browseruse_sessions_started_total 10", "browseruse_sessions_finished_total 10")
		remove := api.Inject(simapi.Fault{Endpoint: "stopped", Handler: simapi.Status(404, "")})
		time.Sleep(30 * time.Second)
		addShort(api, 200, 349)
		for range 20 {
			exportertest.Has(t, r.Scrape(), "browseruse_sessions_unseen_total 0")
			time.Sleep(time.Minute)
		}
		remove()
		for range 40 {
			r.Scrape()
			time.Sleep(30 * time.Second)
		}
		exportertest.Has(t, r.Scrape(), "browseruse_sessions_unseen_total 50", "browseruse_sessions_finished_total 110")
	})
}

// TestAListThatForgetsHidesNobody has sessions end and others forgotten, all of them
// seen.
func TestAListThatForgetsHidesNobody(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		api := fleet(0)
		addShort(api, 1000, 1199)
		r := exportertest.New(t, api, "--no-collector.account")
		for n := range 100 {
			exportertest.HasNot(t, r.Scrape(), "browseruse_sessions_unseen_total 1")
			time.Sleep(30 * time.Second)
			addShort(api, 2000+n*5, 2000+n*5+n%5)
			api.Delete(exportertest.SessionID(1000 + n))
			api.Delete(exportertest.SessionID(1199 - n))
		}
		exportertest.Has(t, r.Scrape(), "browseruse_sessions_unseen_total 0")
	})
}

// TestYoungAndCheapSessionsHaveNoSeries but are counted.
func TestYoungAndCheapSessionsHaveNoSeries(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		api := fleet(0)
		for n, bytes := range []int64{0, 1 << 20} { // the second costs $0.29 a minute
			api.Add(simapi.Session{ID: exportertest.SessionID(n + 1), StartedAt: time.Now().Add(-time.Second), ProxyBytesPerSecond: bytes})
		}
		r := exportertest.New(t, api, "--no-collector.account", "--session.discover", "--session.min-age=10m", "--session.min-cost=0.25", "--session.id="+exportertest.SessionID(3))
		series := func(n int) string { return "{session_id=\"" + exportertest.SessionID(n) }
		got := r.Scrape()
		exportertest.Has(t, got, `browseruse_sessions{state="active"} 2`, exportertest.Up(3, 0))
		exportertest.HasNot(t, got, "up"+series(1), "up"+series(2))
		time.Sleep(time.Minute)
		got = r.Scrape()
		exportertest.Has(t, got, exportertest.Up(2, 1))
		exportertest.HasNot(t, got, "up"+series(1))
		time.Sleep(10 * time.Minute)
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Up(2, 1))
	})
}

// TestSpendingIsCountedFromTheStart has one session that began before the exporter,
// and one after it, whose cost counts whole.
func TestSpendingIsCountedFromTheStart(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		api := fleet(0)
		api.Add(simapi.Session{ID: exportertest.SessionID(1), StartedAt: time.Now().Add(-30 * time.Minute), ProxyBytesPerSecond: 1 << 20})
		r := exportertest.New(t, api, "--no-collector.account")
		exportertest.Has(t, r.Scrape(), `browseruse_spend_usd_total{component="browser"} 0`, `browseruse_spend_usd_total{component="proxy"} 0`,
			"browseruse_proxy_megabytes_total 0", "browseruse_sessions_started_total 0")
		time.Sleep(time.Minute)
		addShort(api, 2, 2)
		// A minute of the first, and the five seconds of the second, which cost a minute.
		exportertest.Has(t, r.Scrape(), "browseruse_proxy_megabytes_total 60", `browseruse_spend_usd_total{component="proxy"} 0.29296875`,
			"browseruse_sessions_started_total 1", "browseruse_sessions_finished_total 1")
	})
}
