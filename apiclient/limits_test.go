package apiclient

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, test := range map[string]struct {
		value, date string
		want        time.Duration
	}{
		"seconds":                            {"5", "", 5 * time.Second},
		"the outer limit":                    {"300", "", 5 * time.Minute},
		"an HTTP date":                       {date(7 * time.Second), "", 7 * time.Second},
		"a date by the clock of the server":  {date(-time.Hour + 7*time.Second), date(-time.Hour), 7 * time.Second},
		"a date in the past":                 {date(-time.Hour), "", time.Second},
		"none":                               {"0", "", time.Second},
		"absent":                             {"", "", 5 * time.Second},
		"a word":                             {"soon", "", 5 * time.Second},
		"negative":                           {"-5", "", 5 * time.Second},
		"a fraction":                         {"2.5", "", 5 * time.Second},
		"a century":                          {"3153600000", "", 15 * time.Minute},
		"more than any number":               {"99999999999999999999999", "", 15 * time.Minute},
		"a date in the next century":         {date(100 * 365 * 24 * time.Hour), "", 15 * time.Minute},
		"a date, and a Date that is no date": {date(7 * time.Second), "today", 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{"Retry-After": {test.value}, "Date": {test.date}}
			if got := retryAfter(header, now); got != test.want {
				t.Errorf("retryAfter(%q) = %v; want %v", test.value, got, test.want)
			}
		})
	}
}

// FuzzRetryAfter checks that no header silences the exporter for good, or not
// at all.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"5", "300", "Tue, 24 Nov 2026 12:00:07 GMT", "-1", "", "99999999999999999999", "1e9"} {
		f.Add(seed, "")
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value, date string) {
		got := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, now)
		if got < minHold || got > maxHold {
			t.Errorf("retryAfter(%q, Date %q) = %v", value, date, got)
		}
	})
}

func TestHoldEndsWhenTheClockJumpsBack(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	l := newLimits(1, 0, func() time.Time { return now })
	l.hold(http.Header{"Retry-After": {"60"}})
	if got := l.holdUntil(); !got.Equal(now.Add(time.Minute)) {
		t.Fatalf("holdUntil() = %v; want a minute from now", got)
	}
	now = now.Add(-24 * time.Hour)
	if got := l.holdUntil(); !got.IsZero() {
		t.Errorf("holdUntil() = %v after the clock jumped back a day; want none", got)
	}
}
