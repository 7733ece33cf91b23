package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"browseruse_exporter/apiclient/apitest"
	"browseruse_exporter/web/statuspage"
)

// get returns what a path answers.
func (r *rig) get(path string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	request := httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	r.handler.ServeHTTP(recorder, request)
	r.checkSecrets(path, recorder.Body.String())
	return recorder
}

// status returns what /api/v1/sessions answers.
func (r *rig) status() statuspage.Status {
	r.t.Helper()
	var s statuspage.Status
	if err := json.Unmarshal(r.get("/api/v1/sessions").Body.Bytes(), &s); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// goldenStatus compares the page and its JSON with files in testdata.
func (r *rig) goldenStatus(name string) {
	r.t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, r.get("/api/v1/sessions").Body.Bytes(), "", "  "); err != nil {
		r.t.Fatal(err)
	}
	goldenText(r.t, name+".json", indented.String())
	goldenText(r.t, name+".html", r.get("/").Body.String())
}

func TestGoldenStatus(t *testing.T) {
	bubble(t, "before the first scrape", func(t *testing.T) {
		r := newRig(t, newAPI(2))
		r.goldenStatus("status-nothing")
		if got := r.api.Requests(); len(got) != 0 {
			t.Errorf("requests %v; want none", got)
		}
	})
	bubble(t, "every kind of session", func(t *testing.T) {
		api := apitest.New(apitest.Options{Key: testKey})
		api.Add(everyKindOfSession(time.Now())...)
		api.Add(apitest.Session{ID: sessionID(10), StartedAt: time.Now().Add(-57 * time.Minute), Metadata: map[string]string{
			"team": `<script>alert("&amp;")</script>`, "not shown": "secret plans"}})
		r := newRig(t, api, append(idFlags(11), "--session.metadata-label=team")...)
		r.scrape()
		time.Sleep(2 * time.Second)
		r.goldenStatus("status-sessions")
	})
	bubble(t, "the API is down", func(t *testing.T) {
		r := newRig(t, newAPI(2), idFlags(2)...)
		r.api.Inject(apitest.Fault{Handler: apitest.Status(500, "")})
		r.scrape()
		r.goldenStatus("status-down")
	})
	// With no IDs given, nothing is known while the list can't be read.
	bubble(t, "the API is down, and only the list could tell the sessions", func(t *testing.T) {
		r := newRig(t, newAPI(2))
		r.api.Inject(apitest.Fault{Handler: apitest.Status(500, "")})
		r.scrape()
		r.goldenStatus("status-down-discovery")
	})
	bubble(t, "the list fails, and the account does not", func(t *testing.T) {
		r := newRig(t, newAPI(2))
		r.api.Inject(apitest.Fault{Endpoint: "browsers", Handler: apitest.Status(500, "")})
		r.scrape()
		r.goldenStatus("status-nolist")
	})
	bubble(t, "rate limited", func(t *testing.T) {
		r := newRig(t, newAPI(1), append(idFlags(1), "--no-collector.account")...)
		r.api.Inject(apitest.Fault{Handler: apitest.Status(429, `{"error":"rate_limited"}`, "Retry-After", "300")})
		r.scrape()
		r.goldenStatus("status-ratelimited")
	})
}

// TestThePageCostsNoRequest opens it many times, while a scrape hangs, too.
func TestThePageCostsNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(50))
		r.scrape()
		r.api.Inject(apitest.Fault{Handler: apitest.Hang()})
		scraped := make(chan struct{})
		go func() {
			defer close(scraped)
			r.scrape("5")
		}()
		synctest.Wait() // until its requests hang
		before, start := r.api.Requests(), time.Now()
		var pages sync.WaitGroup
		for range 100 {
			pages.Go(func() {
				if page := r.get("/").Body.String(); !strings.Contains(page, sessionID(50)) {
					t.Error("the page does not show the last reading")
				}
				r.get("/api/v1/sessions")
			})
		}
		pages.Wait()
		if took := time.Since(start); took != 0 {
			t.Errorf("the pages took %v: they waited for the scrape", took)
		}
		if diff := cmp.Diff(before, r.api.Requests()); diff != "" {
			t.Errorf("requests to the API (-before +after):\n%s", diff)
		}
		<-scraped
	})
}

