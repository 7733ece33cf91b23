package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"browseruse_exporter/internal/simapi"
	"browseruse_exporter/money/prom"
)

// The names of the recordings that are held against the ledger.
const (
	spendHour    = "sum(job:browseruse_spend_usd:increase1h)"
	spendDay     = "sum(job:browseruse_spend_usd:increase1d)"
	counterHour  = "sum(max by (component) (increase(browseruse_spend_usd_total[1h])))"
	counterDay   = "sum(max by (component) (increase(browseruse_spend_usd_total[1d])))"
	sessionCost  = "(session:browseruse_cost_usd:max or session:browseruse_cost_usd:sum)"
	agentCost    = "agent_session:browseruse_cost_usd:sum"
	hourAlert    = "BrowserUseHourlySpendHigh"
	dayAlert     = "BrowserUseDailySpendHigh"
	sessionAlert = "BrowserUseSessionCostHigh"
	agentAlert   = "BrowserUseAgentSessionCostHigh"
)

const (
	curveStep   = 5 * time.Second
	calm        = 10 * time.Minute // below a threshold, before it counts as crossed
	patience    = 40 * time.Minute // for an alert
	agentMargin = 0.005            // of a cost, within which it counts as right
)

// hour is one full hour of a scenario. Errors are shares of what was truly spent in it.
type hour struct {
	number  int
	spent   float64
	floor   float64 // error of an observer who knows the truth at the last scrape before each full hour
	rules   float64
	counter float64 // of increase() of the exporter's counter
	faulty  bool    // a restart, an outage or a hold lies in it, or in the one before
}

// figures are what a scenario shows.
type figures struct {
	hours                  []hour
	spent                  float64 // truly
	day, dayCounter        float64 // error of the last day, or of all if that is less
	dayFloor               float64
	sum, sumFloor          float64 // error of all hours together
	restarts               float64 // share spent between the last scrape before a restart and the first after it
	sessions, unseen       int     // of the time; that no scrape had
	agents, agentsUnseen   int
	agentsOff              int
	agentsWorst            float64
	hourAlerts, dayAlerts  delays
	costAlerts, agentAlert delays
	remarks                []string
}

// delays are how much later than the truth alerts are.
type delays struct {
	all     []time.Duration
	missed  int
	inTime  int // within a minute of the truth
	asKnown int // or of the first scrape that could know it
}

// add adds an alert that is due at a time, and fires at another.
func (w *world) add(d *delays, due, fires time.Time, found bool) {
	if !found {
		d.missed++
		return
	}
	delay := fires.Sub(due)
	d.all = append(d.all, delay)
	if delay.Abs() <= time.Minute {
		d.inTime++
	}
	if delay >= -time.Minute && fires.Sub(w.firstGood(due)) <= time.Minute {
		d.asKnown++
	}
}

