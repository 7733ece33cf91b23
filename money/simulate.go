package main

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/simapi"
	"browseruse_exporter/money/prom"
)

const (
	apiLatency    = 50 * time.Millisecond
	scrapeTimeout = 10 * time.Second
	restartTakes  = 20 * time.Second
	firstScrape   = 3 * time.Second
	evaluation    = 18 * time.Second // of the first group of rules, after the scrapes of the first server
	serverShift   = 12 * time.Second // by which the scrapes of a second server come later
	exporterShift = 7 * time.Second
	keyVariable   = "BROWSER_USE_API_KEY"
)

// scenario is what is simulated. Times are from the start.
type scenario struct {
	name      string
	life      life
	lasts     time.Duration
	interval  time.Duration
	exporters int
	servers   int // that scrape each exporter; the first one's rules are looked at
	args      []string

	lost     float64 // share of the scrapes that are lost
	restarts []time.Duration
	moves    bool // each restart has the exporter at another address
	outages  [][2]time.Duration
	holds    []time.Duration // a 429 with Retry-After 300

	rules string
	all   bool // evaluates all rules; else those alone that are held against the ledger
}

// world is a simulation under way.
type world struct {
	scenario
	start     time.Time
	api       *simapi.Server
	ledger    *ledger
	exporters []*target
	server    *prom.Server
	random    *rand.Rand

	good     []time.Time // scrapes by the first server that succeeded
	seen     map[string]bool
	requests map[string]int
	began    time.Duration // CPU time of the process at the start
	cpu      time.Duration // of the rules
}

// target is an exporter, and what the first server knows of it.
type target struct {
	instance string
	config   *exporter.Config
	moved    int
	exporter *exporter.Exporter
	handler  http.Handler
	scrapes  int
	up       *prom.Series
	series   map[string]*scraped // by the text of the series
}

type scraped struct {
	prom.Series
	scrape int // that had it last
}

// simulate runs a scenario in a bubble of simulated time, and hands the world
// at its end to look.
func simulate(s scenario, look func(*world) error) (err error) {
	w := &world{scenario: s, began: prom.CPU(), start: time.Now(), seen: map[string]bool{}, random: rand.New(rand.NewPCG(1, 2))}
	sessions := s.life.plan(w.start, s.lasts)
	w.ledger = &ledger{sessions: sessions}
	w.api = simapi.New(simapi.Options{Latency: apiLatency, RateLimit: simapi.RealRateLimit})
	if w.server, err = prom.Open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.server.Close()) }()
	if err := w.server.LoadRules(s.rules, s.interval); err != nil {
		return err
	}
	if err := w.server.Needed(spendHour, spendDay, sessionCost, agentCost); err != nil {
		return err
	}
	for i := range s.exporters {
		t := &target{}
		t.settle("exporter-" + strconv.Itoa(i) + ":10042")
		if t.config, err = exporter.ParseFlags(append([]string{"--api.url=http://127.0.0.1/api/v3"}, s.args...), io.Discard); err != nil {
			return err
		}
		if err := t.begin(w.api); err != nil {
			return err
		}
		defer t.end()
		w.exporters = append(w.exporters, t)
	}
	if err := w.live(w.schedule(sessions)); err != nil {
		return err
	}
	w.requests = w.api.Requests()
	return look(w)
}

// event is what happens at a time, and every so often from then on.
type event struct {
	at    time.Time
	every time.Duration // 0: once
	do    func(now time.Time) error
}

// calendar is all that happens.
type calendar struct {
	start  time.Time
	events []*event
}

func (c *calendar) add(after, every time.Duration, do func(now time.Time) error) {
	c.events = append(c.events, &event{c.start.Add(after), every, do})
}

// schedule returns all that happens.
func (w *world) schedule(sessions []simapi.Session) []*event {
	c := &calendar{start: w.start}
	next := 0
	c.add(0, time.Second, func(now time.Time) error {
		first := next
		for next < len(sessions) && !sessions[next].StartedAt.After(now) {
			next++
		}
		w.api.Add(sessions[first:next]...)
		return nil
	})
	w.scheduleFaults(c)
	for i, t := range w.exporters {
		w.scheduleExporter(c, i, t)
	}
	for i, group := range w.groupsOfRules() {
		c.add(evaluationOf(i), group[0].Every, func(now time.Time) error { return w.evaluate(group, now) })
	}
	c.add(2*time.Hour, 2*time.Hour, func(time.Time) error { return w.server.Compact() })
	return c.events
}

func (w *world) scheduleFaults(c *calendar) {
	for _, outage := range w.outages {
		var over func()
		c.add(outage[0], 0, func(time.Time) error {
			over = w.api.Inject(simapi.Fault{Handler: simapi.Status(http.StatusServiceUnavailable, "down")})
			return nil
		})
		c.add(outage[1], 0, func(time.Time) error { over(); return nil })
	}
	for _, hold := range w.holds {
		c.add(hold, 0, func(time.Time) error {
			w.api.Inject(simapi.Fault{Times: 1, Handler: simapi.Status(http.StatusTooManyRequests, "{}", "Retry-After", "300")})
			return nil
		})
	}
}

// scheduleExporter has the i-th exporter restarted and scraped.
func (w *world) scheduleExporter(c *calendar, i int, t *target) {
	for _, restart := range w.restarts {
		restart += time.Duration(i) * 10 * time.Minute
		c.add(restart, 0, func(now time.Time) error {
			t.end()
			if w.moves {
				return w.move(t, now)
			}
			return nil
		})
		c.add(restart+restartTakes, 0, func(time.Time) error { return t.begin(w.api) })
	}
	for server := range w.servers {
		offset := firstScrape + time.Duration(i)*exporterShift + time.Duration(server)*serverShift
		c.add(offset%w.interval, w.interval, func(now time.Time) error { return w.scrape(t, server, now) })
	}
}

// evaluationOf returns when the i-th group of rules is evaluated first.
func evaluationOf(i int) time.Duration { return evaluation + time.Duration(i)*time.Second }

// evaluate evaluates the rules of a group.
func (w *world) evaluate(group []*prom.Rule, now time.Time) error {
	before := prom.CPU()
	defer func() { w.cpu += prom.CPU() - before }()
	for _, rule := range group {
		if !rule.Needed && !w.all {
			continue
		}
		if err := rule.Evaluate(now); err != nil {
			return err
		}
	}
	return nil
}

// groupsOfRules returns the rules, group by group.
func (w *world) groupsOfRules() [][]*prom.Rule {
	var groups [][]*prom.Rule
	for rule := range slices.Values(w.server.Rules) {
		if n := len(groups); n > 0 && groups[n-1][0].Group == rule.Group {
			groups[n-1] = append(groups[n-1], rule)
		} else {
			groups = append(groups, []*prom.Rule{rule})
		}
	}
	return groups
}

// live lets everything happen, one after the other.
func (w *world) live(events []*event) error {
	end := w.start.Add(w.lasts)
	for len(events) > 0 {
		next := slices.MinFunc(events, func(a, b *event) int { return a.at.Compare(b.at) })
		if next.at.After(end) {
			return nil
		}
		time.Sleep(time.Until(next.at))
		if err := next.do(next.at); err != nil {
			return err
		}
		if next.at = next.at.Add(next.every); next.every == 0 {
			events = slices.DeleteFunc(events, func(e *event) bool { return e == next })
		}
	}
	return nil
}

// begin starts the exporter, with an empty memory.
func (t *target) begin(api http.Handler) (err error) {
	if t.exporter, err = exporter.New(t.config, log.NewNopLogger(), inProcess{api}); err != nil {
		return err
	}
	t.handler = t.exporter.Handler()
	return nil
}

// settle gives the exporter an address.
func (t *target) settle(instance string) {
	t.instance, t.series = instance, map[string]*scraped{}
	t.up = t.labelled(labels.FromStrings(model.MetricNameLabel, "up"))
}

// move gives the exporter another address: the series of the old one end.
func (w *world) move(t *target, now time.Time) error {
	samples := append(make([]prom.Sample, 0, 1+len(t.series)), prom.Sample{Series: t.up, Value: prom.Stale()})
	for _, known := range t.series {
		samples = append(samples, prom.Sample{Series: &known.Series, Value: prom.Stale()})
	}
	t.moved++
	t.settle("moved-" + strconv.Itoa(t.moved) + "-" + t.instance)
	return w.server.Append(now, samples)
}

// end stops it.
func (t *target) end() {
	if t.exporter != nil {
		t.exporter.Close()
	}
	t.exporter = nil
}

// inProcess is a way to the API without a network.
type inProcess struct{ api http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	p.api.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	response := recorder.Result()
	response.Request = r
	return response, nil
}

// scrape has a server scrape an exporter. What the first one gets is written. Of
// those scrapes that are lost, half reach the exporter.
func (w *world) scrape(t *target, server int, now time.Time) error {
	lost, reaches := w.random.Float64() < w.lost, w.random.Float64() < 0.5
	up := t.exporter != nil && !lost
	var body string
	if up || lost && reaches && t.exporter != nil {
		request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", strconv.FormatFloat(scrapeTimeout.Seconds(), 'f', -1, 64))
		recorder := httptest.NewRecorder()
		t.handler.ServeHTTP(recorder, request)
		body = recorder.Body.String()
	}
	if server != 0 {
		return nil
	}
	if !up {
		body = ""
	}
	return w.write(t, up, body, now)
}

// write writes a scrape as Prometheus does: what is not there any more is stale.
func (w *world) write(t *target, up bool, body string, now time.Time) error {
	t.scrapes++
	samples := []prom.Sample{{Series: t.up}}
	apiUp := false
	err := prom.Parse(body, func(text []byte, value float64, labels func() labels.Labels) {
		known := t.series[string(text)]
		if known == nil {
			series := labels()
			known = &scraped{Series: *t.labelled(series)}
			t.series[string(text)] = known
			w.seen[series.Get("session_id")] = true
		}
		known.scrape = t.scrapes
		samples = append(samples, prom.Sample{Series: &known.Series, Value: value})
		apiUp = apiUp || string(text) == "browseruse_up" && value == 1
	})
	if err != nil {
		return err
	}
	for text, known := range t.series {
		if known.scrape != t.scrapes {
			samples = append(samples, prom.Sample{Series: &known.Series, Value: prom.Stale()})
			delete(t.series, text)
		}
	}
	if up {
		samples[0].Value = 1
	}
	if apiUp {
		w.good = append(w.good, now)
	}
	return w.server.Append(now, samples)
}

// labelled adds the labels of the target to those of a series.
func (t *target) labelled(series labels.Labels) *prom.Series {
	return &prom.Series{Labels: labels.NewBuilder(series).Set("job", "browseruse").Set("instance", t.instance).Labels()}
}

func init() { _ = os.Setenv(keyVariable, "simulated") }
