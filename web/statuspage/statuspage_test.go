package statuspage_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/version"
	"go.uber.org/goleak"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
	"browseruse_exporter/web/statuspage"
)

func TestMain(m *testing.M) {
	version.Version = "unknown" // as exporter.Run has it for a build that names none
	goleak.VerifyTestMain(m)
}

// status returns what /api/v1/sessions answers.
func status(t *testing.T, r *exportertest.Rig) statuspage.Status {
	t.Helper()
	var s statuspage.Status
	if err := json.Unmarshal(r.Get("/api/v1/sessions").Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// goldenStatus compares the page and its JSON with files in testdata.
func goldenStatus(t *testing.T, r *exportertest.Rig, name string) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, r.Get("/api/v1/sessions").Body.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	exportertest.GoldenText(t, name+".json", indented.String())
	exportertest.GoldenText(t, name+".html", r.Get("/").Body.String())
}

func TestGoldenStatus(t *testing.T) {
	exportertest.Bubble(t, "before the first scrape", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2))
		goldenStatus(t, r, "status-nothing")
		if got := r.API.Requests(); len(got) != 0 {
			t.Errorf("requests %v; want none", got)
		}
	})
	exportertest.Bubble(t, "every kind of session", func(t *testing.T) {
		api := simapi.New(simapi.Options{Key: exportertest.Key})
		api.Add(exportertest.EveryKindOfSession(time.Now())...)
		api.Add(simapi.Session{ID: exportertest.SessionID(10), StartedAt: time.Now().Add(-57 * time.Minute), Metadata: map[string]string{
			"team": `<script>alert("&amp;")</script>`, "not shown": "secret plans"}})
		r := exportertest.New(t, api, append(exportertest.IDFlags(11), "--session.metadata-label=team")...)
		r.Scrape()
		time.Sleep(2 * time.Second)
		goldenStatus(t, r, "status-sessions")
	})
	exportertest.Bubble(t, "the API is down", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), exportertest.IDFlags(2)...)
		r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		r.Scrape()
		goldenStatus(t, r, "status-down")
	})
	// With no IDs given, nothing is known while the list can't be read.
	exportertest.Bubble(t, "the API is down, and only the list could tell the sessions", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), "--no-session.short-lived")
		r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		r.Scrape()
		goldenStatus(t, r, "status-down-discovery")
	})
	exportertest.Bubble(t, "the list fails, and the account does not", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), "--no-session.short-lived")
		r.API.Inject(simapi.Fault{Endpoint: "browsers", Handler: simapi.Status(500, "")})
		r.Scrape()
		goldenStatus(t, r, "status-nolist")
	})
	exportertest.Bubble(t, "rate limited", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1), append(exportertest.IDFlags(1), "--no-collector.account")...)
		r.API.Inject(simapi.Fault{Handler: simapi.Status(429, `{"error":"rate_limited"}`, "Retry-After", "300")})
		r.Scrape()
		goldenStatus(t, r, "status-ratelimited")
	})
}

// TestThePageCostsNoRequest opens it many times, while a scrape hangs, too.
func TestThePageCostsNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(50))
		r.Scrape()
		r.API.Inject(simapi.Fault{Handler: simapi.Hang()})
		scraped := make(chan struct{})
		go func() {
			defer close(scraped)
			r.Scrape("5")
		}()
		synctest.Wait() // until its requests hang
		before, start := r.API.Requests(), time.Now()
		var pages sync.WaitGroup
		for range 100 {
			pages.Go(func() {
				if page := r.Get("/").Body.String(); !strings.Contains(page, exportertest.SessionID(50)) {
					t.Error("the page does not show the last reading")
				}
				r.Get("/api/v1/sessions")
			})
		}
		pages.Wait()
		if took := time.Since(start); took != 0 {
			t.Errorf("the pages took %v: they waited for the scrape", took)
		}
		if diff := cmp.Diff(before, r.API.Requests()); diff != "" {
			t.Errorf("requests to the API (-before +after):\n%s", diff)
		}
		<-scraped
	})
}