// compare holds what the rules recorded against the ledger.
func (w *world) compare() (*figures, error) {
	f := &figures{}
	end := w.start.Add(w.lasts)
	f.spent = w.ledger.between(w.start, end)
	all := 0.0
	for n := 2; n <= int(w.lasts.Hours()); n++ {
		h, err := w.hour(n)
		if err != nil {
			return nil, err
		}
		f.hours = append(f.hours, h)
		all += h.spent
		f.sum += h.spent * h.rules
		f.sumFloor += h.spent * h.floor
	}
	f.sum, f.sumFloor = f.sum/all, f.sumFloor/all
	if len(w.exporters) == 1 { // else another one goes on
		for _, restart := range w.restarts {
			at := w.start.Add(restart)
			f.restarts += w.ledger.between(w.lastGood(at), w.firstGood(at)) / all
		}
	}
	var err error
	if f.day, err = w.errorOf(spendDay, end, 24*time.Hour); err != nil {
		return nil, err
	}
	if f.dayCounter, err = w.errorOf(counterDay, end, 24*time.Hour); err != nil {
		return nil, err
	}
	if since := end.Add(-24 * time.Hour); since.After(w.start) {
		f.dayFloor = w.ledger.between(w.lastGood(since), w.lastGood(end))/w.ledger.between(since, end) - 1
	}
	w.countSessions(f)
	for _, step := range []func(*figures) error{w.compareAgents, w.compareSpendAlerts, w.compareCostAlerts} {
		if err := step(f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// countSessions counts the sessions that began and ended in the time, and those of
// them that have no series.
func (w *world) countSessions(f *figures) {
	for i := range w.ledger.sessions {
		s := &w.ledger.sessions[i]
		if s.StartedAt.After(w.start) && s.StopAt.Before(w.start.Add(w.lasts-2*w.interval)) {
			f.sessions++
			if !w.seen[s.ID] {
				f.unseen++
			}
		}
	}
}

func (w *world) hour(number int) (h hour, err error) {
	h.number = number
	end := w.start.Add(time.Duration(number) * time.Hour)
	h.spent = w.ledger.between(end.Add(-time.Hour), end)
	h.floor = w.ledger.between(w.lastGood(end.Add(-time.Hour)), w.lastGood(end))/h.spent - 1
	if h.rules, err = w.errorOf(spendHour, end, time.Hour); err != nil {
		return h, err
	}
	h.counter, err = w.errorOf(counterHour, end, time.Hour)
	var faults []time.Duration
	faults = append(append(faults, w.restarts...), w.holds...)
	for _, outage := range w.outages {
		faults = append(faults, outage[0], outage[1])
	}
	for _, fault := range faults {
		into := time.Duration(number)*time.Hour - fault
		h.faulty = h.faulty || into > 0 && into < time.Hour+10*time.Minute
	}
	return h, err
}

// lastGood returns when the last scrape before a time was that read the API.
func (w *world) lastGood(before time.Time) time.Time {
	n, _ := slices.BinarySearchFunc(w.good, before, time.Time.Compare)
	if n == 0 {
		return w.start
	}
	return w.good[n-1]
}

// firstGood returns when the first scrape from a time on was that read the API.
func (w *world) firstGood(from time.Time) time.Time {
	n, _ := slices.BinarySearchFunc(w.good, from, time.Time.Compare)
	if n == len(w.good) {
		return w.start.Add(w.lasts)
	}
	return w.good[n]
}

// errorOf returns the share by which what was recorded is off the truth.
func (w *world) errorOf(expr string, end time.Time, window time.Duration) (float64, error) {
	got, err := w.server.Query(expr, end)
	if err != nil {
		return 0, err
	}
	if len(got) != 1 {
		return math.NaN(), nil
	}
	start := end.Add(-window)
	if start.Before(w.start) {
		start = w.start
	}
	return got[0].F/w.ledger.between(start, end) - 1, nil
}

// compareAgents looks at what is known at last of the agent sessions that lived in
// the time.
func (w *world) compareAgents(f *figures) error {
	end := w.start.Add(w.lasts)
	got, err := w.server.Query(fmt.Sprintf("last_over_time(%s[%s])", agentCost, w.lasts), end)
	if err != nil {
		return err
	}
	recorded := map[string]float64{}
	for _, sample := range got {
		recorded[sample.Metric.Get("agent_session_id")] = sample.F
	}
	for agent, browsers := range w.ledger.agents() {
		truth, whole := 0.0, true
		for _, s := range browsers {
			whole = whole && s.StartedAt.After(w.start.Add(time.Minute)) && s.StopAt.Before(end.Add(-10*time.Minute))
			truth += cost(s, end)
		}
		if !whole {
			continue
		}
		f.agents++
		value, known := recorded[agent]
		if !known {
			f.agentsUnseen++
			continue
		}
		off := math.Abs(value/truth - 1)
		if off > agentMargin {
			f.agentsOff++
			f.remarks = append(f.remarks, fmt.Sprintf("agent session %s: $%.5f of $%.5f, from %s to %s", agent, value, truth,
				browsers[0].StartedAt.Sub(w.start), browsers[len(browsers)-1].StopAt.Sub(w.start)))
		}
		f.agentsWorst = max(f.agentsWorst, off)
	}
	return nil
}

// compareSpendAlerts looks when alerts about what is spent in an hour, and in a day,
// would begin to fire, for many thresholds.
func (w *world) compareSpendAlerts(f *figures) error {
	spent := []float64{}
	for at := w.start; !at.After(w.start.Add(w.lasts)); at = at.Add(curveStep) {
		spent = append(spent, w.ledger.spent(at))
	}
	for _, kind := range []struct {
		expr, alert string
		window      time.Duration
		delays      *delays
	}{{spendHour, hourAlert, time.Hour, &f.hourAlerts}, {spendDay, dayAlert, 24 * time.Hour, &f.dayAlerts}} {
		steps := int(kind.window / curveStep)
		curve := make([]float64, len(spent))
		for i := range curve {
			curve[i] = spent[i] - spent[max(0, i-steps)]
		}
		recorded, err := w.evaluations(kind.expr, kind.alert)
		if err != nil {
			return err
		}
		highest := slices.Max(curve)
		for n := 1; n < 24; n++ {
			w.crossings(curve, recorded, highest*float64(n)/24, kind.delays)
		}
	}
	return nil
}

// seen is what an alert's evaluation sees.
type seen struct {
	at    time.Time
	value float64
}

// evaluations returns what an alert's expression gives at each of its evaluations.
func (w *world) evaluations(expr, alert string) ([]seen, error) {
	matrix, err := w.server.QueryRange(expr, w.phase(alert), w.start.Add(w.lasts), w.interval)
	if err != nil || len(matrix) == 0 {
		return nil, err
	}
	var all []seen
	for _, point := range matrix[0].Floats {
		all = append(all, seen{time.UnixMilli(point.T), point.F})
	}
	return all, nil
}

// phase returns when an alert is evaluated first.
func (w *world) phase(alert string) time.Time {
	for i, group := range w.groupsOfRules() {
		if slices.ContainsFunc(group, func(rule *prom.Rule) bool { return rule.Name() == alert }) {
			return w.start.Add(evaluationOf(i))
		}
	}
	return w.start
}

// crossings finds the times at which the true curve rises above a threshold, and
// how much later an evaluation sees it.
func (w *world) crossings(curve []float64, recorded []seen, threshold float64, d *delays) {
	below := 0 // steps in a row, until now
	for i, value := range curve {
		if value <= threshold {
			below++
			continue
		}
		at := w.start.Add(time.Duration(i) * curveStep)
		if below >= int(calm/curveStep) && !at.Before(w.start.Add(time.Hour)) && at.Add(patience).Before(w.start.Add(w.lasts)) {
			first := slices.IndexFunc(recorded, func(e seen) bool { return e.at.After(at.Add(-calm)) && e.value > threshold })
			found := first >= 0 && recorded[first].at.Before(at.Add(patience))
			var fires time.Time
			if found {
				fires = recorded[first].at
			}
			w.add(d, at, fires, found)
		}
		below = 0
	}
}

// compareCostAlerts looks when alerts about the cost of a session, and of an agent
// session, would begin to fire, with thresholds that some reach.
func (w *world) compareCostAlerts(f *figures) error {
	single := map[string][]*simapi.Session{}
	for i := range w.ledger.sessions {
		s := &w.ledger.sessions[i]
		single[s.ID] = []*simapi.Session{s}
	}
	for _, kind := range []struct {
		expr, alert, label string
		threshold          float64
		plans              map[string][]*simapi.Session
		delays             *delays
	}{
		{sessionCost, sessionAlert, "session_id", 0.5, single, &f.costAlerts},
		{agentCost, agentAlert, "agent_session_id", 0.3, w.ledger.agents(), &f.agentAlert},
	} {
		firing, err := w.firing(fmt.Sprintf("%s > %g", kind.expr, kind.threshold), kind.alert, kind.label)
		if err != nil {
			return err
		}
		for id, plans := range kind.plans {
			if at, crosses := w.crosses(plans, kind.threshold); crosses {
				fires, found := firing[id]
				w.add(kind.delays, at, fires, found)
			}
		}
	}
	return nil
}

// firing returns when an expression first has a value, by a label.
func (w *world) firing(expr, alert, label string) (map[string]time.Time, error) {
	matrix, err := w.server.QueryRange(expr, w.phase(alert), w.start.Add(w.lasts), w.interval)
	if err != nil {
		return nil, err
	}
	first := map[string]time.Time{}
	for _, series := range matrix {
		id, at := series.Metric.Get(label), time.UnixMilli(series.Floats[0].T)
		if earlier, known := first[id]; !known || at.Before(earlier) {
			first[id] = at
		}
	}
	return first, nil
}

// crosses returns when sessions that all began after the start have together cost
// more than a threshold, to the second.
func (w *world) crosses(plans []*simapi.Session, threshold float64) (time.Time, bool) {
	total := func(at time.Time) (sum float64) {
		for _, s := range plans {
			if !s.StartedAt.After(at) {
				sum += cost(s, at)
			}
		}
		return sum
	}
	end := w.start.Add(w.lasts - 10*time.Minute)
	if plans[0].StartedAt.Before(w.start.Add(time.Minute)) || total(end) <= threshold {
		return time.Time{}, false
	}
	for at := plans[0].StartedAt; at.Before(end); at = at.Add(time.Second) {
		if total(at) > threshold {
			return at, true
		}
	}
	return time.Time{}, false
}
