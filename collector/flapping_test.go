package collector_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// logged returns how many lines a log has, those for debugging not counted.
func logged(r *exportertest.Rig) int {
	n := 0
	for line := range strings.Lines(r.Log.String()) {
		if !strings.Contains(line, "level=debug") {
			n++
		}
	}
	return n
}

// TestFlappingIsNotLoggedAtEachScrape has an API fail at every other scrape.
func TestFlappingIsNotLoggedAtEachScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), exportertest.IDFlags(2)...)
		for range 10 {
			remove := r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
			exportertest.Has(t, r.Scrape(), "browseruse_up 0")
			remove()
			time.Sleep(15 * time.Second)
			exportertest.Has(t, r.Scrape(), "browseruse_up 1")
			time.Sleep(15 * time.Second)
		}
		if n := logged(r); n < 2 || n > 6 { // of the sessions, and of the account: begins, is over, flaps
			t.Errorf("%d lines in 20 scrapes; want a handful\n%s", n, r.Log)
		}
		before := logged(r)
		for minute := range 30 {
			if minute < 10 && logged(r) != before {
				t.Errorf("a line %d minutes after the last failure; want none before it is over for good\n%s", minute, r.Log)
			}
			r.Scrape()
			time.Sleep(time.Minute)
		}
		r.Logged(2, "level=info", "msg=Recovered", "target=sessions", "reason=server_error")
		if n := logged(r) - before; n != 2 {
			t.Errorf("%d lines after it was over for good; want one for the sessions and one for the account\n%s", n, r.Log)
		}
	})
}

// TestARereadIsOverWhenItSucceeds has a stopped session fail to be read again. The
// scrapes until the next try send no request for it, which is no recovery.
func TestARereadIsOverWhenItSucceeds(t *testing.T) {
	for name, handler := range map[string]simapi.Fault{
		"500": {Handler: simapi.Status(500, "")}, "429": {Handler: simapi.Status(429, "", "Retry-After", "30")},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			api := fleet(0)
			stopped(api, 1, 2, time.Minute)
			r := exportertest.New(t, api, append(exportertest.IDFlags(2), "--no-collector.account", "--session.settle=1h")...)
			r.Scrape()
			time.Sleep(2 * time.Minute)
			remove := api.Inject(handler)
			for range 20 {
				exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Up(2, 1))
				time.Sleep(15 * time.Second)
			}
			r.Logged(0, "msg=Recovered")
			r.Logged(1, "level=warn", "Stopped sessions could not be read again")
			if n := logged(r); n != 1 {
				t.Errorf("%d lines; want one\n%s", n, r.Log)
			}
			remove()
			time.Sleep(9 * time.Minute) // the longest pause
			r.Scrape()
			r.Logged(1, "msg=Recovered", `target="stopped sessions"`)
			time.Sleep(9 * time.Minute)
			r.Scrape()
			if n := logged(r); n != 2 {
				t.Errorf("%d lines; want two\n%s", n, r.Log)
			}
		})
	}
}

// TestAFinishInTheFutureEndsAllTheSame has a session that has stopped, and will
// finish in the year 9999 by what the API says: it leaves as any other does.
func TestAFinishInTheFutureEndsAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(2)
		r := exportertest.New(t, api, "--session.linger=10m", "--session.settle=10m", "--no-collector.account")
		r.Scrape()
		api.Add(simapi.Session{ID: exportertest.SessionID(1), StartedAt: time.Now().Add(-time.Minute), StopAt: time.Now(), Override: map[string]any{"finishedAt": "9999-12-31T23:59:59Z"}})
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1))
		for range 20 {
			time.Sleep(time.Minute)
			r.Scrape()
		}
		exportertest.HasNot(t, r.Scrape(), `browseruse_session_up{session_id="`+exportertest.SessionID(1))
	})
}
