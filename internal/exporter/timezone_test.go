package exporter_test

import (
	"regexp"
	"strconv"
	"testing"
	"time"
	_ "time/tzdata" // for a machine that has no zones

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// shownTime matches a time on the page, in the JSON, in the log and in /metrics.
var shownTime = regexp.MustCompile(`(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)\S*|_timestamp_seconds(?:\{.*\})? ([\d.e+]+)`)

// TestTimesAreTheSameInEveryTimeZone runs the program far from UTC, by whole hours and
// not, over an API that writes times without an offset.
func TestTimesAreTheSameInEveryTimeZone(t *testing.T) {
	for _, zone := range []string{"Asia/Tokyo", "America/St_Johns"} {
		t.Run(zone, func(t *testing.T) {
			now := time.Now().UTC()
			api := simapi.New(simapi.Options{Key: exportertest.Key})
			api.Add(simapi.Session{ID: exportertest.SessionID(1), StartedAt: now.Add(-10 * time.Minute), Override: map[string]any{
				"startedAt": now.Add(-10 * time.Minute).Format("2006-01-02T15:04:05"), "timeoutAt": now.Add(50 * time.Minute).Format("2006-01-02T15:04:05.000000"),
			}})
			t.Setenv("TZ", zone)
			p := startSubprocess(t, "--api.url="+exportertest.ServeAPI(t, api))
			for _, path := range []string{"/metrics", "/", "/api/v1/sessions"} {
				_, body, err := exportertest.Fetch(t.Context(), "http://"+p.address+path)
				if err != nil {
					t.Fatal(err)
				}
				checkTimes(t, path, body, now)
			}
			p.terminate(t)
			checkTimes(t, "the log", p.stderr.String(), now)
		})
	}
}

// checkTimes checks that a text shows times, and none that is hours away from now.
func checkTimes(t *testing.T, what, text string, now time.Time) {
	t.Helper()
	shown := shownTime.FindAllStringSubmatch(text, -1)
	if len(shown) == 0 {
		t.Errorf("%s shows no time:\n%s", what, text)
	}
	for _, match := range shown {
		at, err := time.Parse(time.DateTime, match[1]+" "+match[2])
		if match[3] != "" {
			var seconds float64
			seconds, err = strconv.ParseFloat(match[3], 64)
			at = time.Unix(int64(seconds), 0)
		}
		if err != nil || at.Sub(now).Abs() > time.Hour {
			t.Errorf("%s shows %s at %s: %v", what, match[0], now, err)
		}
	}
}
