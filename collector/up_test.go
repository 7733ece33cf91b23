package collector_test

import (
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestAnAddressThatLeadsNowhereIsNotUp has everything answer 404, and sessions
// alone. Only where all that was asked for are sessions can't the two be told apart.
func TestAnAddressThatLeadsNowhereIsNotUp(t *testing.T) {
	for name, test := range map[string]struct {
		args     []string
		sessions bool // only they are not found
		want     string
	}{
		"everything, discovered":        {nil, false, "browseruse_up 0"},
		"the list":                      {[]string{"--no-collector.account"}, false, "browseruse_up 0"},
		"everything, of IDs":            {exportertest.IDFlags(2), false, "browseruse_up 0"},
		"everything, of many IDs":       {append(exportertest.IDFlags(20), "--no-collector.account"), false, "browseruse_up 0"},
		"the sessions":                  {exportertest.IDFlags(2), true, "browseruse_up 1"},
		"the sessions, no account":      {append(exportertest.IDFlags(2), "--no-collector.account"), true, "browseruse_up 1"},
		"the sessions, beside the list": {append(exportertest.IDFlags(2), "--session.discover"), true, "browseruse_up 1"},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			r := exportertest.New(t, exportertest.NewAPI(0), test.args...)
			if !test.sessions {
				r.API.Inject(simapi.Fault{Handler: simapi.Status(404, `{"detail":"Not Found"}`)})
			}
			exportertest.Has(t, r.Scrape(), test.want)
		})
	}
}

// TestMaxAgeServesNoOutage has the API fail in a scrape, and answer in the next.
func TestMaxAgeServesNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), append(exportertest.IDFlags(2), "--scrape.max-age=1m")...)
		remove := r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		exportertest.Has(t, r.Scrape(), "browseruse_up 0")
		remove()
		time.Sleep(time.Second)
		exportertest.Has(t, r.Scrape(), "browseruse_up 1", exportertest.Up(1, 1), exportertest.Up(2, 1))
		r.API.ResetRequests()
		exportertest.Has(t, r.Scrape(), "browseruse_up 1")
		if n := r.API.Requests(); len(n) != 0 {
			t.Errorf("requests %v; want the good reading again", n)
		}
	})
}

// TestAReadingThatEndsLateKeepsTheSpendRate has a long reading end after one that
// began later.
func TestAReadingThatEndsLateKeepsTheSpendRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1), "--no-collector.account", "--api.timeout=30s")
		for range 4 {
			r.Scrape()
			time.Sleep(time.Minute)
		}
		good := exportertest.GoodAnswer(t, r.API, exportertest.Victims()["the list"].Path)
		r.API.Inject(simapi.Fault{Endpoint: "browsers", Times: 1, Handler: simapi.Late(simapi.Status(200, good), 8*time.Second)})
		late := make(chan string)
		go func() { late <- r.Scrape("60") }()
		time.Sleep(5 * time.Second)
		exportertest.Has(t, r.Scrape("3"), exportertest.Up(1, 1))
		exportertest.Has(t, <-late, exportertest.Up(1, 1))
		time.Sleep(time.Second)
		r.Scrape()
		if rate := r.Collector.Last().SpendRate; rate == nil || rate.Over < 4*time.Minute {
			t.Errorf("the spend rate after the late reading is %+v; want one over some minutes", rate)
		}
	})
}
