package web

import (
	"net/http"
	"strconv"
	"time"
)

// timeoutHeader is what Prometheus sends along: its own timeout, in seconds.
const timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// maxTimeout bounds what the header can ask for. Prometheus has no reason to
// wait longer than its scrape interval, for which an hour is absurd already.
const maxTimeout = time.Hour

// Deadline says how long a scrape may take.
type Deadline struct {
	Default time.Duration // without a usable header
	Offset  time.Duration // taken off the header's value, for writing the answer out; but at most half of it
}

// of returns how long the reading for a scrape may take.
func (d Deadline) of(r *http.Request) time.Duration {
	seconds, err := strconv.ParseFloat(r.Header.Get(timeoutHeader), 64)
	if err != nil || !(seconds > 0) { // NaN, too
		return d.Default
	}
	timeout := time.Duration(min(seconds, maxTimeout.Seconds()) * float64(time.Second))
	return timeout - min(d.Offset, timeout/2)
}
