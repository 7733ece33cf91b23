package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	dto "github.com/prometheus/client_model/go"

	"browseruse_exporter/web/statuspage"
)

// scrapeTimeout is what the scrapers send along, and hold the exporter to. Of it,
// writeOut is for writing the answer: more than the default, since the scrapers,
// the API and the exporter share one machine here.
const (
	scrapeTimeout = 5 * time.Second
	writeOut      = time.Second
)

// scrapers ask the exporter and check what it answers.
type scrapers struct {
	world    *world
	exporter *exporter
	problems *problems

	scrapes, values, hungUp, pages atomic.Int64
	readable, exported             atomic.Int64 // sessions, added up over the scrapes
	slowest                        atomic.Int64 // nanoseconds
}

func newScrapers(w *world, e *exporter) *scrapers {
	return &scrapers{world: w, exporter: e, problems: &problems{}}
}

// run scrapes for a while: two as Prometheus does, one that dawdles, one that
// hangs up, one that never reads, one that looks at the page.
func (s *scrapers) run(ctx context.Context, duration time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var running sync.WaitGroup
	for _, do := range []func(){s.scrape, s.scrape, s.dawdle, s.hangUp, s.neverRead, s.look} {
		running.Go(func() {
			for pause(ctx, time.Duration(300+s.world.draw(900))*time.Millisecond) {
				do()
			}
		})
	}
	running.Wait()
}

// scrape asks as Prometheus does, and checks every value.
func (s *scrapers) scrape() {
	start := time.Now()
	text, err := s.ask(context.Background(), io.ReadAll)
	end := time.Now()
	if err != nil {
		s.problems.add(err)
		return
	}
	s.scrapes.Add(1)
	took := end.Sub(start)
	if took > scrapeTimeout {
		s.problems.add(fmt.Errorf("a scrape took %s", took))
	}
	if int64(took) > s.slowest.Load() {
		s.slowest.Store(int64(took))
	}
	s.check(text, start, end)
}

// dawdle reads the answer slowly.
func (s *scrapers) dawdle() {
	if _, err := s.ask(context.Background(), func(body io.Reader) ([]byte, error) {
		part := make([]byte, 8<<10)
		for {
			if _, err := body.Read(part); errors.Is(err, io.EOF) {
				return nil, nil
			} else if err != nil {
				return nil, err
			}
			time.Sleep(10 * time.Millisecond)
		}
	}); err != nil {
		s.problems.add(err)
	}
}

// hangUp goes away before the answer is there, or in its midst.
func (s *scrapers) hangUp() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(s.world.draw(300))*time.Millisecond)
	defer cancel()
	_, _ = s.ask(ctx, io.ReadAll)
	s.hungUp.Add(1)
}

// neverRead asks, and takes nothing of what comes.
func (s *scrapers) neverRead() {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.exporter.url, "http://"))
	if err != nil {
		s.problems.add(err)
		return
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: exporter\r\nContent-Length: 1\r\n\r\n")
	s.problems.add(err)
	time.Sleep(time.Duration(s.world.draw(3000)) * time.Millisecond)
}

// look opens the status page and its JSON.
func (s *scrapers) look() {
	for _, path := range []string{"/", statuspage.SessionsPath} {
		text, err := s.exporter.get(path)
		s.problems.add(err)
		s.problems.lookForSecrets(path, text, s.world.secrets())
		s.pages.Add(1)
		if err == nil && path == statuspage.SessionsPath {
			s.problems.add(checkFrugal(text))
		}
	}
}

// handful is how many requests a reading sends at most to an API that answers none
// of them: two pages, three sessions, the account and a page of agent sessions, with two
// retries for each of these four endpoints.
const handful = 15

// checkFrugal returns an error if the last reading sent many requests in vain.
func checkFrugal(text string) error {
	var status statuspage.Status
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		return fmt.Errorf("%s: %w", statuspage.SessionsPath, err)
	}
	if status.Up != nil && !*status.Up && status.Reading.APIRequests > handful {
		return fmt.Errorf("a reading sent %d requests to an API that answered none; want %d at most", status.Reading.APIRequests, handful)
	}
	return nil
}

func (s *scrapers) ask(ctx context.Context, read func(io.Reader) ([]byte, error)) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.exporter.url+"/metrics", http.NoBody)
	if err != nil {
		return "", err
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(scrapeTimeout.Seconds()))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("a scrape was answered %s", response.Status)
	}
	body, err := read(response.Body)
	return string(body), err
}

// check compares each value with what was so. A scrape may share the reading of
// one that began earlier, and a stopped session's late metering may not have
// been seen yet: a value has to be between those of then and now.
func (s *scrapers) check(text string, start, end time.Time) {
	s.problems.lookForSecrets("the exposition", text, s.world.secrets())
	families, err := parse(text)
	if err != nil {
		s.problems.add(err)
		return
	}
	for _, metric := range families["browseruse_session_up"].GetMetric() {
		s.exported.Add(1)
		s.readable.Add(int64(metric.GetGauge().GetValue()))
	}
	since := start.Add(-scrapeTimeout)
	s.checkAgents(families, since, end)
	for name, truth := range truths {
		for _, metric := range families[name].GetMetric() {
			session, known := s.world.plan(label(metric, "session_id"))
			if !known {
				continue // deleted by now
			}
			earliest := since
			if finish, finished := session.Finish(since); finished {
				earliest = finish // from memory, until it is read again
			}
			s.problems.add(wrongOfUnknown(name, session))
			got, low, high := metric.GetGauge().GetValue(), truth(session, earliest), truth(session, end)
			s.values.Add(1)
			if low, high = min(low, high), max(low, high); got < low-1e-9 || got > high+1e-9 || math.IsNaN(got) {
				s.problems.add(fmt.Errorf("%s of %s is %v; the truth went from %v to %v", name, session.ID, got, low, high))
			}
			if label(metric, "agent_session_id") != session.AgentSessionID {
				s.problems.add(fmt.Errorf("%s of %s is of agent session %q", name, session.ID, label(metric, "agent_session_id")))
			}
		}
	}
}

// checkAgents does the same with agent sessions.
func (s *scrapers) checkAgents(families exposition, since, end time.Time) {
	for name, truth := range agentTruths {
		for _, metric := range families[name].GetMetric() {
			agent, known := s.world.agent(label(metric, "agent_session_id"))
			earliest := since
			if finish, finished := agent.Finish(since); finished {
				earliest = finish
			}
			got, low, high := metric.GetGauge().GetValue(), truth(agent, earliest), truth(agent, end)
			s.values.Add(1)
			if low, high = min(low, high), max(low, high); !known || !(got >= low-1e-6 && got <= high+1e-6) {
				s.problems.add(fmt.Errorf("%s of %s is %v; the truth went from %v to %v", name, agent.ID, got, low, high))
			}
		}
	}
}

// exposition is what a scrape shows, by the names of the metrics.
type exposition map[string]*dto.MetricFamily

func parse(text string) (exposition, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(strings.NewReader(text))
}

func label(metric *dto.Metric, name string) string {
	for _, pair := range metric.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}
