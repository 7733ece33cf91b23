package main

import (
	"math"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/money/prom"
)

// TestEveryDollar holds the shipped rules to the truth for some hours in which
// all goes wrong that can: see docs/money.md.
func TestEveryDollar(t *testing.T) {
	s := scenario{
		life: life{perDay: 10000, proxy: true, overdue: 24}, lasts: 5 * time.Hour, interval: prom.Interval, exporters: 1, servers: 1,
		lost: 0.05, moves: true,
		restarts: []time.Duration{100*time.Minute + 12*time.Second},
		outages:  [][2]time.Duration{{170 * time.Minute, 180 * time.Minute}},
		rules:    filepath.Join("..", "deploy", "prometheus", "rules.yml"),
	}
	synctest.Test(t, func(t *testing.T) {
		if err := simulate(s, func(w *world) error {
			f, err := w.compare()
			if err != nil {
				return err
			}
			f.check(t)
			return report(w, true)
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// check holds figures to what the README promises.
func (f *figures) check(t *testing.T) {
	t.Helper()
	within := func(what string, off, most float64) {
		t.Helper()
		if !(math.Abs(off) <= most) { // it may be NaN
			t.Errorf("%s is off by %.3f%%; want %.1f%% at most", what, 100*off, 100*most)
		}
	}
	within("the time, but for what a restart loses,", f.sum-f.sumFloor+f.restarts, 0.002)
	for _, h := range f.hours {
		most := 0.005
		if h.faulty {
			most = 0.02
		}
		within("an hour", h.rules-h.floor, most)
	}
	if f.unseen > 0 || f.agentsUnseen > 0 || f.agents == 0 {
		t.Errorf("%d of %d sessions and %d of %d agent sessions were never seen", f.unseen, f.sessions, f.agentsUnseen, f.agents)
	}
	if len(f.costAlerts.all) == 0 || f.costAlerts.missed > 0 || f.agentAlert.missed > 0 {
		t.Errorf("alerts about sessions: %s, agent sessions: %s", &f.costAlerts, &f.agentAlert)
	}
}