func TestHealth(t *testing.T) {
	for name, test := range map[string]struct {
		breakage func(r *rig)
		args     []string
		want     string // the first notice
	}{
		"a wrong key":             {func(r *rig) { r.api.SetKey("another") }, nil, "the other region"},
		"out of credit":           {func(r *rig) { r.api.Inject(apitest.Fault{Handler: apitest.Status(402, "")}) }, nil, "out of credit"},
		"an API that fails":       {func(r *rig) { r.api.Inject(apitest.Fault{Handler: apitest.Status(500, "")}) }, nil, "server error"},
		"an API that hangs":       {func(r *rig) { r.api.Inject(apitest.Fault{Handler: apitest.Hang()}) }, nil, "timeout"},
		"another API":             {func(r *rig) { r.api.Inject(apitest.Fault{Handler: apitest.Status(301, "")}) }, nil, "check --api.url"},
		"another address":         {func(r *rig) { r.api.Inject(apitest.Fault{Handler: apitest.Status(404, "")}) }, []string{"--session.discover"}, "not found: nothing is at this address; check --api.url"},
		"an account that fails":   {func(r *rig) { r.api.Inject(apitest.Fault{Endpoint: "account", Handler: apitest.Status(500, "")}) }, nil, "The account could not be read, server error"},
		"a list that fails":       {func(r *rig) { r.api.Inject(apitest.Fault{Endpoint: "browsers", Handler: apitest.Status(500, "")}) }, []string{"--session.discover"}, "The list of active sessions could not be read whole, server error"},
		"a session that is gone":  {func(r *rig) { r.api.Delete(sessionID(2)) }, nil, "The API answers, but 1 session is unreadable."},
		"a deadline that is over": {func(r *rig) { r.api.SetLatency(4 * time.Second) }, []string{"--scrape.timeout=1s", "--no-collector.account"}, "timeout"},
		"all well":                {func(*rig) {}, nil, "The API answers."},
	} {
		bubble(t, name, func(t *testing.T) {
			r := newRig(t, newAPI(2), append(idFlags(2), test.args...)...)
			test.breakage(r)
			r.scrape()
			if got := r.status().Health[0].Text; !strings.Contains(got, test.want) {
				t.Errorf("the page says first %q; want %q in it", got, test.want)
			}
		})
	}
	bubble(t, "a page of the list that fails", func(t *testing.T) {
		r := newRig(t, newAPI(101))
		r.api.Inject(apitest.Fault{Endpoint: "browsers", Page: 2, Handler: apitest.Status(500, "")})
		r.scrape()
		if page := r.get("/").Body.String(); !strings.Contains(page, `<dd class="value">100 or more</dd>`) {
			t.Error("the page does not say that more may be active")
		}
	})
	bubble(t, "nobody scrapes any more", func(t *testing.T) {
		r := newRig(t, newAPI(1))
		r.scrape()
		time.Sleep(6 * time.Minute)
		if got := r.status().Health[0].Text; !strings.Contains(got, "The last scrape was at 2000-01-01 00:00:00 UTC") {
			t.Errorf("the page says first %q; want that the reading is old", got)
		}
	})
	bubble(t, "a session file that is gone", func(t *testing.T) {
		path := file(t, sessionID(1))
		r := newRig(t, newAPI(1), "--session.file="+path)
		rewrite(t, path, "nonsense")
		r.scrape()
		if got := r.status(); !strings.Contains(got.Health[0].Text, "session file") || got.SessionFile.LastReloadSuccessful {
			t.Errorf("the page says first %q; want that the session file is bad", got.Health[0].Text)
		}
	})
}

