package collector_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// oneByOne makes the list useless, so that sessions are read by ID.
func oneByOne(api *simapi.Server) {
	api.Inject(simapi.Fault{Endpoint: "browsers", Handler: simapi.Status(404, "")})
}

func TestAnAnswerBeforePrometheusGivesUp(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"the API hangs": simapi.Hang(),
		"the API drips": simapi.Drip(`{"id":"`+strings.Repeat("0", 1000), time.Second),
		"headers only, then silence": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			r := exportertest.New(t, exportertest.NewAPI(30), append(exportertest.IDFlags(30), "--api.rate-limit=0", "--api.timeout=60s")...)
			oneByOne(r.API)
			remove := r.API.Inject(simapi.Fault{ID: exportertest.SessionID(1), Handler: handler})
			start := time.Now()
			got := r.Scrape("4")
			if took := time.Since(start); took > 3600*time.Millisecond {
				t.Errorf("the answer took %v; Prometheus waits 4s", took)
			}
			exportertest.Has(t, got, exportertest.Up(1, 0), exportertest.Up(2, 1), exportertest.Up(30, 1), "browseruse_up 1", exportertest.Failures("browser", "timeout", 1), "browseruse_scrape_duration_seconds 3.5")
			remove()
			exportertest.Has(t, r.Scrape("4"), exportertest.Up(1, 1))
		})
	}
	exportertest.Bubble(t, "all sessions hang, more than fit in at once", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(100), append(exportertest.IDFlags(100), "--scrape.timeout=3s", "--no-collector.account")...)
		oneByOne(r.API)
		remove := r.API.Inject(simapi.Fault{Endpoint: "browser", Handler: simapi.Hang()})
		start := time.Now()
		got := r.Scrape()
		if took := time.Since(start); took > 3200*time.Millisecond {
			t.Errorf("the answer took %v; want it after 3s", took)
		}
		exportertest.Has(t, got, exportertest.Up(1, 0), exportertest.Up(100, 0), exportertest.Failures("browser", "timeout", 3),
			`browseruse_api_requests_not_sent_total{endpoint="browser",reason="deadline"} 97`)
		remove()
		time.Sleep(20 * time.Second) // until the rate limit has its burst back
		exportertest.Has(t, r.Scrape("60"), exportertest.Up(1, 1), exportertest.Up(100, 1), "browseruse_up 1")
	})
	exportertest.Bubble(t, "all hangs", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(100), append(exportertest.IDFlags(100), "--scrape.timeout=3s")...)
		remove := r.API.Inject(simapi.Fault{Handler: simapi.Hang()})
		start := time.Now()
		got := r.Scrape()
		if took := time.Since(start); took > 3200*time.Millisecond {
			t.Errorf("the answer took %v; want it after 3s", took)
		}
		exportertest.Has(t, got, exportertest.Up(1, 0), exportertest.Up(100, 0), "browseruse_up 0", exportertest.Failures("browsers", "timeout", 1), exportertest.Failures("account", "timeout", 1))
		remove()
		exportertest.Has(t, r.Scrape("60"), exportertest.Up(1, 1), exportertest.Up(100, 1), "browseruse_up 1")
	})
}

