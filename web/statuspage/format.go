package statuspage

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// These write values for people, as format.js does in the browser.

// duration writes its two largest units, without a sign.
func duration(d time.Duration) string {
	s := int64(d.Abs() / time.Second)
	minutes, hours, days := s/60, s/3600, s/86400
	switch {
	case days > 0:
		return fmt.Sprintf("%dd %02dh", days, hours%24)
	case hours > 0:
		return fmt.Sprintf("%dh %02dm", hours, minutes%60)
	case minutes > 0:
		return fmt.Sprintf("%dm %02ds", minutes, s%60)
	default:
		return fmt.Sprintf("%ds", s)
	}
}

// ago writes how long ago something was, in its largest unit.
func ago(d time.Duration) string {
	text, _, _ := strings.Cut(duration(max(d, 0)), " ")
	return text + " ago"
}

// left writes the time that is left, which is negative if it is over.
func left(d time.Duration) string {
	if d < 0 {
		return "-" + duration(d)
	}
	return duration(d)
}

// usd writes an amount: to the cent from a dollar on, more precisely below.
func usd(v float64) string {
	if v >= 1 || v <= -1 {
		return dollars(v, 2)
	}
	return dollars(v, 4)
}

// cost writes an amount for a column, whose points have to stand below each
// other.
func cost(v float64) string { return dollars(v, 4) }

func dollars(v float64, places int) string {
	text := thousands(v, places)
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		return "-$" + rest
	}
	return "$" + text
}

// megabytes writes an amount of traffic.
func megabytes(v float64) string { return thousands(v, 1) }

// count writes a number of things.
func count(n int) string { return thousands(float64(n), 0) }

// thousands writes a number with commas, and one beyond reason, of which not all
// digits are known, shortly.
func thousands(v float64, places int) string {
	if math.Abs(v) >= 1e15 {
		return fmt.Sprintf("%.2e", v)
	}
	text := fmt.Sprintf("%.*f", places, v)
	whole, fraction, fractional := strings.Cut(text, ".")
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		whole, sign = rest, "-"
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fractional {
		whole += "." + fraction
	}
	return sign + whole
}

// sentence makes one of what goes on after a name.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// utc writes when something was: by a clock that is the same for all who look.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// rfc3339 writes a time for machines.
func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