// TestPace checks that the money spent an hour is what the costs grew by, and is
// not told where it is not known.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := apitest.New(apitest.Options{Key: testKey})
		const rate = 1 << 20 // a MB a second is 17.58 dollars an hour
		api.Add(apitest.Session{ID: sessionID(1), StartedAt: time.Now().Add(-time.Hour), Timeout: 4 * time.Hour, ProxyBytesPerSecond: rate})
		r := newRig(t, api)
		pace := func() float64 {
			r.scrape()
			if sums := r.status().Totals.Sums; sums != nil && sums.Pace != nil {
				return sums.Pace.USDPerHour
			}
			return math.NaN()
		}
		want := func(when string, want float64) {
			t.Helper()
			if got := pace(); math.Abs(got-want) > 0.01 || math.IsNaN(got) != math.IsNaN(want) {
				t.Errorf("%s: %.4f dollars an hour; want %.4f", when, got, want)
			}
		}
		unknown := math.NaN()
		const one = 3600*5.0/1024 + 0.02
		want("at the first scrape", unknown)
		time.Sleep(30 * time.Second)
		want("after half a minute", unknown)
		time.Sleep(90 * time.Second)
		want("after two minutes", one)
		api.Add(apitest.Session{ID: sessionID(2), StartedAt: time.Now(), Timeout: 4 * time.Hour, ProxyBytesPerSecond: rate})
		time.Sleep(2 * time.Minute)
		want("with a second one for half of the time", one*1.5)
		api.Add(apitest.Session{ID: sessionID(3), StartedAt: time.Now().Add(-3 * time.Hour), Timeout: 4 * time.Hour, ProxyBytesPerSecond: rate})
		time.Sleep(time.Minute)
		want("with one that was not seen before, though it has run for hours", one*8/5)
		remove := r.api.Inject(apitest.Fault{Handler: apitest.Status(500, "")})
		want("while the API is down", unknown)
		remove()
		time.Sleep(20 * time.Minute)
		want("after a gap", unknown)
		time.Sleep(5 * time.Minute)
		want("five minutes later", one*3)
		for _, id := range []int{1, 2, 3} {
			api.Stop(sessionID(id))
		}
		time.Sleep(5 * time.Minute)
		r.scrape()
		time.Sleep(5 * time.Minute)
		want("when all have stopped", 0)
	})
}

// TestAPauseThatIsOver checks that the page shows a hold until it is over, though
// nothing has been read since.
func TestAPauseThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(1))
		r.api.Inject(apitest.Fault{Handler: apitest.Status(429, "", "Retry-After", "60"), Times: 1})
		r.scrape()
		end := time.Now().Add(time.Minute)
		time.Sleep(59 * time.Second)
		if got := r.status(); !got.Exporter.HoldUntil.Equal(end) || !strings.Contains(got.Health[0].Text, "wants no request until 2000-01-01 00:01:00 UTC") {
			t.Errorf("during the hold the page says first %q, and that it ends at %v", got.Health[0].Text, got.Exporter.HoldUntil)
		}
		time.Sleep(2 * time.Second)
		if got := r.status(); !got.Exporter.HoldUntil.IsZero() || strings.Contains(got.Health[0].Text, "wants no request") {
			t.Errorf("after the hold the page says first %q", got.Health[0].Text)
		}
	})
}

// TestLastReading checks which reading the page shows.
func TestLastReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(2), idFlags(2)...)
		remove := r.api.Inject(apitest.Fault{Handler: apitest.Hang()})
		ctx, hangUp := context.WithTimeoutCause(t.Context(), time.Second, context.Canceled)
		defer hangUp()
		r.scrapeFor(ctx)
		if got := r.status(); got.Reading != nil {
			t.Error("a reading is shown whose scraper hung up")
		}
		r.scrape("3")
		if got := r.status(); got.Reading == nil || got.Reading.Complete || *got.Up || got.Totals.Unreadable != 2 {
			t.Errorf("the reading that was cut short is shown as %+v", got.Reading)
		}
		remove()
		r.scrape()
		if got := r.status(); !got.Reading.Complete || got.Totals.Active != 2 || got.Reading.APIRequests != 3 {
			t.Errorf("the good reading is shown as %+v, %+v", got.Reading, got.Totals)
		}
	})
}

func TestHeadersOfThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(1))
		page := r.get("/")
		policy := page.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") {
				t.Errorf("Content-Security-Policy: %s; want %s in it", policy, want)
			}
		}
		if body := page.Body.String(); regexp.MustCompile(`<script[^>]*>[^<]|<style|style=| on[a-z]+=|https?://[^<]*["']`).MatchString(body) {
			t.Error("the page has script or style in it, or links to elsewhere")
		}
		for _, asset := range regexp.MustCompile(`(?:src|href)="(\?[^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1) {
			if got := r.get("/" + asset[1]); got.Code != http.StatusOK || got.Header().Get("Cache-Control") != "no-store" || !regexp.MustCompile("css|javascript|svg").MatchString(got.Header().Get("Content-Type")) {
				t.Errorf("%s: status %d, %v", asset[1], got.Code, got.Header())
			}
		}
		plain := r.get("/api/v1/sessions").Body.String()
		compressed, err := gzip.NewReader(r.get("/api/v1/sessions", "Accept-Encoding", "gzip").Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(compressed); err != nil || string(body) != plain {
			t.Errorf("compressed it says %s, %v; want %s", body, err, plain)
		}
	})
}

func TestProfiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		with, without := newRig(t, newAPI(1), "--web.enable-pprof"), newRig(t, newAPI(1))
		for path, want := range map[string]int{
			"/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/cmdline": 200, "/debug/pprof/symbol": 200,
			"/debug/pprof/nothing": 404, "/debug/pprof": 404, "/debug/": 404,
		} {
			if got := with.get(path).Code; got != want {
				t.Errorf("%s: status %d; want %d", path, got, want)
			}
			if got := without.get(path).Code; got != http.StatusNotFound {
				t.Errorf("%s without --web.enable-pprof: status %d; want 404", path, got)
			}
		}
	})
}

// TestSettings checks that the page shows every flag, and of the key only the source.
func TestSettings(t *testing.T) {
	noPage := map[string]bool{"once": true, "version": true, "help-long": true} // in force, they serve none
	shown := func(args ...string) map[string]string {
		c, err := parseFlags(args, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]string{}
		for _, setting := range c.settings() {
			values[setting.Flag] = setting.Value
		}
		return values
	}
	setKey(t, testKey)
	values := shown()
	if diff := cmp.Diff("key from: environment", values["api.key-file"]); diff != "" {
		t.Error(diff)
	}
	var help strings.Builder
	if _, err := parseFlags([]string{"--help"}, &help); err == nil {
		t.Fatal("--help goes on")
	}
	for _, flag := range regexp.MustCompile(`(?m)^ +--(?:\[no-\])?([a-z0-9.-]+)`).FindAllStringSubmatch(help.String(), -1) {
		if _, ok := values[flag[1]]; !ok && !noPage[flag[1]] {
			t.Errorf("the page does not show --%s", flag[1])
		}
	}
	setKey(t, "")
	path := file(t, testKey)
	values = shown("--api.key-file="+path, "--session.id="+sessionID(1), "--session.id="+sessionID(2))
	if values["api.key-file"] != "key from: file" || values["session.id"] != "2 given" || values["session.discover"] != "false" {
		t.Errorf("settings %v", values)
	}
	if text := fmt.Sprint(values); strings.Contains(text, testKey) || strings.Contains(text, path) {
		t.Errorf("settings %v show the key, or where it is", values)
	}
}
