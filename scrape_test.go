package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/apiclient/apitest"
)

// oneByOne makes the list useless, so that sessions are read by ID.
func oneByOne(api *apitest.Server) {
	api.Inject(apitest.Fault{Endpoint: "browsers", Handler: apitest.Status(404, "")})
}

func TestAnAnswerBeforePrometheusGivesUp(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"the API hangs": apitest.Hang(),
		"the API drips": apitest.Drip(`{"id":"`+strings.Repeat("0", 1000), time.Second),
		"headers only, then silence": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		bubble(t, name, func(t *testing.T) {
			r := newRig(t, newAPI(30), append(idFlags(30), "--api.rate-limit=0", "--api.timeout=60s")...)
			oneByOne(r.api)
			remove := r.api.Inject(apitest.Fault{ID: sessionID(1), Handler: handler})
			start := time.Now()
			got := r.scrape("4")
			if took := time.Since(start); took > 3600*time.Millisecond {
				t.Errorf("the answer took %v; Prometheus waits 4s", took)
			}
			has(t, got, up(1, 0), up(2, 1), up(30, 1), "browseruse_up 1", failures("browser", "timeout", 1), "browseruse_scrape_duration_seconds 3.5")
			remove()
			has(t, r.scrape("4"), up(1, 1))
		})
	}
	bubble(t, "all sessions hang, more than fit in at once", func(t *testing.T) {
		r := newRig(t, newAPI(100), append(idFlags(100), "--scrape.timeout=3s", "--no-collector.account")...)
		oneByOne(r.api)
		remove := r.api.Inject(apitest.Fault{Endpoint: "browser", Handler: apitest.Hang()})
		start := time.Now()
		got := r.scrape()
		if took := time.Since(start); took > 3200*time.Millisecond {
			t.Errorf("the answer took %v; want it after 3s", took)
		}
		has(t, got, up(1, 0), up(100, 0), failures("browser", "timeout", 100))
		remove()
		time.Sleep(20 * time.Second) // until the rate limit has its burst back
		has(t, r.scrape("60"), up(1, 1), up(100, 1), "browseruse_up 1")
	})
	bubble(t, "all hangs", func(t *testing.T) {
		r := newRig(t, newAPI(100), append(idFlags(100), "--scrape.timeout=3s")...)
		remove := r.api.Inject(apitest.Fault{Handler: apitest.Hang()})
		start := time.Now()
		got := r.scrape()
		if took := time.Since(start); took > 3200*time.Millisecond {
			t.Errorf("the answer took %v; want it after 3s", took)
		}
		has(t, got, up(1, 0), up(100, 0), "browseruse_up 0", failures("browsers", "timeout", 1), failures("account", "timeout", 1))
		remove()
		has(t, r.scrape("60"), up(1, 1), up(100, 1), "browseruse_up 1")
	})
}

func TestRetriesOfWhatPasses(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"502": apitest.Status(502, ""), "503": apitest.Status(503, ""), "504": apitest.Status(504, ""), "reset": apitest.Reset(),
	} {
		bubble(t, name+" twice", func(t *testing.T) {
			r := newRig(t, newAPI(1), idFlags(1)...)
			r.api.Inject(apitest.Fault{Endpoint: "browser", Times: 2, Handler: handler})
			start := time.Now()
			has(t, r.scrape(), up(1, 1), "browseruse_up 1")
			if took := time.Since(start); took == 0 || took > time.Second {
				t.Errorf("the two pauses took %v together; want short ones", took)
			}
			if got := r.api.Requests()["browser"]; got != 3 {
				t.Errorf("%d requests; want 3", got)
			}
		})
	}
	bubble(t, "none after what stays", func(t *testing.T) {
		r := newRig(t, newAPI(1), idFlags(1)...)
		r.api.Inject(apitest.Fault{Endpoint: "browser", Handler: apitest.Status(500, "")})
		r.scrape()
		if got := r.api.Requests()["browser"]; got != 1 {
			t.Errorf("%d requests; want 1", got)
		}
	})
}

