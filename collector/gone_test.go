package collector_test

import (
	"fmt"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestASessionThatIsGone answers 404 or 410 for one that never was read, and for one
// that had stopped: both are asked for at growing intervals, and the second is given
// up after twice the time to settle.
func TestASessionThatIsGone(t *testing.T) {
	for status, reason := range map[int]string{404: "not_found", 410: "rejected"} {
		exportertest.Bubble(t, fmt.Sprint(status), func(t *testing.T) {
			api := fleet(0)
			stopped(api, 2, 2, time.Minute)
			r := exportertest.New(t, api, append(exportertest.IDFlags(2), "--no-collector.account", "--session.settle=10m")...)
			r.Scrape()
			api.Inject(simapi.Fault{Handler: simapi.Status(status, `{"detail":"gone"}`)})
			api.ResetRequests()
			for range 4 * 60 {
				time.Sleep(15 * time.Second)
				exportertest.Has(t, r.Scrape(), exportertest.Up(1, 0), exportertest.Up(2, 1))
			}
			if n := api.Requests()["browser"]; n < 8 || n > 20 {
				t.Errorf("%d requests in an hour of 240 scrapes for two sessions that are gone; want about 10 and 5", n)
			}
			r.Logged(1, "level=warn", "Sessions could not be read", "reason="+reason, "it was deleted")
		})
	}
}
