package bench_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
)

// floor is what reading the list and writing the series must cost: the same
// pages, side by side, decoded by encoding/json. It checks nothing, remembers
// nothing and keeps to no limits.
type floor struct {
	client *http.Client
	url    string
	pages  int
}

func newFloor(url string, sessions int) *floor {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 10
	return &floor{client: &http.Client{Transport: transport}, url: url, pages: max(1, (sessions+99)/100)}
}

// floorSession is a session as the API sends it.
type floorSession struct {
	ID             string     `json:"id"`
	AgentSessionID *string    `json:"agentSessionId"`
	Status         string     `json:"status"`
	StartedAt      time.Time  `json:"startedAt"`
	TimeoutAt      time.Time  `json:"timeoutAt"`
	FinishedAt     *time.Time `json:"finishedAt"`
	ProxyUsedMB    float64    `json:"proxyUsedMb,string"`
	ProxyCost      float64    `json:"proxyCost,string"`
	BrowserCost    float64    `json:"browserCost,string"`
}

func (f *floor) read() ([]floorSession, error) {
	pages := make([][]floorSession, f.pages)
	var group errgroup.Group
	group.SetLimit(10)
	for i := range pages {
		group.Go(func() error {
			response, err := f.client.Get(fmt.Sprintf("%s/browsers?pageSize=100&pageNumber=%d&filterBy=active", f.url, i+1))
			if err != nil {
				return err
			}
			defer func() { _ = response.Body.Close() }()
			body := make([]byte, response.ContentLength)
			if _, err := io.ReadFull(response.Body, body); err != nil {
				return err
			}
			var page struct {
				Items []floorSession `json:"items"`
			}
			err = json.Unmarshal(body, &page)
			pages[i] = page.Items
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(pages...), err
}

// floorGauges are the series of a session.
var floorGauges = []struct {
	name, help string
	value      func(*floorSession, time.Time) float64
}{
	{"active", "Whether the browser runs.", func(s *floorSession, _ time.Time) float64 { return boolFloat(s.Status == "active") }},
	{"browser_cost_usd", "Cost of browser time.", func(s *floorSession, _ time.Time) float64 { return s.BrowserCost }},
	{"proxy_cost_usd", "Cost of proxy traffic.", func(s *floorSession, _ time.Time) float64 { return s.ProxyCost }},
	{"proxy_used_megabytes", "Proxy traffic.", func(s *floorSession, _ time.Time) float64 { return s.ProxyUsedMB }},
	{"start_timestamp_seconds", "When it started.", func(s *floorSession, _ time.Time) float64 { return float64(s.StartedAt.UnixMicro()) / 1e6 }},
	{"timeout_remaining_seconds", "Seconds left.", func(s *floorSession, now time.Time) float64 { return s.TimeoutAt.Sub(now).Seconds() }},
	{"timeout_timestamp_seconds", "When it times out.", func(s *floorSession, _ time.Time) float64 { return float64(s.TimeoutAt.UnixMicro()) / 1e6 }},
}

func boolFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// serveRaw writes the lines by hand.
func (f *floor) serveRaw(w http.ResponseWriter, r *http.Request) {
	sessions, err := f.read()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	var out io.Writer = w
	if r.Header.Get("Accept-Encoding") == "gzip" {
		w.Header().Set("Content-Encoding", "gzip")
		compressed := gzip.NewWriter(w)
		defer func() { _ = compressed.Close() }()
		out = compressed
	}
	now := time.Now()
	var line []byte
	for _, gauge := range floorGauges {
		_, _ = fmt.Fprintf(out, "# HELP browseruse_session_%s %s\n# TYPE browseruse_session_%s gauge\n", gauge.name, gauge.help, gauge.name)
		for i := range sessions {
			line = append(line[:0], "browseruse_session_"...)
			line = append(line, gauge.name...)
			line = append(line, `{agent_session_id="`...)
			line = append(line, *sessions[i].AgentSessionID...)
			line = append(line, `",session_id="`...)
			line = append(line, sessions[i].ID...)
			line = append(line, `"} `...)
			line = strconv.AppendFloat(line, gauge.value(&sessions[i], now), 'g', -1, 64)
			line = append(line, '\n')
			_, _ = out.Write(line)
		}
	}
	_, _ = io.WriteString(out, "# HELP browseruse_session_up Whether it was read.\n# TYPE browseruse_session_up gauge\n")
	for i := range sessions {
		_, _ = fmt.Fprintf(out, "browseruse_session_up{session_id=\"%s\"} 1\n", sessions[i].ID)
	}
}

// libraryHandler writes them as client_golang does.
func (f *floor) libraryHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(floorCollector{f})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

type floorCollector struct{ *floor }

func (floorCollector) Describe(chan<- *prometheus.Desc) {}

func (c floorCollector) Collect(ch chan<- prometheus.Metric) {
	sessions, err := c.read()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(floorUp, err)
		return
	}
	now := time.Now()
	for i := range sessions {
		s := &sessions[i]
		for g := range floorGauges {
			ch <- prometheus.MustNewConstMetric(floorDescs[g], //nolint:promlinter // it can't follow a table
				prometheus.GaugeValue, floorGauges[g].value(s, now), s.ID, *s.AgentSessionID)
		}
		ch <- prometheus.MustNewConstMetric(floorUp, prometheus.GaugeValue, 1, s.ID)
	}
}

var (
	floorUp    = prometheus.NewDesc("browseruse_session_up", "Whether it was read.", []string{"session_id"}, nil)
	floorDescs = func() []*prometheus.Desc {
		descs := make([]*prometheus.Desc, 0, len(floorGauges))
		for _, gauge := range floorGauges {
			descs = append(descs, prometheus.NewDesc("browseruse_session_"+gauge.name, gauge.help, []string{"session_id", "agent_session_id"}, nil))
		}
		return descs
	}()
)

// TestTheFloorsDoTheSameWork keeps the comparison fair: all three expose the
// same series of the sessions, with the same values.
func TestTheFloorsDoTheSameWork(t *testing.T) {
	const sessions = 250
	series := map[string][]string{}
	for name, handler := range benchTargets(t, startBenchAPI(t, sessions, 0), sessions) {
		server := httptest.NewServer(handler)
		body, err := scrapeAs(server.Client(), server.URL, "gzip")
		if err != nil {
			t.Fatal(err)
		}
		text, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		var plain bytes.Buffer
		if _, err := io.Copy(&plain, text); err != nil {
			t.Fatal(err)
		}
		_ = body.Close()
		server.Close()
		for line := range strings.Lines(plain.String()) {
			if strings.Contains(line, `session_id="`) {
				series[name] = append(series[name], wholeNumber.ReplaceAllString(remaining.ReplaceAllString(line, "$1 ..."), "$1"))
			}
		}
		slices.Sort(series[name])
	}
	for _, name := range []string{"raw", "library"} {
		if diff := cmp.Diff(series["exporter"], series[name]); diff != "" || len(series[name]) != sessions*8 {
			t.Errorf("%s has %d series; (-exporter +%s):\n%s", name, len(series[name]), name, diff)
		}
	}
}

// remaining is a value that differs from moment to moment.
var remaining = regexp.MustCompile(`(browseruse_session_timeout_remaining_seconds\{.*\}) .*`)

// wholeNumber is a value as OpenMetrics writes it, where the other text has no
// fraction.
var wholeNumber = regexp.MustCompile(`(?m)( \d+)\.0$`)
