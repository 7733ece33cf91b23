package main

import (
	"fmt"
	"time"

	"browseruse_exporter/money/prom"
)

// shortAndCheap is a project that begins a thousand sessions an hour: half of them
// run for less than 40 seconds, and few cost ten cents.
func shortAndCheap(name string, args ...string) scenario {
	return scenario{
		name: name, life: life{perDay: 24000, proxy: true, median: 40 * time.Second},
		lasts: 2 * time.Hour, interval: prom.Interval, exporters: 1, servers: 1, all: true, args: args,
	}
}

// savings are the two that tell what --session.min-age and --session.min-cost save.
func savings() []scenario {
	return []scenario{
		shortAndCheap("every session has series"),
		shortAndCheap("--session.min-age=5m --session.min-cost=0.10", "--session.min-age=5m", "--session.min-cost=0.10"),
	}
}

const savingsHeader = `| sessions with series | series a day: scraped, recorded | sessions with series, of those begun | spent: error of the second hour |
|---|---|---|---|`

// reportSavings prints how many series begin in a day that is as the last hour was.
func reportSavings(w *world) error {
	end := w.start.Add(w.lasts)
	count := func(selector string, at time.Time) (float64, error) {
		got, err := w.server.Query("count("+selector+") or vector(0)", at)
		if err != nil || len(got) == 0 {
			return 0, err
		}
		return got[0].F, nil
	}
	begun := func(selector string) (float64, error) {
		hour, err := count("last_over_time("+selector+"[1h])", end)
		if err != nil {
			return 0, err
		}
		before, err := count(selector, end.Add(-time.Hour))
		return hour - before, err
	}
	scraped, err := begun(`{session_id!="",__name__=~"browseruse_.*"}`)
	if err != nil {
		return err
	}
	recorded, err := begun(`{__name__=~"session:.*|agent_session:.*|ALERTS.*"}`)
	if err != nil {
		return err
	}
	h, err := w.hour(2)
	if err != nil {
		return err
	}
	f := &figures{}
	w.countSessions(f)
	fmt.Printf("| %s | %.0f, %.0f | %d of %d | %+.2f%% |\n", w.name, 24*scraped, 24*recorded, f.sessions-f.unseen, f.sessions, 100*h.rules)
	return nil
}
