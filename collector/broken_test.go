package collector_test

import (
	"fmt"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestABrokenRecordIsGivenUp has the details of sessions that have stopped answer
// 500 for ever while all else is well: after a linger they are not exported any
// more, nor asked for. An outage of the whole API is no reason to give up any.
func TestABrokenRecordIsGivenUp(t *testing.T) {
	for _, status := range []int{500, 204, 422} {
		for _, broken := range []int{1, 2, 10, 40} {
			if status != 500 && broken != 2 && !exportertest.Thorough() {
				continue
			}
			exportertest.Bubble(t, fmt.Sprintf("%d of %d sessions", status, broken), func(t *testing.T) {
				r := exportertest.New(t, fleet(50+broken), "--session.linger=10m", "--no-collector.account", "--api.rate-limit=0")
				r.Scrape()
				for n := 51; n <= 50+broken; n++ {
					r.API.Stop(exportertest.SessionID(n))
					r.API.Inject(simapi.Fault{ID: exportertest.SessionID(n), Handler: simapi.Status(status, "")})
				}
				got := ""
				for range 40 {
					time.Sleep(30 * time.Second)
					got = r.Scrape()
					exportertest.Has(t, got, "browseruse_up 1", exportertest.Up(1, 1), exportertest.Up(50, 1))
				}
				exportertest.HasNot(t, got, `browseruse_session_up{session_id="`+exportertest.SessionID(51), `browseruse_session_up{session_id="`+exportertest.SessionID(50+broken))
				r.API.ResetRequests()
				r.Scrape()
				if n := r.API.Requests()["browser"]; n != 0 {
					t.Errorf("%d requests for sessions that were given up", n)
				}
			})
		}
	}
	exportertest.Bubble(t, "an outage of all", func(t *testing.T) {
		r := exportertest.New(t, fleet(3), "--session.linger=1m", "--no-collector.account")
		r.Scrape()
		remove := r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		for range 20 {
			time.Sleep(30 * time.Second)
			exportertest.Has(t, r.Scrape(), "browseruse_up 0", exportertest.Up(1, 0), exportertest.Up(3, 0))
		}
		remove()
		exportertest.Has(t, r.Scrape(), "browseruse_up 1", exportertest.Up(1, 1), exportertest.Up(3, 1))
	})
}