// TestHoldAfter429 checks that a 429 silences all requests until Retry-After is
// over, and that scrapes in that time answer at once.
func TestHoldAfter429(t *testing.T) {
	for name, header := range map[string]func() string{
		"seconds":   func() string { return "40" },
		"HTTP date": func() string { return time.Now().Add(40 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		bubble(t, name, func(t *testing.T) {
			r := newRig(t, newAPI(50), append(idFlags(50), "--api.concurrency=2", "--api.timeout=500ms", "--no-collector.account")...)
			oneByOne(r.api)
			limited := apitest.Status(429, `{"error":"rate_limited"}`, "Retry-After", header())
			r.api.Inject(apitest.Fault{Endpoint: "browser", Times: 1, Handler: func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Millisecond) // until all others stand in line
				limited(w, r)
			}})
			r.api.Inject(apitest.Fault{Endpoint: "browser", Times: 1, Handler: apitest.Hang()}) // the other one in flight
			start := time.Now()
			got := r.scrape()
			if took := time.Since(start); took > time.Second {
				t.Errorf("the queue behind the 429 took %v to dissolve; want it at once", took)
			}
			has(t, got, failures("browser", "rate_limited", 1))
			if n := strings.Count(got, "browseruse_session_up{"); n != 50 {
				t.Errorf("%d sessions are shown; want all 50", n)
			}
			if n := r.api.Requests()["browser"]; n > 3 { // that one, and what was under way
				t.Errorf("%d of 50 sessions were asked for around a 429; want none after it", n)
			}

			for range 2 {
				r.api.ResetRequests()
				time.Sleep(15 * time.Second)
				before := time.Now()
				has(t, r.scrape(), "browseruse_up 0", failures("browser", "rate_limited", 1))
				if took := time.Since(before); took != 0 {
					t.Errorf("a scrape during the hold took %v; want it at once", took)
				}
				if n := r.api.Requests(); len(n) != 0 {
					t.Errorf("requests %v during the hold; want none", n)
				}
			}
			time.Sleep(15 * time.Second)
			has(t, r.scrape(), up(1, 1), up(50, 1), "browseruse_up 1")
		})
	}
}

// TestLimits checks what reaches the API: never more at once, nor a second,
// than the flags allow.
func TestLimits(t *testing.T) {
	bubble(t, "in flight", func(t *testing.T) {
		api := newAPI(30)
		r := newRig(t, api, append(idFlags(30), "--api.concurrency=4", "--api.rate-limit=0")...)
		var mu sync.Mutex
		inFlight, most := 0, 0
		api.Inject(apitest.Fault{Handler: func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			inFlight++
			most = max(most, inFlight)
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			inFlight--
			mu.Unlock()
			w.WriteHeader(http.StatusNotFound)
		}})
		r.scrape()
		if most != 4 {
			t.Errorf("%d requests were in flight at once; want 4", most)
		}
	})
	bubble(t, "a second", func(t *testing.T) {
		api := newAPI(100)
		r := newRig(t, api, append(idFlags(100), "--api.rate-limit=5")...)
		var mu sync.Mutex
		var times []time.Time
		api.Inject(apitest.Fault{Handler: func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			times = append(times, time.Now())
			mu.Unlock()
			w.WriteHeader(http.StatusNotFound)
		}})
		r.scrape("60")
		if len(times) != 102 {
			t.Fatalf("%d requests; want the list, 100 sessions and the account", len(times))
		}
		for i, at := range times {
			for j := i + 11; j < len(times); j++ { // the burst is 10
				allowed := 10 + 5*times[j].Sub(at).Seconds()
				if float64(j-i) > allowed+0.01 {
					t.Fatalf("%d requests within %v; want at most %.1f", j-i, times[j].Sub(at), allowed)
				}
			}
		}
	})
}

func TestOverlappingScrapesShareOneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(10), append(idFlags(10), "--api.timeout=60s")...)
		oneByOne(r.api)
		r.api.Inject(apitest.Fault{Endpoint: "browser", ID: sessionID(1), Handler: apitest.Hang()})
		r.api.Inject(apitest.Fault{Endpoint: "browser", ID: sessionID(2), Handler: func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(5 * time.Second)
			w.WriteHeader(http.StatusNotFound)
		}})
		start := time.Now()
		var scrapes sync.WaitGroup
		for _, seconds := range []int{3, 8, 8, 8, 3} {
			scrapes.Go(func() {
				got := r.scrape(fmt.Sprint(seconds))
				if took := time.Since(start); took < time.Duration(seconds-1)*time.Second || took >= time.Duration(seconds)*time.Second {
					t.Errorf("a scrape of %ds was answered after %v", seconds, took)
				}
				has(t, got, up(1, 0), up(2, 0), up(3, 1), up(10, 1))
			})
		}
		scrapes.Wait()
		if got := r.api.Requests()["browser"]; got != 10 {
			t.Errorf("%d requests for 10 sessions in 5 scrapes at once; want 10", got)
		}
	})
}

func TestNobodyIsAskedForAScraperThatHungUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(2), idFlags(2)...)
		remove := r.api.Inject(apitest.Fault{Handler: apitest.Hang()})
		ctx, hangUp := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, hangUp)
		start := time.Now()
		got := r.scrapeFor(ctx)
		if took := time.Since(start); took != time.Second {
			t.Errorf("the reading went on for %v; want it to end with the scraper after 1s", took)
		}
		has(t, got, failures("browser", "timeout", 0), failures("browser", "connection", 0))
		if strings.Contains(r.log.String(), "could not be read") {
			t.Errorf("the log blames the API:\n%s", r.log)
		}
		remove()
		has(t, r.scrape(), up(1, 1), up(2, 1))
	})
}

func TestStoppingAnswersTheScrapeInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(2), idFlags(2)...)
		r.api.Inject(apitest.Fault{ID: sessionID(1), Handler: apitest.Hang()})
		time.AfterFunc(time.Second, r.stop)
		start := time.Now()
		has(t, r.scrape(), up(1, 0), up(2, 1))
		if took := time.Since(start); took > 1200*time.Millisecond {
			t.Errorf("the scrape was answered after %v; want it when the exporter stops", took)
		}
	})
}

func TestTimeoutRemainingIsTakenWhenWrittenOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(1), idFlags(1)...)
		r.api.Inject(apitest.Fault{Endpoint: "account", Handler: apitest.Hang()})
		has(t, r.scrape("4.5"), fmt.Sprintf(`browseruse_session_timeout_remaining_seconds{agent_session_id="",session_id="%s"} %d`, sessionID(1), 50*60-4))
	})
}

func TestSessionFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := file(t, "\uFEFF# the fleet\r\n\r\n  "+strings.ToUpper(sessionID(1))+"  # first\r\n"+sessionID(2)+"\n"+sessionID(2))
		r := newRig(t, newAPI(4), "--session.file="+path, "--session.id="+sessionID(4))
		start := time.Now().Unix()
		got := r.scrape()
		has(t, got, up(1, 1), up(2, 1), up(4, 1), "browseruse_session_file_last_reload_successful 1",
			fmt.Sprintf("browseruse_session_file_last_reload_success_timestamp_seconds %s", exposed(start)))
		hasNot(t, got, up(3, 1))
		if n := r.api.Requests()["browser"]; n != 3 {
			t.Errorf("%d requests for 3 sessions, one of them given twice; want 3", n)
		}

		time.Sleep(time.Minute)
		rewrite(t, path, sessionID(3)+"\nhttps://live.example/?token="+apitest.Credential+"\n")
		for range 2 {
			got = r.scrape()
			has(t, got, up(1, 1), up(2, 1), up(4, 1), "browseruse_session_file_last_reload_successful 0",
				fmt.Sprintf("browseruse_session_file_last_reload_success_timestamp_seconds %s", exposed(start)))
			hasNot(t, got, up(3, 1))
		}
		wantLogged(t, r, 1, path, "line 2")

		rewrite(t, path, "1234\n")
		r.scrape()
		wantLogged(t, r, 1, path, "line 1", "1234")

		rewrite(t, path, sessionID(3))
		got = r.scrape()
		has(t, got, up(3, 1), up(4, 1), "browseruse_session_file_last_reload_successful 1",
			fmt.Sprintf("browseruse_session_file_last_reload_success_timestamp_seconds %s", exposed(start+60)))
		hasNot(t, got, up(1, 1))
	})
}

