package collector_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

var orders = map[string]simapi.Order{
	"newest start first": simapi.NewestStartFirst, "newest finish first": simapi.NewestFinishFirst,
	"oldest start first": simapi.OldestStartFirst, "oldest finish first": simapi.OldestFinishFirst,
}

// addShort adds sessions that began and ended within the last seconds.
func addShort(api *simapi.Server, from, to int) {
	for n := from; n <= to; n++ {
		at := time.Now().Add(-10*time.Second + time.Duration(n-from)*time.Millisecond)
		api.Add(simapi.Session{ID: exportertest.SessionID(n), StartedAt: at, StopAt: at.Add(5 * time.Second)})
	}
}

// wantStopped checks that sessions are exposed with their final costs.
func wantStopped(t *testing.T, exposition string, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if want := fmt.Sprintf("browseruse_session_active{agent_session_id=\"\",session_id=\"%s\"} 0\n", exportertest.SessionID(n)); !strings.Contains(exposition, want) {
			t.Errorf("no line %s", want)
		}
	}
}

// TestShortLivesAreSeen has sessions begin and end between two scrapes, in a
// project that has had many, whose list is served in each order.
func TestShortLivesAreSeen(t *testing.T) {
	for name, order := range orders {
		exportertest.Bubble(t, name, func(t *testing.T) {
			api := fleet(0)
			api.SetStoppedOrder(order)
			for n := 1; n <= 250; n++ { // one a minute, the last an hour ago
				at := time.Now().Add(time.Duration(n-310) * time.Minute)
				api.Add(simapi.Session{ID: exportertest.SessionID(n), StartedAt: at, StopAt: at.Add(time.Second)})
			}
			r := exportertest.New(t, api, "--no-collector.account")
			if n := exportertest.Values(r.Scrape()); n != 0 {
				t.Errorf("%d sessions of long ago are exposed", n)
			}
			for scrape := range 10 {
				time.Sleep(30 * time.Second)
				first := 1000 + 10*scrape
				addShort(api, first, first+9)
				api.ResetRequests()
				wantStopped(t, r.Scrape(), first, first+9)
				// The page at an end that has grown, and one of which all is new.
				if n := api.Requests()["stopped"]; n > 2 || n > 1 && order <= simapi.NewestFinishFirst {
					t.Errorf("%d requests for ten sessions that ended", n)
				}
			}
			if n := api.Requests()["browser"]; n != 0 && order <= simapi.NewestFinishFirst {
				t.Errorf("%d requests by ID for sessions that are all on the first page; want none", n)
			}
		})
	}
	for name, order := range orders {
		exportertest.Bubble(t, "more than a page between two scrapes, "+name, func(t *testing.T) {
			api := fleet(0)
			api.SetStoppedOrder(order)
			for n := 1; n <= 150; n++ {
				stopped(api, n, n, 2*time.Hour+time.Duration(n)*time.Second)
			}
			r := exportertest.New(t, api, "--no-collector.account")
			r.Scrape()
			time.Sleep(30 * time.Second)
			addShort(api, 1000, 1349)
			wantStopped(t, r.Scrape(), 1000, 1349)
			api.ResetRequests()
			time.Sleep(30 * time.Second)
			r.Scrape()
			if n := api.Requests()["stopped"]; n != 1 {
				t.Errorf("%d requests for the list when nothing has ended; want 1", n)
			}
		})
	}
	exportertest.Bubble(t, "in no order", func(t *testing.T) {
		api := fleet(0)
		api.SetStoppedOrder(simapi.Shuffled)
		for n := 1; n <= 250; n++ {
			at := time.Now().Add(time.Duration(n-310) * time.Minute)
			api.Add(simapi.Session{ID: exportertest.SessionID(n), StartedAt: at, StopAt: at.Add(time.Second)})
		}
		r := exportertest.New(t, api, "--no-collector.account")
		for range 5 {
			exportertest.Has(t, r.Scrape(), "browseruse_up 1")
			time.Sleep(30 * time.Second)
		}
		r.Logged(1, "level=warn", "Stopped sessions are listed in no order")
		if n := api.Requests()["stopped"]; n != 1 {
			t.Errorf("%d requests for a list without order; want 1", n)
		}
	})
	exportertest.Bubble(t, "turned off", func(t *testing.T) {
		api := fleet(0)
		r := exportertest.New(t, api, "--no-collector.account", "--no-session.short-lived")
		r.Scrape()
		addShort(api, 1, 1)
		if n := exportertest.Values(r.Scrape()) + api.Requests()["stopped"]; n != 0 {
			t.Errorf("%d sessions and requests; want none", n)
		}
	})
}

// TestAPageOfStoppedSessionsThatFails costs what only it has, and nothing of the
// active ones.
func TestAPageOfStoppedSessionsThatFails(t *testing.T) {
	for name, handler := range map[string]simapi.Fault{
		"500": {Handler: simapi.Status(500, "")}, "404": {Handler: simapi.Status(404, "{}")}, "invalid": {Handler: simapi.Status(200, "{}")},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			api := fleet(3)
			r := exportertest.New(t, api, "--no-collector.account")
			r.Scrape()
			handler.Endpoint = "stopped"
			remove := api.Inject(handler)
			for range 3 {
				time.Sleep(30 * time.Second)
				got := r.Scrape()
				exportertest.Has(t, got, exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Up(3, 1), "browseruse_up 1")
			}
			r.Logged(1, "level=warn", "List of stopped sessions could not be read")
			addShort(api, 10, 12)
			remove()
			wantStopped(t, r.Scrape(), 10, 12)
			r.Logged(1, "msg=Recovered", "target=\"list of stopped sessions\"")
		})
	}
}

// TestASessionThatStopsWhileTheExporterRestarts shows its final cost, for the rest of
// its linger.
func TestASessionThatStopsWhileTheExporterRestarts(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		api := fleet(2)
		exportertest.Has(t, exportertest.New(t, api, "--no-collector.account").Scrape(), exportertest.Up(1, 1))
		time.Sleep(10 * time.Second)
		api.Stop(exportertest.SessionID(1))
		time.Sleep(10 * time.Second)
		r := exportertest.New(t, api, "--no-collector.account")
		wantStopped(t, r.Scrape(), 1, 1)
		time.Sleep(15 * time.Minute)
		r.Scrape() // reads it again, as none did
		exportertest.HasNot(t, r.Scrape(), `browseruse_session_up{session_id="`+exportertest.SessionID(1))
	})
}

// TestLateMeteringShowsAtTheNextScrape reads the page, not the session.
func TestLateMeteringShowsAtTheNextScrape(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		api := fleet(0)
		api.Add(simapi.Session{
			ID: exportertest.SessionID(1), StartedAt: time.Now(), StopAt: time.Now().Add(time.Minute), LateProxyBytes: 5 << 20, LateAfter: 10 * time.Minute,
		})
		r := exportertest.New(t, api, "--no-collector.account")
		r.Scrape()
		time.Sleep(11*time.Minute + 15*time.Second)
		exportertest.Has(t, r.Scrape(), fmt.Sprintf(`browseruse_session_proxy_used_megabytes{agent_session_id="",session_id="%s"} 5`, exportertest.SessionID(1)))
		if n := api.Requests()["browser"]; n != 0 {
			t.Errorf("%d requests by ID; want none", n)
		}
	})
}