func TestHealth(t *testing.T) {
	for name, test := range map[string]struct {
		breakage func(r *exportertest.Rig)
		args     []string
		want     string // the first notice
	}{
		"a wrong key":       {func(r *exportertest.Rig) { r.API.SetKey("another") }, nil, "the other region"},
		"out of credit":     {func(r *exportertest.Rig) { r.API.Inject(simapi.Fault{Handler: simapi.Status(402, "")}) }, nil, "out of credit"},
		"an API that fails": {func(r *exportertest.Rig) { r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")}) }, nil, "server error"},
		"an API that hangs": {func(r *exportertest.Rig) { r.API.Inject(simapi.Fault{Handler: simapi.Hang()}) }, nil, "timeout"},
		"another API":       {func(r *exportertest.Rig) { r.API.Inject(simapi.Fault{Handler: simapi.Status(301, "")}) }, nil, "something between the exporter and the API"},
		"another address":   {func(r *exportertest.Rig) { r.API.Inject(simapi.Fault{Handler: simapi.Status(404, "")}) }, []string{"--session.discover"}, "not found: nothing is at this address; check --api.url"},
		"an account that fails": {func(r *exportertest.Rig) {
			r.API.Inject(simapi.Fault{Endpoint: "account", Handler: simapi.Status(500, "")})
		}, nil, "The account could not be read, server error"},
		"a list that fails": {func(r *exportertest.Rig) {
			r.API.Inject(simapi.Fault{Endpoint: "browsers", Handler: simapi.Status(500, "")})
		}, []string{"--session.discover"}, "The list of active sessions could not be read whole, server error"},
		"a session that is gone":  {func(r *exportertest.Rig) { r.API.Delete(exportertest.SessionID(2)) }, nil, "The API answers, but 1 session is unreadable."},
		"a deadline that is over": {func(r *exportertest.Rig) { r.API.SetLatency(4 * time.Second) }, []string{"--scrape.timeout=1s", "--no-collector.account"}, "timeout"},
		"all well":                {func(*exportertest.Rig) {}, nil, "The API answers."},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			r := exportertest.New(t, exportertest.NewAPI(2), append(exportertest.IDFlags(2), test.args...)...)
			test.breakage(r)
			r.Scrape()
			if got := status(t, r).Health[0].Text; !strings.Contains(got, test.want) {
				t.Errorf("the page says first %q; want %q in it", got, test.want)
			}
		})
	}
	exportertest.Bubble(t, "a page of the list that fails", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(101))
		r.API.Inject(simapi.Fault{Endpoint: "browsers", Page: 2, Handler: simapi.Status(500, "")})
		r.Scrape()
		if page := r.Get("/").Body.String(); !strings.Contains(page, `<dd class="value">100 or more</dd>`) {
			t.Error("the page does not say that more may be active")
		}
	})
	exportertest.Bubble(t, "nobody scrapes any more", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1))
		r.Scrape()
		time.Sleep(6 * time.Minute)
		if got := status(t, r).Health[0].Text; !strings.Contains(got, "The last scrape was at 2000-01-01 00:00:00 UTC") {
			t.Errorf("the page says first %q; want that the reading is old", got)
		}
	})
	exportertest.Bubble(t, "a session file that is gone", func(t *testing.T) {
		path := exportertest.File(t, exportertest.SessionID(1))
		r := exportertest.New(t, exportertest.NewAPI(1), "--session.file="+path)
		exportertest.Rewrite(t, path, "nonsense")
		r.Scrape()
		if got := status(t, r); !strings.Contains(got.Health[0].Text, "session file") || got.SessionFile.LastReloadSuccessful {
			t.Errorf("the page says first %q; want that the session file is bad", got.Health[0].Text)
		}
	})
	exportertest.Bubble(t, "a key file that is gone", func(t *testing.T) {
		path := exportertest.File(t, exportertest.Key)
		r := exportertest.New(t, exportertest.NewAPI(1), "--api.key-file="+path)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		r.Scrape()
		if got := status(t, r); !strings.Contains(got.Health[0].Text, "key file") || got.KeyFile.LastReloadSuccessful {
			t.Errorf("the page says first %q; want that the key file is gone", got.Health[0].Text)
		}
	})
}

// TestPace checks that the money spent an hour is what the costs grew by, and is
// not told where it is not known.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := simapi.New(simapi.Options{Key: exportertest.Key})
		const rate = 1 << 20 // a MB a second is 17.58 dollars an hour
		api.Add(simapi.Session{ID: exportertest.SessionID(1), StartedAt: time.Now().Add(-time.Hour), Timeout: 4 * time.Hour, ProxyBytesPerSecond: rate})
		r := exportertest.New(t, api)
		pace := func() float64 {
			r.Scrape()
			if sums := status(t, r).Totals.Sums; sums != nil && sums.Pace != nil {
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
		api.Add(simapi.Session{ID: exportertest.SessionID(2), StartedAt: time.Now(), Timeout: 4 * time.Hour, ProxyBytesPerSecond: rate})
		time.Sleep(2 * time.Minute)
		want("with a second one for half of the time", one*1.5)
		api.Add(simapi.Session{ID: exportertest.SessionID(3), StartedAt: time.Now().Add(-3 * time.Hour), Timeout: 4 * time.Hour, ProxyBytesPerSecond: rate})
		time.Sleep(time.Minute)
		want("with one that was not seen before, though it has run for hours", one*8/5)
		remove := r.API.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		want("while the API is down", unknown)
		remove()
		time.Sleep(20 * time.Minute)
		want("after a gap", unknown)
		time.Sleep(5 * time.Minute)
		want("five minutes later", one*3)
		for _, id := range []int{1, 2, 3} {
			api.Stop(exportertest.SessionID(id))
		}
		time.Sleep(5 * time.Minute)
		r.Scrape()
		time.Sleep(5 * time.Minute)
		want("when all have stopped", 0)
	})
}

// TestAPauseThatIsOver checks that the page shows a hold until it is over, though
// nothing has been read since.
func TestAPauseThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1))
		r.API.Inject(simapi.Fault{Handler: simapi.Status(429, "", "Retry-After", "60"), Times: 1})
		r.Scrape()
		end := time.Now().Add(time.Minute)
		time.Sleep(59 * time.Second)
		if got := status(t, r); !got.Exporter.HoldUntil.Equal(end) || !strings.Contains(got.Health[0].Text, "wants no request until 2000-01-01 00:01:00 UTC") {
			t.Errorf("during the hold the page says first %q, and that it ends at %v", got.Health[0].Text, got.Exporter.HoldUntil)
		}
		time.Sleep(2 * time.Second)
		if got := status(t, r); !got.Exporter.HoldUntil.IsZero() || strings.Contains(got.Health[0].Text, "wants no request") {
			t.Errorf("after the hold the page says first %q", got.Health[0].Text)
		}
	})
}

// TestLastReading checks which reading the page shows.
func TestLastReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), exportertest.IDFlags(2)...)
		remove := r.API.Inject(simapi.Fault{Handler: simapi.Hang()})
		ctx, hangUp := context.WithTimeoutCause(t.Context(), time.Second, context.Canceled)
		defer hangUp()
		r.ScrapeFor(ctx)
		if got := status(t, r); got.Reading != nil {
			t.Error("a reading is shown whose scraper hung up")
		}
		r.Scrape("3")
		if got := status(t, r); got.Reading == nil || got.Reading.Complete || *got.Up || got.Totals.Unreadable != 2 {
			t.Errorf("the reading that was cut short is shown as %+v", got.Reading)
		}
		remove()
		r.Scrape()
		if got := status(t, r); !got.Reading.Complete || got.Totals.Active != 2 || got.Reading.APIRequests != 3 {
			t.Errorf("the good reading is shown as %+v, %+v", got.Reading, got.Totals)
		}
	})
}

func TestHeadersOfThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1))
		page := r.Get("/")
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
			if got := r.Get("/" + asset[1]); got.Code != http.StatusOK || got.Header().Get("Cache-Control") != "no-store" || !regexp.MustCompile("css|javascript|svg").MatchString(got.Header().Get("Content-Type")) {
				t.Errorf("%s: status %d, %v", asset[1], got.Code, got.Header())
			}
		}
		plain := r.Get("/api/v1/sessions").Body.String()
		compressed, err := gzip.NewReader(r.Get("/api/v1/sessions", "Accept-Encoding", "gzip").Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(compressed); err != nil || string(body) != plain {
			t.Errorf("compressed it says %s, %v; want %s", body, err, plain)
		}
	})
}
