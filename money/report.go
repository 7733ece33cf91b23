package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"browseruse_exporter/money/prom"
)

const header = `| fleet | spent | day | floor of that | lost in restarts | hour: median, p90, worst | floor of that | off the floor: quiet hours, others | counters: day, worst hour | sessions unseen | agent sessions: unseen, off by 0.5% | alerts in the minute: hour, day, session, agent session | CPU: all, rules |
|---|---|---|---|---|---|---|---|---|---|---|---|---|`

// report prints a line of the table.
func report(w *world, each bool) error {
	f, err := w.compare()
	if err != nil {
		return err
	}
	var rules, floor, counter []float64
	for _, h := range f.hours {
		rules, floor, counter = append(rules, math.Abs(h.rules)), append(floor, math.Abs(h.floor)), append(counter, math.Abs(h.counter))
	}
	quiet, others := f.offFloor()
	cells := []string{
		w.name,
		fmt.Sprintf("$%.0f", f.spent),
		percent(f.day), percent(f.dayFloor), percent(-f.restarts),
		threeOf(rules), threeOf(floor),
		fmt.Sprintf("%.2f, %.2f", 100*quiet, 100*others),
		fmt.Sprintf("%s, %.2f%%", percent(f.dayCounter), 100*slices.Max(counter)),
		fmt.Sprintf("%d of %d", f.unseen, f.sessions),
		fmt.Sprintf("%d, %d of %d (worst %.1f%%)", f.agentsUnseen, f.agentsOff, f.agents, 100*f.agentsWorst),
		strings.Join([]string{f.hourAlerts.String(), f.dayAlerts.String(), f.costAlerts.String(), f.agentAlert.String()}, "; "),
		fmt.Sprintf("%.0f s, %.0f s", (prom.CPU() - w.began).Seconds(), w.cpu.Seconds()),
	}
	fmt.Println("| " + strings.Join(cells, " | ") + " |")
	if each {
		for _, h := range f.hours {
			fmt.Printf("hour %2d: rules %+.2f%%, floor %+.2f%%, counters %+.2f%%, faulty %v\n", h.number, 100*h.rules, 100*h.floor, 100*h.counter, h.faulty)
		}
		fmt.Println(strings.Join(f.remarks, "\n"))
		fmt.Println("requests:", w.requests, "good scrapes:", len(w.good))
	}
	return nil
}

// offFloor returns how far the worst hour is off what a perfect observer could know,
// among the quiet hours and among those of a fault.
func (f *figures) offFloor() (quiet, others float64) {
	for _, h := range f.hours {
		off := math.Abs(h.rules - h.floor)
		if h.faulty {
			others = max(others, off)
		} else {
			quiet = max(quiet, off)
		}
	}
	return quiet, others
}

func percent(share float64) string { return fmt.Sprintf("%+.3f%%", 100*share) }

// threeOf returns the median, the 90th percentile and the highest of shares.
func threeOf(shares []float64) string {
	slices.Sort(shares)
	n := len(shares)
	return fmt.Sprintf("%.2f, %.2f, %.2f%%", 100*shares[n/2], 100*shares[n*9/10], 100*shares[n-1])
}

// String returns how many alerts are in their minute, how many are within a minute
// of the first scrape that could know it, and the median and the longest delay.
func (d *delays) String() string {
	n := len(d.all)
	if n == 0 {
		return fmt.Sprintf("0 of %d", d.missed)
	}
	slices.Sort(d.all)
	return fmt.Sprintf("%d, %d of %d (%.0f, %.0f s)", d.inTime, d.asKnown, n+d.missed, d.all[n/2].Seconds(), d.all[n-1].Seconds())
}
