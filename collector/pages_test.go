package collector_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestAnAPIThatAllowsSmallerPages gives 50 sessions a page, and says so.
func TestAnAPIThatAllowsSmallerPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.NewOver(t, exportertest.NewAPI(120), func(server *http.Server, _ *http.Transport) {
			api := server.Handler
			server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "pageSize=100", "pageSize=50", 1)
				api.ServeHTTP(w, r)
			})
		}, "--no-collector.account")
		for range 2 {
			r.API.ResetRequests()
			got := r.Scrape()
			if n := exportertest.Values(got); n != 120 {
				t.Errorf("%d sessions have values; want all 120", n)
			}
			exportertest.Has(t, got, "browseruse_up 1", exportertest.Failures("browsers", "invalid_response", 0))
			if n := r.API.Requests(); n["browsers"] != 3 || n["browser"] != 0 {
				t.Errorf("requests %v; want three pages", n)
			}
			time.Sleep(15 * time.Second)
		}
	})
}

// TestATotalBeyondReasonLosesNoPage has the first page claim more sessions than can
// be counted.
func TestATotalBeyondReasonLosesNoPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(150), "--no-collector.account")
		first := exportertest.GoodAnswer(t, r.API, exportertest.Victims()["the list"].Path)
		lie := strings.Replace(first, `"totalItems":150`, `"totalItems":9223372036854774784`, 1)
		r.API.Inject(simapi.Fault{Endpoint: "browsers", Page: 1, Handler: simapi.Status(200, lie)})
		if n := exportertest.Values(r.Scrape("60")); n != 150 {
			t.Errorf("%d sessions have values; want all 150", n)
		}
	})
}
