package main

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"time"

	"browseruse_exporter/internal/simapi"
)

// truths are what the gauges have to say of a session at a time.
var truths = map[string]func(simapi.Session, time.Time) float64{
	"browseruse_session_active": func(s simapi.Session, now time.Time) float64 {
		if s.Active(now) {
			return 1
		}
		return 0
	},
	"browseruse_session_proxy_used_megabytes":      simapi.Session.ProxyMB,
	"browseruse_session_proxy_cost_usd":            simapi.Session.ProxyCost,
	"browseruse_session_browser_cost_usd":          simapi.Session.BrowserCost,
	"browseruse_session_start_timestamp_seconds":   func(s simapi.Session, _ time.Time) float64 { return seconds(s.StartedAt) },
	"browseruse_session_timeout_timestamp_seconds": func(s simapi.Session, _ time.Time) float64 { return seconds(s.TimeoutAt()) },
}

// agentTruths are the same of an agent session.
var agentTruths = map[string]func(simapi.AgentSession, time.Time) float64{
	"browseruse_agent_session_active": func(a simapi.AgentSession, now time.Time) float64 {
		if a.Active(now) {
			return 1
		}
		return 0
	},
	"browseruse_agent_session_llm_cost_usd":            simapi.AgentSession.LLMCost,
	"browseruse_agent_session_input_tokens":            func(a simapi.AgentSession, now time.Time) float64 { return float64(a.InputTokens(now)) },
	"browseruse_agent_session_output_tokens":           func(a simapi.AgentSession, now time.Time) float64 { return float64(a.OutputTokens(now)) },
	"browseruse_agent_session_start_timestamp_seconds": func(a simapi.AgentSession, _ time.Time) float64 { return seconds(a.CreatedAt) },
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// checkFinal scrapes when nothing changes any more. Every session that has not
// lingered out has to be there, with exactly its final values.
func (s *scrapers) checkFinal() {
	deadline := time.Now().Add(linger - settle - maxHold)
	postponed := s.postponed()
	for {
		missing, err := s.finalDifferences(postponed)
		if err == nil && missing == nil {
			return
		}
		if time.Now().After(deadline) {
			s.problems.add(err)
			s.problems.add(missing)
			return
		}
		time.Sleep(time.Second) // what is due is read at the next scrape
	}
}

var rereadFailed = regexp.MustCompile(`msg="Stopped session could not be read again" session_id=(\S+)`)

// postponed returns the stopped sessions that could not be read again. The exporter
// tries that after minutes, which is longer than they linger here: they may show
// what they had cost before the last of it was metered.
func (s *scrapers) postponed() map[string]bool {
	ids := map[string]bool{}
	for _, match := range rereadFailed.FindAllStringSubmatch(s.exporter.output(), -1) {
		ids[match[1]] = true
	}
	return ids
}

// finalDifferences returns a difference between what is exposed and what is so.
func (s *scrapers) finalDifferences(postponed map[string]bool) (difference, failed error) {
	text, err := s.exporter.get("/metrics")
	if err != nil {
		return nil, err
	}
	families, err := parse(text)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return cmp.Or(s.wrongValue(families, postponed, now), s.wrongState(families, now), s.missingValue(families, now), s.wrongAgent(families, now)), nil
}

// wrongValue looks at the values of the sessions. One that was deleted may linger.
func (s *scrapers) wrongValue(families exposition, postponed map[string]bool, now time.Time) error {
	for name, truth := range truths {
		for _, metric := range families[name].GetMetric() {
			session, known := s.world.plan(label(metric, "session_id"))
			if !known {
				continue
			}
			if err := wrongOfUnknown(name, session); err != nil {
				return err
			}
			got, want := metric.GetGauge().GetValue(), truth(session, now)
			least := want
			if finish, _ := session.Finish(now); postponed[session.ID] {
				least = min(want, truth(session, finish))
			}
			if got < least-1e-9 || got > want+1e-9 || math.IsNaN(got) {
				return fmt.Errorf("at the end %s of %s is %v; want %v", name, session.ID, got, want)
			}
		}
	}
	return nil
}

// wrongOfUnknown returns an error if a gauge is one that the API does not know of
// a session: it has to be absent.
func wrongOfUnknown(name string, session simapi.Session) error {
	if session.Override != nil && name == "browseruse_session_proxy_cost_usd" {
		return fmt.Errorf("%s of %s is exposed, but null at the API", name, session.ID)
	}
	return nil
}

// wrongState looks at what has to be so when all sessions are stopped.
func (s *scrapers) wrongState(families exposition, now time.Time) error {
	for _, metric := range families["browseruse_session_finish_timestamp_seconds"].GetMetric() {
		session, known := s.world.plan(label(metric, "session_id"))
		if finish, _ := session.Finish(now); known && metric.GetGauge().GetValue() != seconds(finish) {
			return fmt.Errorf("at the end the finish of %s is %v; want %v", session.ID, metric.GetGauge().GetValue(), seconds(finish))
		}
	}
	for _, metric := range families["browseruse_session_up"].GetMetric() {
		id := label(metric, "session_id")
		if _, known := s.world.plan(id); known && metric.GetGauge().GetValue() != 1 {
			return fmt.Errorf("at the end session %s is unreadable", id)
		}
	}
	if n := len(families["browseruse_session_timeout_remaining_seconds"].GetMetric()); n > 0 {
		return fmt.Errorf("at the end %d sessions have time left, though all are stopped", n)
	}
	if n := len(families["browseruse_account_credits_usd"].GetMetric()); n != 2 {
		return fmt.Errorf("at the end the account has %d credits", n)
	}
	return nil
}

// wrongAgent looks at the values of agent sessions, none of which lives any more.
func (s *scrapers) wrongAgent(families exposition, now time.Time) error {
	for name, truth := range agentTruths {
		for _, metric := range families[name].GetMetric() {
			agent, _ := s.world.agent(label(metric, "agent_session_id"))
			if got, want := metric.GetGauge().GetValue(), truth(agent, now); math.Abs(got-want) > 1e-6 {
				return fmt.Errorf("at the end %s of %s is %v; want %v", name, agent.ID, got, want)
			}
		}
	}
	return nil
}

// missingValue looks for sessions that have to be there still, and are not whole.
// One that began and ended between two scrapes may never have been seen.
func (s *scrapers) missingValue(families exposition, now time.Time) error {
	exposed := map[string]int{}
	for name := range truths {
		for _, metric := range families[name].GetMetric() {
			exposed[label(metric, "session_id")]++
		}
	}
	for _, session := range s.world.api.Sessions() {
		finish, _ := session.Finish(now)
		want := len(truths) - len(session.Override)
		if n := exposed[session.ID]; n != want && now.Sub(finish) < linger-2*time.Second && finish.Sub(session.StartedAt) > 10*time.Second {
			return fmt.Errorf("at the end session %s, which finished %s ago, has %d of %d values", session.ID, now.Sub(finish), n, want)
		}
	}
	return nil
}

// leastReadable is the share of the sessions that has to be readable over all of a
// bad time. One that shows nothing at all would never show anything wrong.
const leastReadable = 0.1

// checkReadable reports whether enough was shown.
func (s *scrapers) checkReadable() {
	if share := s.readableShare(); !(share >= leastReadable) {
		s.problems.add(fmt.Errorf("%.0f%% of the sessions were readable; want %.0f%% at least", 100*share, 100*leastReadable))
	}
}

func (s *scrapers) readableShare() float64 {
	return float64(s.readable.Load()) / float64(s.exported.Load())
}

func (s *scrapers) summary(before, after footprint) {
	fmt.Printf("scrapes: %d, the slowest took %s; %d values compared, %.0f%% of the sessions readable; %d clients hung up; %d pages looked at\n",
		s.scrapes.Load(), time.Duration(s.slowest.Load()).Round(time.Millisecond), s.values.Load(), 100*s.readableShare(), s.hungUp.Load(), s.pages.Load())
	fmt.Printf("exporter before: %v\nexporter after:  %v\nlog: %d KiB\n", before, after, len(s.exporter.output())>>10)
}
