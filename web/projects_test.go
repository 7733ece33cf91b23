package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// several starts an exporter of two projects with an active session each.
func several(t *testing.T, args ...string) *exportertest.Several {
	t.Helper()
	return exportertest.NewSeveral(t, map[string]*simapi.Server{"shop": exportertest.NewAPI(1), "shop-eu": exportertest.NewAPI(2)}, args...)
}

// TestGoldenProbe has all that /metrics has of a single project, and nothing else;
// that then has only what is about the exporter itself.
func TestGoldenProbe(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		s := several(t)
		probe := s.Probe("shop")
		exportertest.Golden(t, "probe", probe)
		exportertest.Golden(t, "exporter", s.Scrape())

		single := exportertest.New(t, exportertest.NewAPI(1), "--no-session.short-lived", "--api.key-file="+exportertest.File(t, exportertest.Key)).Scrape()
		var want strings.Builder
		for line := range strings.Lines(single) {
			if !strings.Contains(line, "promhttp_") && !strings.Contains(line, "_build_info") {
				want.WriteString(line)
			}
		}
		if diff := cmp.Diff(want.String(), probe); diff != "" {
			t.Errorf("/metrics of a single project and /probe (-/metrics +/probe):\n%s", diff)
		}
	})
}

// TestGoldenDiscovery has the projects as targets at the address of the request.
func TestGoldenDiscovery(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		s := several(t)
		request := httptest.NewRequest(http.MethodGet, "/sd", http.NoBody)
		request.Host = "browseruse-exporter.monitoring.svc:10042"
		recorder := httptest.NewRecorder()
		s.Handler.ServeHTTP(recorder, request)
		exportertest.GoldenText(t, "sd.json", recorder.Body.String())
		if kind := recorder.Header().Get("Content-Type"); kind != "application/json" {
			t.Errorf("the type is %s, which Prometheus refuses", kind)
		}

		request.Host = `"},{"targets":["evil`
		recorder = httptest.NewRecorder()
		s.Handler.ServeHTTP(recorder, request)
		var groups []struct{ Targets []string }
		if err := json.Unmarshal(recorder.Body.Bytes(), &groups); err != nil || len(groups) != 2 || groups[0].Targets[0] != request.Host {
			t.Errorf("a strange host: %v, %s", err, recorder.Body)
		}
		request.Host = ""
		recorder = httptest.NewRecorder()
		if s.Handler.ServeHTTP(recorder, request); recorder.Code != http.StatusBadRequest {
			t.Errorf("no host: status %d, %s", recorder.Code, recorder.Body)
		}
	})
}

// TestEndpointsOfSeveralProjects has each with a name, without, and with other
// methods. Nothing but a name of the file is taken from a request.
func TestEndpointsOfSeveralProjects(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		s := several(t)
		const names = "want ?project= with one of: shop, shop-eu\n"
		for _, test := range []struct {
			method, path string
			status       int
			body         string // all of it; "": any
		}{
			{"GET", "/probe?project=shop", 200, ""},
			{"HEAD", "/probe?project=shop", 200, ""},
			{"GET", "/probe?project=shop&api_url=http://evil.test&target=evil.test&session_id=1&api_key=x", 200, ""},
			{"GET", "/probe", 404, names},
			{"GET", "/probe?project=", 404, names},
			{"GET", "/probe?project=Shop", 404, names},
			{"GET", "/probe?project=<script>", 404, names},
			{"GET", "/probe?project=../shop", 404, names},
			{"GET", "/probe?target=shop", 404, names},
			{"HEAD", "/probe?project=other", 404, ""},
			{"GET", "/probe/shop", 404, ""},
			{"POST", "/probe?project=shop", 405, ""},
			{"GET", "/sd", 200, ""},
			{"GET", "/sd/", 404, ""},
			{"PUT", "/sd", 405, ""},
			{"GET", "/", 200, ""},
			{"GET", "/?project=shop-eu", 200, ""},
			{"GET", "/?project=other", 404, names},
			{"GET", "/?page.css", 200, ""},
			{"GET", "/api/v1/projects", 200, ""},
			{"DELETE", "/api/v1/projects", 405, ""},
			{"GET", "/api/v1/sessions?project=shop", 200, ""},
			{"GET", "/api/v1/sessions", 404, names},
		} {
			recorder := httptest.NewRecorder()
			s.Handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), test.method, strings.ReplaceAll(test.path, "<script>", "%3Cscript%3E"), http.NoBody))
			if recorder.Code != test.status || test.body != "" && recorder.Body.String() != test.body {
				t.Errorf("%s %s: status %d, %q", test.method, test.path, recorder.Code, recorder.Body)
			}
		}
		single := exportertest.New(t, exportertest.NewAPI(1))
		for _, path := range []string{"/probe?project=shop", "/probe", "/sd", "/api/v1/projects"} {
			if got := single.Get(path); got.Code != http.StatusNotFound {
				t.Errorf("without a configuration file, %s: status %d", path, got.Code)
			}
		}
	})
}

// TestProbesKeepDeadlinesAndShare has what holds for scrapes of a single project.
func TestProbesKeepDeadlinesAndShare(t *testing.T) {
	exportertest.Bubble(t, "the deadline", func(t *testing.T) {
		s := several(t)
		s.APIs["shop"].Inject(simapi.Fault{Handler: simapi.Hang()})
		start := time.Now()
		exportertest.Has(t, s.Probe("shop", "3"), "browseruse_up 0")
		if took := time.Since(start); took < 2*time.Second || took > 2500*time.Millisecond {
			t.Errorf("it took %v; Prometheus waits 3s", took)
		}
	})
	exportertest.Bubble(t, "one reading", func(t *testing.T) {
		s := several(t)
		s.APIs["shop"].SetLatency(time.Second)
		var scrapes sync.WaitGroup
		for range 5 {
			scrapes.Go(func() {
				exportertest.Has(t, s.Probe("shop"), `browseruse_api_requests_total{code="200",endpoint="browsers"} 1`)
			})
		}
		scrapes.Wait()
	})
	exportertest.Bubble(t, "the last reading", func(t *testing.T) {
		s := several(t, "--scrape.max-age=25s")
		for range 2 {
			exportertest.Has(t, s.Probe("shop"), `browseruse_api_requests_total{code="200",endpoint="browsers"} 1`)
			time.Sleep(20 * time.Second)
		}
		exportertest.Has(t, s.Probe("shop"), `browseruse_api_requests_total{code="200",endpoint="browsers"} 2`)
	})
	exportertest.Bubble(t, "the end", func(t *testing.T) {
		s := several(t)
		s.APIs["shop"].Inject(simapi.Fault{Handler: simapi.Hang()})
		start := time.Now()
		time.AfterFunc(time.Second, s.Exit)
		s.Probe("shop", "60")
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it took %v after the stop", took)
		}
	})
}
