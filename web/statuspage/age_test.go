package statuspage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
)

// TestAgesOfAnyYear has sessions that began, and will time out, at times that clocks
// which differ give, and at some that are further away than a time.Duration holds.
func TestAgesOfAnyYear(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		start, timeout time.Time
		age, left      string
	}{
		"as usual":          {now.Add(-time.Hour), now.Add(time.Hour), "1h 00m", "1h 00m"},
		"a clock ahead":     {now.Add(594 * time.Second), now.Add(time.Hour), "0s", "1h 00m"},
		"a clock behind":    {now.Add(-time.Hour), now.Add(-90 * time.Second), "1h 00m", "-1m 30s"},
		"to run for ever":   {now, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), "0s", "2912442d 00h"},
		"from time's start": {time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), now, "739616d 00h", "0s"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &apiclient.Session{Record: apiclient.Record{ID: "1", Status: "active", StartedAt: test.start}, TimeoutAt: test.timeout, ProxyCost: amount(1), BrowserCost: amount(2)}
			r := &collector.Reading{Start: now, Up: true, Complete: true, Sessions: []collector.SessionReading{{ID: "1", Session: s, ReadAt: now}}}
			page := answer(t, now, r, "/").Body.String()
			for label, want := range map[string]string{"Age": test.age, "Time left": test.left} {
				_, cell, _ := strings.Cut(page, fmt.Sprintf("data-label=%q", label))
				_, cell, _ = strings.Cut(cell, ">")
				if got, _, _ := strings.Cut(cell, "<"); got != want {
					t.Errorf("%s: %q; want %q", label, got, want)
				}
			}
		})
	}
}
