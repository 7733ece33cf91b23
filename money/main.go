// Command money simulates a day of a project whose every dollar is known, has a
// Prometheus server scrape the exporter and evaluate the shipped rules, and tells
// how far what they record is off.
//
//	cd money && go run .
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/money/prom"
)

// day is what every scenario has: all that goes wrong in a day.
func day(name string, l life) scenario {
	return scenario{
		name: name, life: l, lasts: 26 * time.Hour, interval: prom.Interval, exporters: 1, servers: 1,
		lost:     0.05,
		restarts: []time.Duration{5*time.Hour + 40*time.Minute + 12*time.Second, 17*time.Hour + 59*time.Minute + 55*time.Second},
		outages:  [][2]time.Duration{{13*time.Hour + 20*time.Minute, 13*time.Hour + 30*time.Minute}},
		holds:    []time.Duration{20*time.Hour + 30*time.Minute},
	}
}

func scenarios() []scenario {
	mixed := life{perDay: 10000, proxy: true, videos: 12, overdue: 3, rhythm: true}
	browser := life{perDay: 10000, rhythm: true}
	one := day("mixed, one server", mixed)
	pair := day("mixed, two servers and two exporters", mixed)
	pair.exporters, pair.servers = 2, 2
	crossing := day("mixed, with an outage over a full hour", mixed)
	crossing.outages = append(crossing.outages, [2]time.Duration{8*time.Hour + 55*time.Minute, 9*time.Hour + 5*time.Minute})
	moving := day("mixed, at another address after each restart", mixed)
	moving.moves = true
	upfront := day("mixed, whole timeouts charged at the start", mixed)
	upfront.life.upfront = true
	slow := day("mixed, scraped every 60 s", mixed)
	slow.interval = time.Minute
	return []scenario{one, day("browser time alone", browser), pair, moving, crossing, upfront, slow}
}

func main() {
	flags := flag.NewFlagSet("money", flag.ExitOnError)
	only := flags.String("only", "", "the scenarios whose names contain this")
	rules := flags.String("rules", filepath.Join("..", "deploy", "prometheus", "rules.yml"), "the rules")
	lasts := flags.Duration("lasts", 26*time.Hour, "how long to simulate")
	all := flags.Bool("all-rules", false, "evaluate all rules, not those alone that are held against the ledger")
	hours := flags.Bool("hours", false, "print each hour, too")
	_ = flags.Parse(os.Args[1:]) // it exits
	fmt.Println(header)
	var runs []testing.InternalTest // only a test can have simulated time
	add := func(s scenario, report func(*world) error) {
		if s.rules = *rules; strings.Contains(s.name, *only) {
			runs = append(runs, testing.InternalTest{Name: s.name, F: func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					if err := simulate(s, report); err != nil {
						t.Error(err)
					}
				})
			}})
		}
	}
	for _, s := range scenarios() {
		s.lasts, s.all = *lasts, *all
		add(s, func(w *world) error { return report(w, *hours) })
	}
	for i, s := range savings() {
		add(s, func(w *world) error {
			if i == 0 {
				fmt.Printf("\n%s\n", savingsHeader)
			}
			return reportSavings(w)
		})
	}
	os.Args = os.Args[:1]
	testing.Main(func(string, string) (bool, error) { return true, nil }, runs, nil, nil)
}
