package apiclient

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// How long a 429 or 503 holds the client's requests. The API sends 5 s for its own
// windows and 300 s for its outer limit (its guide on rate limits).
const (
	defaultHold = 5 * time.Second // after a 429 whose Retry-After is absent or unreadable: one window
	minHold     = time.Second
	maxHold     = 15 * time.Minute // whatever is announced: three times the outer limit
)

// limits keeps all requests of a client within its share of the API.
type limits struct {
	slots *semaphore.Weighted
	rate  *rate.Limiter
	now   func() time.Time

	mu     sync.Mutex // guards the rest, never held while waiting
	until  time.Time  // no request is sent before
	reason Reason     // of the response that asked for it
}

func newLimits(concurrency int, perSecond float64, now func() time.Time) *limits {
	limit := rate.Inf
	if perSecond > 0 {
		limit = rate.Limit(perSecond)
	}
	return &limits{
		slots: semaphore.NewWeighted(int64(concurrency)),
		rate:  rate.NewLimiter(limit, max(1, int(2*perSecond))),
		now:   now,
	}
}

// enter waits until a request may be sent; release must be called after it. It
// returns what refusal returns if that is an error, checked before and after each
// wait so that a queue dissolves at once. Both results are nil if ctx is over.
func (l *limits) enter(ctx context.Context, refusal func() *Error) (release func(), refused *Error) {
	if refused := refusal(); refused != nil {
		return nil, refused
	}
	if l.slots.Acquire(ctx, 1) != nil {
		return nil, nil
	}
	release = func() { l.slots.Release(1) }
	refused = refusal()
	if refused == nil {
		if l.rate.Wait(ctx) != nil {
			release()
			return nil, nil
		}
		refused = refusal()
	}
	if refused != nil {
		release()
		return nil, refused
	}
	return release, nil
}

// hold stops all requests for as long as a 429, or a 503 with a Retry-After,
// demands, and returns how long that is; 0 for any other response. A 503 of an endpoint
// of agent sessions stops none: others do without it.
func (l *limits) hold(response *http.Response, endpoint Endpoint) time.Duration {
	status := response.StatusCode
	unavailable := status == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != ""
	if status != http.StatusTooManyRequests && !unavailable {
		return 0
	}
	now := l.now()
	wait := retryAfter(response.Header, now)
	if unavailable && endpoint.IsOfAgents() {
		return wait
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := now.Add(wait); until.After(l.until) {
		l.until, l.reason = until, statusReason(status)
	}
	return wait
}

// holdUntil returns until when requests are held, and the reason of the response
// that asked for it; the zero time if they are not.
func (l *limits) holdUntil() (time.Time, Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Longer than the longest hold can only be a clock that jumped back.
	if wait := l.until.Sub(l.now()); wait <= 0 || wait > maxHold {
		return time.Time{}, ""
	}
	return l.until, l.reason
}

// refusal returns the error of a request during a hold, or nil.
func (l *limits) refusal(endpoint Endpoint) *Error {
	until, reason := l.holdUntil()
	if until.IsZero() {
		return nil
	}
	wait := until.Sub(l.now())
	return &Error{
		Endpoint: endpoint, Reason: reason, NotSent: NotSentHeld, RetryAfter: wait,
		Err: fmt.Errorf("not sent: the API asked for a pause, another %s", wait.Round(time.Millisecond)),
	}
}

// retryAfter returns what Retry-After demands, a number of seconds or an HTTP
// date. A date is compared with the response's own Date if it has one, so that the
// two machines' clocks need not agree.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	wait := defaultHold
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, _ := strconv.ParseUint(value, 10, 32) // the largest there is, if it is larger
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		if date, err := http.ParseTime(header.Get("Date")); err == nil {
			now = date
		}
		wait = at.Sub(now)
	}
	return min(max(wait, minHold), maxHold)
}