func TestRetriesOfWhatPasses(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"502": simapi.Status(502, ""), "503": simapi.Status(503, ""), "504": simapi.Status(504, ""), "reset": simapi.Reset(),
	} {
		exportertest.Bubble(t, name+" twice", func(t *testing.T) {
			r := exportertest.New(t, exportertest.NewAPI(1), exportertest.IDFlags(1)...)
			r.API.Inject(simapi.Fault{Endpoint: "browser", Times: 2, Handler: handler})
			start := time.Now()
			exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), "browseruse_up 1")
			if took := time.Since(start); took == 0 || took > time.Second {
				t.Errorf("the two pauses took %v together; want short ones", took)
			}
			if got := r.API.Requests()["browser"]; got != 3 {
				t.Errorf("%d requests; want 3", got)
			}
		})
	}
	exportertest.Bubble(t, "none after what stays", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1), exportertest.IDFlags(1)...)
		r.API.Inject(simapi.Fault{Endpoint: "browser", Handler: simapi.Status(500, "")})
		r.Scrape()
		if got := r.API.Requests()["browser"]; got != 1 {
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
		exportertest.Bubble(t, name, func(t *testing.T) {
			r := exportertest.New(t, exportertest.NewAPI(50), append(exportertest.IDFlags(50), "--api.concurrency=2", "--api.timeout=500ms", "--no-collector.account")...)
			oneByOne(r.API)
			limited := simapi.Status(429, `{"error":"rate_limited"}`, "Retry-After", header())
			r.API.Inject(simapi.Fault{Endpoint: "browser", Times: 1, Handler: func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Millisecond) // until all others stand in line
				limited(w, r)
			}})
			r.API.Inject(simapi.Fault{Endpoint: "browser", Times: 1, Handler: simapi.Hang()}) // the other one in flight
			start := time.Now()
			got := r.Scrape()
			if took := time.Since(start); took > time.Second {
				t.Errorf("the queue behind the 429 took %v to dissolve; want it at once", took)
			}
			exportertest.Has(t, got, exportertest.Failures("browser", "rate_limited", 1))
			if n := strings.Count(got, "browseruse_session_up{"); n != 50 {
				t.Errorf("%d sessions are shown; want all 50", n)
			}
			if n := r.API.Requests()["browser"]; n > 3 { // that one, and what was under way
				t.Errorf("%d of 50 sessions were asked for around a 429; want none after it", n)
			}

			for range 2 {
				r.API.ResetRequests()
				time.Sleep(15 * time.Second)
				before := time.Now()
				exportertest.Has(t, r.Scrape(), "browseruse_up 0", exportertest.Failures("browser", "rate_limited", 1))
				if took := time.Since(before); took != 0 {
					t.Errorf("a scrape during the hold took %v; want it at once", took)
				}
				if n := r.API.Requests(); len(n) != 0 {
					t.Errorf("requests %v during the hold; want none", n)
				}
			}
			time.Sleep(15 * time.Second)
			exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Up(50, 1), "browseruse_up 1")
		})
	}
}

// TestLimits checks what reaches the API: never more at once, nor a second,
// than the flags allow.
func TestLimits(t *testing.T) {
	exportertest.Bubble(t, "in flight", func(t *testing.T) {
		api := exportertest.NewAPI(30)
		r := exportertest.New(t, api, append(exportertest.IDFlags(30), "--api.concurrency=4", "--api.rate-limit=0")...)
		var mu sync.Mutex
		inFlight, most := 0, 0
		observe(t, api, 30, func() {
			mu.Lock()
			inFlight++
			most = max(most, inFlight)
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			inFlight--
			mu.Unlock()
		})
		r.Scrape()
		if most != 4 {
			t.Errorf("%d requests were in flight at once; want 4", most)
		}
	})
	exportertest.Bubble(t, "a second", func(t *testing.T) {
		api := exportertest.NewAPI(100)
		r := exportertest.New(t, api, append(exportertest.IDFlags(100), "--api.rate-limit=5", "--no-collector.account")...)
		var mu sync.Mutex
		var times []time.Time
		observe(t, api, 100, func() {
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Now())
		})
		r.Scrape("60")
		if len(times) != 101 {
			t.Fatalf("%d requests; want the list and 100 sessions", len(times))
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

// observe lets requested see each request for the list, which is empty, and for the
// first n sessions, which are there.
func observe(t *testing.T, api *simapi.Server, n int, requested func()) {
	t.Helper()
	answer := func(endpoint, id, body string) {
		api.Inject(simapi.Fault{Endpoint: endpoint, ID: id, Handler: func(w http.ResponseWriter, r *http.Request) {
			requested()
			simapi.Status(200, body)(w, r)
		}})
	}
	for i := 1; i <= n; i++ {
		id := exportertest.SessionID(i)
		answer("browser", id, exportertest.GoodAnswer(t, api, "/browsers/"+id))
	}
	answer("browsers", "", `{"items":[],"totalItems":0,"pageNumber":1,"pageSize":100}`)
}

func TestOverlappingScrapesShareOneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(10), append(exportertest.IDFlags(10), "--api.timeout=60s")...)
		oneByOne(r.API)
		r.API.Inject(simapi.Fault{Endpoint: "browser", ID: exportertest.SessionID(1), Handler: simapi.Hang()})
		r.API.Inject(simapi.Fault{Endpoint: "browser", ID: exportertest.SessionID(2), Handler: func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(5 * time.Second)
			w.WriteHeader(http.StatusNotFound)
		}})
		start := time.Now()
		var scrapes sync.WaitGroup
		for _, seconds := range []int{3, 8, 8, 8, 3} {
			scrapes.Go(func() {
				got := r.Scrape(fmt.Sprint(seconds))
				if took := time.Since(start); took < time.Duration(seconds-1)*time.Second || took >= time.Duration(seconds)*time.Second {
					t.Errorf("a scrape of %ds was answered after %v", seconds, took)
				}
				exportertest.Has(t, got, exportertest.Up(1, 0), exportertest.Up(2, 0), exportertest.Up(3, 1), exportertest.Up(10, 1))
			})
		}
		scrapes.Wait()
		if got := r.API.Requests()["browser"]; got != 10 {
			t.Errorf("%d requests for 10 sessions in 5 scrapes at once; want 10", got)
		}
	})
}

