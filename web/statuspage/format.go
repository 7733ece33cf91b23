package statuspage

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// These write values for people. page.js has some of them for sums.

// duration writes seconds in the two largest units; 0s for a negative number, which
// comes from clocks that differ.
func duration(seconds float64) string {
	s := max(0, int64(seconds))
	for _, unit := range []struct {
		seconds, smaller int64
		format           string
	}{{86400, 3600, "%dd %02dh"}, {3600, 60, "%dh %02dm"}, {60, 1, "%dm %02ds"}} {
		if s >= unit.seconds {
			return fmt.Sprintf(unit.format, s/unit.seconds, s%unit.seconds/unit.smaller)
		}
	}
	return fmt.Sprintf("%ds", s)
}

// ago writes how long ago something was, in its largest unit.
func ago(seconds float64) string {
	text, _, _ := strings.Cut(duration(seconds), " ")
	return text + " ago"
}

// left writes the time that is left, which is negative if it is over.
func left(seconds float64) string {
	if seconds < 0 {
		return "-" + duration(-seconds)
	}
	return duration(seconds)
}

// usd writes an amount to the cent, and more precisely if it is less than one.
func usd(v float64) string {
	sign, size := "", math.Abs(v)
	if v < 0 {
		sign = "-"
	}
	switch {
	case size > 0 && size < 0.00005:
		return "<" + sign + "$0.0001"
	case size > 0 && size < 0.01:
		return sign + "$" + thousands(size, 4)
	default:
		return sign + "$" + thousands(size, 2)
	}
}

// megabytes writes an amount of traffic.
func megabytes(v float64) string { return thousands(v, 1) }

// percent writes a share.
func percent(v float64) string { return thousands(100*v, 0) + "%" }

// whole writes a number without a fraction.
func whole(v float64) string { return thousands(v, 0) }

// count writes a number of things.
func count(n int) string { return whole(float64(n)) }

// thousands writes a number with commas.
func thousands(v float64, places int) string {
	sign, text := "", fmt.Sprintf("%.*f", places, v)
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		sign, text = "-", rest
	}
	whole, fraction, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return strings.TrimSuffix(sign+whole+"."+fraction, ".")
}

// utc writes when something was: by a clock that is the same for all who look.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// clock is utc for a column.
func clock(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }
