package main

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/money/prom"
)

const (
	linger      = 15 * time.Minute
	timeout     = 4 * time.Hour
	browsers    = 6 // of an agent session
	agentShare  = 3 // of 4 sessions have an agent session
	proxyShare  = 3 // one of so many uses the proxy
	proxyUSDps  = 4e-5
	browserUSDh = 0.02
)

// template is what the exporter exposes of a session and of all else, as
// its demonstration does now: so no name is written down twice.
type template struct {
	active, stopped map[string]float64 // by name
	project         []prom.Sample
}

func newTemplate() (*template, error) {
	var text strings.Builder
	if status := exporter.Run([]string{"--demo", "--once", "--log.level=error"}, &text, os.Stderr); status != 0 {
		return nil, fmt.Errorf("the exporter ended with status %d", status)
	}
	sessions := map[string]map[string]float64{}
	t := &template{}
	err := prom.Parse(text.String(), func(_ []byte, value float64, labels func() labels.Labels) {
		series := labels()
		id := series.Get("session_id")
		switch {
		case id == "":
			t.project = append(t.project, prom.Sample{Series: target(series), Value: value})
			return
		case sessions[id] == nil:
			sessions[id] = map[string]float64{}
		}
		sessions[id][series.Get(model.MetricNameLabel)] = value
	})
	if err != nil {
		return nil, err
	}
	t.project = append(t.project, prom.Sample{Series: target(labels.FromStrings(model.MetricNameLabel, "up")), Value: 1})
	for _, names := range sessions {
		if names["browseruse_session_active"] == 1 {
			t.active = maps.Clone(names)
		} else {
			t.stopped = maps.Clone(names)
		}
	}
	return t, nil
}

// target adds the labels of a target.
func target(series labels.Labels) *prom.Series {
	return &prom.Series{Labels: labels.NewBuilder(series).Set("job", "browseruse").Set("instance", "exporter:10042").Labels()}
}

// fleet has sessions that are all equally long, and start one after the other.
type fleet struct {
	*template
	start    time.Time
	gap      time.Duration // from one start to the next
	length   time.Duration
	sessions []*session // those that are exported
	begun    int
	scrapes  int
	ended    [2]float64 // what sessions that are not exported any more have cost: browser, proxy
}

// session is one that is exported, with its series.
type session struct {
	number  int
	start   time.Time
	active  []prom.Sample
	stopped []prom.Sample
	ended   bool
}

func newFleet(t *template, start time.Time, active, perDay int) *fleet {
	gap := 24 * time.Hour / time.Duration(perDay)
	return &fleet{template: t, start: start, gap: gap, length: gap * time.Duration(active)}
}

// scrape returns what a scrape at a time has.
func (f *fleet) scrape(now time.Time) []prom.Sample {
	f.scrapes++
	for next := f.start.Add(time.Duration(f.begun) * f.gap); !next.After(now); next = next.Add(f.gap) {
		f.sessions = append(f.sessions, f.newSession(f.begun, next))
		f.begun++
	}
	var samples []prom.Sample
	for len(f.sessions) > 0 && now.Sub(f.sessions[0].start) > f.length+linger {
		over := f.sessions[0]
		f.sessions = f.sessions[1:]
		samples = append(samples, stale(over.stopped, nil)...)
		browser, proxy := f.costs(over, now)
		f.ended[0], f.ended[1] = f.ended[0]+browser, f.ended[1]+proxy
	}
	spent := f.ended
	for _, s := range f.sessions {
		browser, proxy := f.costs(s, now)
		spent[0], spent[1] = spent[0]+browser, spent[1]+proxy
		series := s.active
		if now.Sub(s.start) >= f.length {
			if series = s.stopped; !s.ended {
				s.ended = true
				samples = append(samples, stale(s.active, series)...)
			}
		}
		for i := range series {
			series[i].Value = f.value(s, series[i], now)
		}
		samples = append(samples, series...)
	}
	return append(samples, f.projectSamples(spent)...)
}

func (f *fleet) newSession(number int, start time.Time) *session {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", number)
	agent := ""
	if number%4 < agentShare {
		agent = fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", number/(browsers*4/agentShare))
	}
	series := func(names map[string]float64) []prom.Sample {
		samples := make([]prom.Sample, 0, len(names))
		for name, value := range names {
			l := labels.FromStrings(model.MetricNameLabel, name, "session_id", id)
			if name != "browseruse_session_up" {
				l = labels.FromStrings(model.MetricNameLabel, name, "session_id", id, "agent_session_id", agent)
			}
			samples = append(samples, prom.Sample{Series: target(l), Value: value})
		}
		return samples
	}
	return &session{number: number, start: start, active: series(f.active), stopped: series(f.stopped)}
}

// stale ends the series that others do not go on with.
func stale(series, others []prom.Sample) []prom.Sample {
	goesOn := map[string]bool{}
	for i := range others {
		goesOn[others[i].Labels.Get(model.MetricNameLabel)] = true
	}
	var samples []prom.Sample
	for i := range series {
		if !goesOn[series[i].Labels.Get(model.MetricNameLabel)] {
			samples = append(samples, prom.Sample{Series: series[i].Series, Value: prom.Stale()})
		}
	}
	return samples
}

// costs returns what a session has cost: browser and proxy.
func (f *fleet) costs(s *session, now time.Time) (browser, proxy float64) {
	age := min(now.Sub(s.start), f.length)
	minutes := (age + time.Minute - 1) / time.Minute
	if s.number%proxyShare == 0 {
		proxy = age.Seconds() * proxyUSDps
	}
	return max(1, float64(minutes)) / 60 * browserUSDh, proxy
}

// value returns the value of a session's series.
func (f *fleet) value(s *session, series prom.Sample, now time.Time) float64 {
	browser, proxy := f.costs(s, now)
	seconds := func(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
	switch series.Labels.Get(model.MetricNameLabel) {
	case "browseruse_session_browser_cost_usd":
		return browser
	case "browseruse_session_proxy_cost_usd":
		return proxy
	case "browseruse_session_proxy_used_megabytes":
		return proxy * 1024 / 5
	case "browseruse_session_start_timestamp_seconds":
		return seconds(s.start)
	case "browseruse_session_finish_timestamp_seconds":
		return seconds(s.start.Add(f.length))
	case "browseruse_session_timeout_timestamp_seconds":
		return seconds(s.start.Add(timeout))
	case "browseruse_session_timeout_remaining_seconds":
		return s.start.Add(timeout).Sub(now).Seconds()
	default:
		return series.Value
	}
}

// projectSamples returns all other series; what counts grows with the scrapes.
func (f *fleet) projectSamples(spent [2]float64) []prom.Sample {
	samples := make([]prom.Sample, len(f.project))
	copy(samples, f.project)
	for i := range samples {
		s := &samples[i]
		name := s.Labels.Get(model.MetricNameLabel)
		switch {
		case name == "browseruse_spend_usd_total":
			s.Value = map[string]float64{"browser": spent[0], "proxy": spent[1]}[s.Labels.Get("component")]
		case name == "browseruse_sessions_started_total":
			s.Value = float64(f.begun)
		case strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_sum"):
			s.Value *= float64(f.scrapes)
		}
	}
	return samples
}