func TestNobodyIsAskedForAScraperThatHungUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), exportertest.IDFlags(2)...)
		remove := r.API.Inject(simapi.Fault{Handler: simapi.Hang()})
		ctx, hangUp := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, hangUp)
		start := time.Now()
		got := r.ScrapeFor(ctx)
		if took := time.Since(start); took != time.Second {
			t.Errorf("the reading went on for %v; want it to end with the scraper after 1s", took)
		}
		if got != "" {
			t.Errorf("the scraper that hung up is sent %q; want nothing", got)
		}
		if strings.Contains(r.Log.String(), "could not be read") {
			t.Errorf("the log blames the API:\n%s", r.Log)
		}
		remove()
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Failures("browser", "timeout", 0), exportertest.Failures("browser", "connection", 0))
	})
}

func TestStoppingAnswersTheScrapeInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), exportertest.IDFlags(2)...)
		r.API.Inject(simapi.Fault{ID: exportertest.SessionID(1), Handler: simapi.Hang()})
		time.AfterFunc(time.Second, r.Exit)
		start := time.Now()
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 0), exportertest.Up(2, 1), exportertest.Failures("browser", "timeout", 0))
		if took := time.Since(start); took > 1200*time.Millisecond {
			t.Errorf("the scrape was answered after %v; want it when the exporter stops", took)
		}
		r.Logged(0, "could not be read")
	})
}

func TestTimeoutRemainingIsTakenWhenWrittenOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1), exportertest.IDFlags(1)...)
		r.API.Inject(simapi.Fault{Endpoint: "account", Handler: simapi.Hang()})
		exportertest.Has(t, r.Scrape("4.5"), fmt.Sprintf(`browseruse_session_timeout_remaining_seconds{agent_session_id="",session_id="%s"} %d`, exportertest.SessionID(1), 50*60-4))
	})
}

func TestSessionFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := exportertest.File(t, "\uFEFF# the fleet\r\n\r\n  "+strings.ToUpper(exportertest.SessionID(1))+"  # first\r\n"+exportertest.SessionID(2)+"\n"+exportertest.SessionID(2))
		r := exportertest.New(t, exportertest.NewAPI(4), "--session.file="+path, "--session.id="+exportertest.SessionID(4))
		start := time.Now().Unix()
		got := r.Scrape()
		exportertest.Has(t, got, exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Up(4, 1), "browseruse_session_file_last_reload_successful 1",
			fmt.Sprintf("browseruse_session_file_last_reload_success_timestamp_seconds %s", exposed(start)))
		exportertest.HasNot(t, got, exportertest.Up(3, 1))
		if n := r.API.Requests()["browser"]; n != 3 {
			t.Errorf("%d requests for 3 sessions, one of them given twice; want 3", n)
		}

		time.Sleep(time.Minute)
		exportertest.Rewrite(t, path, exportertest.SessionID(3)+"\nhttps://live.example/?token="+simapi.Credential+"\n")
		for range 2 {
			got = r.Scrape()
			exportertest.Has(t, got, exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Up(4, 1), "browseruse_session_file_last_reload_successful 0",
				fmt.Sprintf("browseruse_session_file_last_reload_success_timestamp_seconds %s", exposed(start)))
			exportertest.HasNot(t, got, exportertest.Up(3, 1))
		}
		r.Logged(1, path, "line 2")

		exportertest.Rewrite(t, path, "1234\n")
		r.Scrape()
		r.Logged(1, path, "line 1", "1234")

		for _, empty := range []string{"", "# the list could not be made\n"} {
			exportertest.Rewrite(t, path, empty)
			exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Up(2, 1), "browseruse_session_file_last_reload_successful 0")
		}
		r.Logged(1, "level=error", path, "holds no session ID")

		exportertest.Rewrite(t, path, exportertest.SessionID(3))
		got = r.Scrape()
		exportertest.Has(t, got, exportertest.Up(3, 1), exportertest.Up(4, 1), "browseruse_session_file_last_reload_successful 1",
			fmt.Sprintf("browseruse_session_file_last_reload_success_timestamp_seconds %s", exposed(start+60)))
		exportertest.HasNot(t, got, exportertest.Up(1, 1))
	})
}

func TestKeyFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := exportertest.File(t, exportertest.Key)
		r := exportertest.New(t, exportertest.NewAPI(1), "--api.key-file="+path)
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), "browseruse_key_file_last_reload_successful 1")

		time.Sleep(time.Minute)
		exportertest.Rewrite(t, path, "two words")
		for range 2 {
			exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), "browseruse_key_file_last_reload_successful 0")
		}
		r.Logged(1, "level=error", "Key file is bad", path)

		exportertest.Rewrite(t, path, exportertest.Key)
		exportertest.Has(t, r.Scrape(), "browseruse_key_file_last_reload_successful 1")

		// What was written just now may be half of it, until the next scrape finds the same.
		exportertest.Rewrite(t, path, "two words")
		if err := os.Chtimes(path, time.Time{}, time.Now()); err != nil {
			t.Fatal(err)
		}
		exportertest.Has(t, r.Scrape(), "browseruse_key_file_last_reload_successful 1")
		exportertest.Has(t, r.Scrape(), "browseruse_key_file_last_reload_successful 0")
	})
}

// exposed is how the exposition writes seconds since the epoch.
func exposed(seconds int64) string {
	text := strings.TrimRight(fmt.Sprint(seconds), "0")
	return fmt.Sprintf("%s.%se+08", text[:1], text[1:])
}

func TestAFailureIsLoggedWhenItBeginsAndWhenItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(3), exportertest.IDFlags(3)...)
		remove := r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		for range 3 {
			r.Scrape()
		}
		r.Logged(1, "level=warn", "Sessions could not be read", "reason=server_error", "sessions=3")
		r.Logged(1, "level=warn", "Account could not be read", "reason=server_error")
		r.Logged(9, "level=debug", "Session could not be read")
		r.Logged(0, "msg=Recovered")
		remove()
		for range 3 {
			r.Scrape()
		}
		r.Logged(1, "level=info", "msg=Recovered", "target=sessions", "reason=server_error")
		r.Logged(1, "level=info", "msg=Recovered", "target=account", "reason=server_error")
	})
}

// TestAFailureThatChangesIsNotOver has the API fail in one way after another.
func TestAFailureThatChangesIsNotOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1), append(exportertest.IDFlags(1), "--no-collector.account")...)
		for _, code := range []int{500, 404, 402} {
			remove := r.API.Inject(simapi.Fault{Handler: simapi.Status(code, "")})
			r.Scrape()
			remove()
		}
		r.Logged(1, "level=warn", "Sessions could not be read", "reason=server_error")
		r.Logged(1, "level=warn", "Sessions could not be read", "reason=not_found")
		r.Logged(1, "level=warn", "Sessions could not be read", "reason=payment_required")
		r.Logged(0, "msg=Recovered")
		r.Scrape()
		r.Logged(1, "level=info", "msg=Recovered", "target=sessions", "reason=payment_required")
		r.Logged(1, "msg=Recovered")
	})
}
