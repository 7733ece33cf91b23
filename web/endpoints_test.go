package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

func TestEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1), append(exportertest.IDFlags(1), "--web.telemetry-path=/numbers")...)
		r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")}) // no endpoint but the metrics needs the API
		for _, test := range []struct {
			method, path string
			status       int
			body         string
		}{
			{"GET", "/", 200, `<a href="./numbers">`},
			{"GET", "/-/healthy", 200, "healthy"},
			{"GET", "/-/ready", 200, "ready"},
			{"GET", "/numbers", 200, "browseruse_up 0"},
			{"HEAD", "/numbers", 200, ""},
			{"HEAD", "/", 200, ""},
			{"GET", "/metrics", 404, ""},
			{"GET", "/numbers/", 404, ""},
			{"GET", "/debug/pprof/", 404, ""},
			{"GET", "/api/v1/sessions", 200, `"up":false`},
			{"GET", "/api/v1/sessions/", 404, ""},
			{"GET", "/assets/page.js", 404, ""},
			{"GET", "/?page.js", 200, "refresh"},
			{"HEAD", "/?page.css", 200, ""},
			{"GET", "/?", 200, "Browser Use Exporter"},
			{"GET", "/?../page.html", 200, "Browser Use Exporter"},
			{"POST", "/api/v1/sessions", 405, ""},
			{"POST", "/", 405, ""},
			{"DELETE", "/numbers", 405, ""},
			{"PUT", "/nowhere", 405, ""},
		} {
			recorder := httptest.NewRecorder()
			r.Handler.ServeHTTP(recorder, httptest.NewRequest(test.method, test.path, nil))
			if recorder.Code != test.status || !strings.Contains(recorder.Body.String(), test.body) {
				t.Errorf("%s %s: status %d, body %q; want %d and %q", test.method, test.path, recorder.Code, recorder.Body, test.status, test.body)
			}
		}
		if got := r.API.Requests(); got["browser"] != 1 || got["account"] != 1 {
			t.Errorf("requests %v; want those of the one GET of the metrics", got)
		}
	})
}

func TestProfiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		with, without := exportertest.New(t, exportertest.NewAPI(1), "--web.enable-pprof"), exportertest.New(t, exportertest.NewAPI(1))
		for path, want := range map[string]int{
			"/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/cmdline": 200, "/debug/pprof/symbol": 200,
			"/debug/pprof/nothing": 404, "/debug/": 404,
		} {
			if got := with.Get(path).Code; got != want {
				t.Errorf("%s: status %d; want %d", path, got, want)
			}
			if got := without.Get(path).Code; got != http.StatusNotFound {
				t.Errorf("%s without --web.enable-pprof: status %d; want 404", path, got)
			}
		}
	})
}
