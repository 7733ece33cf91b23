// Command rulecost measures what the rules cost a Prometheus server: the CPU time
// of one evaluation, rule by rule, after a day of a fleet's history.
//
//	cd money && go run ./rulecost -active 1000 -per-day 50000
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"browseruse_exporter/money/prom"
)

// denseScrapes is how long before the measurement there is a scrape every 30 s, not
// every two minutes: longer than the head of the database reaches back.
const denseScrapes = 4 * time.Hour

// evaluationLag is how long after a scrape the rules are evaluated.
const evaluationLag = 5 * time.Second

// size is what is measured.
type size struct {
	rules          string
	active, perDay int
	dense          time.Duration // at the end, in which the rules are evaluated at each scrape
	evaluations    int
	top            int
}

func main() {
	var s size
	flag.StringVar(&s.rules, "rules", filepath.Join("..", "deploy", "prometheus", "rules.yml"), "the rules")
	flag.IntVar(&s.active, "active", 1000, "sessions that are active at a time")
	flag.IntVar(&s.perDay, "per-day", 50000, "sessions a day")
	flag.DurationVar(&s.dense, "dense", 3*time.Hour, "how long before the measurement the rules are evaluated at each scrape; before that, twice an hour")
	flag.IntVar(&s.evaluations, "n", 10, "evaluations to measure")
	flag.IntVar(&s.top, "top", 15, "rules to name")
	flag.Parse()
	if err := measure(s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "rulecost:", err)
		os.Exit(1)
	}
}

// measure writes what an evaluation takes.
func measure(size size, out io.Writer) (err error) {
	template, err := newTemplate()
	if err != nil {
		return err
	}
	server, err := prom.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if err := server.LoadRules(size.rules, prom.Interval); err != nil {
		return err
	}
	end := time.Date(2026, 11, 24, 12, 47, 0, 0, time.UTC)
	start := end.Add(-24 * time.Hour)
	// The fleet is there when the history begins.
	fleet := newFleet(template, start.Add(-24*time.Hour*time.Duration(size.active)/time.Duration(size.perDay)), size.active, size.perDay)
	before := prom.CPU()
	if err := makeHistory(server, fleet, start, end, size.dense); err != nil {
		return err
	}
	history := prom.CPU() - before
	for _, rule := range server.Rules {
		rule.CPU = 0
	}
	read, err := server.SamplesRead()
	if err != nil {
		return err
	}
	runtime.GC()
	exported := 0
	for i := range size.evaluations {
		now := end.Add(time.Duration(i) * prom.Interval)
		samples := fleet.scrape(now)
		exported = len(samples)
		if err := errors.Join(server.Append(now, samples), server.Evaluate(now.Add(evaluationLag))); err != nil {
			return err
		}
	}
	readNow, err := server.SamplesRead()
	if err != nil {
		return err
	}
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	_, _ = fmt.Fprintf(out, "%d active, %d a day: %d sessions exported, %d samples a scrape, %d series in the head, heap %d MiB; the history took %.0f s of CPU\n",
		size.active, size.perDay, len(fleet.sessions), exported, server.Series(), heap.HeapAlloc>>20, history.Seconds())
	_, _ = fmt.Fprintf(out, "an evaluation reads %d samples\n", (readNow-read)/size.evaluations)
	report(out, server.Rules, size)
	return nil
}

// makeHistory lets a fleet live, and the rules be evaluated twice an hour, but at each
// scrape in the dense time before the end.
func makeHistory(server *prom.Server, fleet *fleet, start, end time.Time, dense time.Duration) error {
	for now := start; now.Before(end); now = now.Add(prom.Interval) {
		age := now.Sub(start)
		if end.Sub(now) > denseScrapes && age%(2*time.Minute) != 0 {
			continue
		}
		err := server.Append(now, fleet.scrape(now))
		if age%(2*time.Minute) == 0 {
			err = errors.Join(err, server.Compact()) // if it is due, as Prometheus does each minute
		}
		if end.Sub(now) <= dense || age%(30*time.Minute) == 0 {
			err = errors.Join(err, server.Evaluate(now.Add(evaluationLag)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// report writes the figures of the rules, the most expensive first.
func report(out io.Writer, rules []*prom.Rule, size size) {
	var all, average time.Duration
	perDay := 0
	for _, rule := range rules {
		all += rule.CPU
		average += time.Duration(rule.CPU.Seconds() * float64(prom.Interval) / rule.Every.Seconds())
		perDay += rule.Samples * int(24*time.Hour/rule.Every)
	}
	of := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(size.evaluations) }
	_, _ = fmt.Fprintf(out, "one evaluation of all rules of %s: %.1f ms of CPU; as groups have their intervals, %.1f ms each %s, %.1f%% of a core; %.1f million samples recorded a day\n",
		filepath.Base(size.rules), of(all), of(average), prom.Interval, of(average)/10/prom.Interval.Seconds(), float64(perDay)/1e6)
	slices.SortStableFunc(rules, func(a, b *prom.Rule) int { return cmp.Compare(b.CPU, a.CPU) })
	for _, rule := range rules[:min(size.top, len(rules))] {
		_, _ = fmt.Fprintf(out, "%9.2f ms %7d samples  %s\n", of(rule.CPU), rule.Samples, rule.Name())
	}
}