// exposed is how the exposition writes seconds since the epoch.
func exposed(seconds int64) string {
	text := strings.TrimRight(fmt.Sprint(seconds), "0")
	return fmt.Sprintf("%s.%se+08", text[:1], text[1:])
}

// wantLogged checks how many lines of the log have all of these.
func wantLogged(t *testing.T, r *rig, want int, parts ...string) {
	t.Helper()
	got := 0
	for line := range strings.Lines(r.log.String()) {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			got++
		}
	}
	if got != want {
		t.Errorf("%d lines of the log have %q; want %d\n%s", got, parts, want, r.log)
	}
}

func TestEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(1), append(idFlags(1), "--web.telemetry-path=/numbers")...)
		r.api.Inject(apitest.Fault{Handler: apitest.Status(500, "")}) // no endpoint but the metrics needs the API
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
			{"GET", "//", 404, ""},
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
			r.handler.ServeHTTP(recorder, httptest.NewRequest(test.method, test.path, nil))
			if recorder.Code != test.status || !strings.Contains(recorder.Body.String(), test.body) {
				t.Errorf("%s %s: status %d, body %q; want %d and %q", test.method, test.path, recorder.Code, recorder.Body, test.status, test.body)
			}
		}
		if got := r.api.Requests(); got["browser"] != 1 || got["account"] != 1 {
			t.Errorf("requests %v; want those of the one GET of the metrics", got)
		}
	})
}

func TestAFailureIsLoggedWhenItBeginsAndWhenItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(3), idFlags(3)...)
		remove := r.api.Inject(apitest.Fault{Handler: apitest.Status(500, "")})
		for range 3 {
			r.scrape()
		}
		wantLogged(t, r, 1, "level=warn", "Sessions could not be read", "reason=server_error", "sessions=3")
		wantLogged(t, r, 1, "level=warn", "Account could not be read", "reason=server_error")
		wantLogged(t, r, 9, "level=debug", "Session could not be read")
		wantLogged(t, r, 0, "Failure is over")
		remove()
		for range 3 {
			r.scrape()
		}
		wantLogged(t, r, 1, "level=info", "Failure is over", "of=session", "reason=server_error")
		wantLogged(t, r, 1, "level=info", "Failure is over", "of=account", "reason=server_error")
	})
}

// TestAFailureThatChangesIsNotOver has the API fail in one way after another.
func TestAFailureThatChangesIsNotOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(1), append(idFlags(1), "--no-collector.account")...)
		for _, code := range []int{500, 404, 402} {
			remove := r.api.Inject(apitest.Fault{Handler: apitest.Status(code, "")})
			r.scrape()
			remove()
		}
		wantLogged(t, r, 1, "level=warn", "Sessions could not be read", "reason=server_error")
		wantLogged(t, r, 1, "level=warn", "Sessions could not be read", "reason=not_found")
		wantLogged(t, r, 1, "level=warn", "Sessions could not be read", "reason=payment_required")
		wantLogged(t, r, 0, "Failure is over")
		r.scrape()
		wantLogged(t, r, 1, "level=info", "Failure is over", "of=session", "reason=payment_required")
		wantLogged(t, r, 1, "Failure is over")
	})
}
