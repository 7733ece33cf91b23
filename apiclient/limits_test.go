package apiclient

import (
	"math/big"
	"net/http"
	"regexp"
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

// FuzzRetryAfter checks that no header silences the exporter for good, or not at
// all, and that whatever says how long to wait is heeded between these bounds.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"5", "300", "Tue, 24 Nov 2026 12:00:07 GMT", "-1", "", "99999999999999999999", "1e9", "007", "7000000000A"} {
		f.Add(seed, "", int32(7), int32(0))
		f.Add(seed, "Tue, 24 Nov 2026 11:00:00 GMT", int32(60), int32(-3600))
	}
	digits := regexp.MustCompile(`^[0-9]+$`)
	formats := []string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	check := func(t *testing.T, value, date string, want time.Duration) {
		t.Helper()
		if got := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, now); got != want {
			t.Errorf("retryAfter(%q, Date %q) = %v; want %v", value, date, got, want)
		}
	}
	f.Fuzz(func(t *testing.T, value, date string, delay, skew int32) {
		if digits.MatchString(value) {
			n, _ := new(big.Float).SetString(value)
			seconds, _ := n.Float64()
			check(t, value, date, clamp(time.Duration(min(seconds, 1e9))*time.Second))
		} else if _, err := http.ParseTime(value); err != nil {
			check(t, value, date, 5*time.Second)
		}
		// By the clock of the server, and by one's own if the server's is not known.
		const years = 10 * 365 * 24 * 60 * 60 // a year of two digits does not tell of more
		wait, offset := time.Duration(delay%years)*time.Second, time.Duration(skew%years)*time.Second
		for _, format := range formats {
			check(t, now.Add(offset+wait).Format(format), now.Add(offset).Format(http.TimeFormat), clamp(wait))
			check(t, now.Add(wait).Format(format), "not a date", clamp(wait))
		}
	})
}

func clamp(wait time.Duration) time.Duration {
	return min(max(wait, time.Second), 15*time.Minute)
}

func TestHoldEndsWhenTheClockJumpsBack(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	l := newLimits(1, 0, func() time.Time { return now })
	l.hold(&http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"60"}}}, EndpointBrowsers)
	if got, _ := l.holdUntil(); !got.Equal(now.Add(time.Minute)) {
		t.Fatalf("holdUntil() = %v; want a minute from now", got)
	}
	now = now.Add(-24 * time.Hour)
	if got, _ := l.holdUntil(); !got.IsZero() {
		t.Errorf("holdUntil() = %v after the clock jumped back a day; want none", got)
	}
}
