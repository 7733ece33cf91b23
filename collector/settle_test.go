package collector_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestSettling follows a session after its stop, in scrapes every 15 s: late
// metering shows, in readings at growing intervals, until the session settled.
func TestSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(0)
		api.Add(simapi.Session{ID: exportertest.SessionID(1), StartedAt: time.Now(), StopAt: time.Now().Add(10 * time.Minute), LateProxyBytes: 5 << 20, LateAfter: 14 * time.Minute})
		r := exportertest.New(t, api, "--session.id="+exportertest.SessionID(1), "--no-collector.account")
		finish := time.Now().Add(10 * time.Minute)
		var readings []time.Duration
		for range 4 * 60 {
			api.ResetRequests()
			got := r.Scrape()
			exportertest.Has(t, got, exportertest.Up(1, 1))
			if after := time.Since(finish); after >= 0 && len(api.Requests()) > 0 {
				readings = append(readings, after)
			}
			time.Sleep(15 * time.Second)
		}
		if len(readings) != 5 || readings[0] != 0 || readings[4] != 15*time.Minute {
			t.Fatalf("read %v after its finish; want at once, three times in between, and when it has settled", readings)
		}
		for i, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
			if pause := readings[i+1] - readings[i]; pause < want*9/10 || pause > want*11/10+15*time.Second {
				t.Errorf("pause %d was %v; want about %v", i+1, pause, want)
			}
		}
		exportertest.Has(t, r.Scrape(), fmt.Sprintf(`browseruse_session_proxy_used_megabytes{agent_session_id="",session_id="%s"} 5`, exportertest.SessionID(1)))
	})
}

// TestALateCostIsFoundAfterAnOutage has the API fail each time a session is to be read
// again while it lingers.
func TestALateCostIsFoundAfterAnOutage(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		api := fleet(0)
		finish := time.Now().Add(10 * time.Minute)
		api.Add(simapi.Session{ID: exportertest.SessionID(1), StartedAt: time.Now().Add(time.Minute), StopAt: finish, LateProxyBytes: 1 << 20, LateAfter: 30 * time.Second})
		r := exportertest.New(t, api, "--no-session.short-lived", "--no-collector.account")
		scrapeUntil := func(after time.Duration) {
			for ; time.Since(finish) <= after; time.Sleep(15 * time.Second) {
				r.Scrape()
			}
		}
		scrapeUntil(0)
		remove := api.Inject(simapi.Fault{Handler: simapi.Status(503, "")})
		scrapeUntil(18 * time.Minute)
		remove()
		scrapeUntil(25 * time.Minute)
		got := r.Scrape()
		exportertest.Has(t, got, "browseruse_proxy_megabytes_total 1")
		exportertest.HasNot(t, got, "browseruse_session_up")
	})
}

// TestValuesOfAStoppedSessionStayWhenItCannotBeReadAgain has the API fail for it:
// the failure is counted and logged, and it is asked again after a pause, not at
// the next scrape.
func TestValuesOfAStoppedSessionStayWhenItCannotBeReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(0)
		stopped(api, 1, 1, time.Minute)
		r := exportertest.New(t, api, "--session.id="+exportertest.SessionID(1), "--no-collector.account")
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1))
		api.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		time.Sleep(2 * time.Minute)
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), "browseruse_up 0", exportertest.Failures("browser", "server_error", 1))
		r.Logged(1, "level=warn", "Stopped sessions could not be read again", "reason=server_error", exportertest.SessionID(1))
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), "browseruse_up 1", exportertest.Failures("browser", "server_error", 1))
		time.Sleep(3 * time.Minute)
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Failures("browser", "server_error", 2))
	})
}

// TestAStoppedSessionThatCannotBeReadAgain keeps its values. One that is gone is
// given up after twice the time to settle; else the API is asked until it tells
// what late metering has changed, after however long an outage.
func TestAStoppedSessionThatCannotBeReadAgain(t *testing.T) {
	for code, givenUp := range map[int]bool{404: true, 500: false, 204: false} {
		exportertest.Bubble(t, fmt.Sprint(code), func(t *testing.T) {
			api := fleet(0)
			finish := time.Now()
			api.Add(simapi.Session{ID: exportertest.SessionID(1), StartedAt: finish.Add(-time.Minute), StopAt: finish, LateProxyBytes: 1 << 20, LateAfter: time.Minute})
			megabytes := func(n int) string {
				return fmt.Sprintf(`browseruse_session_proxy_used_megabytes{agent_session_id="",session_id="%s"} %d`, exportertest.SessionID(1), n)
			}
			r := exportertest.New(t, api, "--session.id="+exportertest.SessionID(1), "--session.settle=10m", "--no-collector.account")
			exportertest.Has(t, r.Scrape(), megabytes(0))
			remove := api.Inject(simapi.Fault{Handler: simapi.Status(code, "")})
			time.Sleep(2 * time.Minute)
			requests := map[bool]int{}
			for ; time.Since(finish) < 60*time.Minute; time.Sleep(time.Minute) {
				api.ResetRequests()
				exportertest.Has(t, r.Scrape(), megabytes(0))
				requests[time.Since(finish) > 30*time.Minute] += api.Requests()["browser"]
			}
			if n := requests[false]; n < 3 || n > 7 {
				t.Errorf("%d requests in the first half of an hour; want a few, at growing intervals", n)
			}
			if n := requests[true]; givenUp != (n == 0) || n > 5 {
				t.Errorf("%d requests in the second half; want some unless it is given up", n)
			}
			remove()
			if !givenUp {
				time.Sleep(9 * time.Minute) // the longest pause
				exportertest.Has(t, r.Scrape(), megabytes(1))
			}
		})
	}
}
