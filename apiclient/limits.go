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

// How long a 429 silences the client. The API sends 5 s for its own windows and
// 300 s for its outer limit (its guide on rate limits).
const (
	defaultHold = 5 * time.Second // Retry-After absent or unreadable: one window
	minHold     = time.Second
	maxHold     = 15 * time.Minute // whatever is announced: three times the outer limit
)

// limits keeps all requests of a client within its share of the API.
type limits struct {
	slots *semaphore.Weighted
	rate  *rate.Limiter
	now   func() time.Time

	mu    sync.Mutex // guards until, never held while waiting
	until time.Time  // nobody asks before
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

// enter waits until a request may be sent; release must be called after it. The
// error is a *heldError during a hold, and otherwise says that ctx is over.
func (l *limits) enter(ctx context.Context) (release func(), err error) {
	if err := l.held(); err != nil {
		return nil, err
	}
	if err := l.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	release = func() { l.slots.Release(1) }
	// The hold may have begun during either wait. Asked before the second, too,
	// so that a queue dissolves at once instead of at the pace of the rate limit.
	if err = l.held(); err == nil {
		if err = l.rate.Wait(ctx); err == nil {
			err = l.held()
		}
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// hold lets nobody ask for as long as the headers of a 429 demand, and returns
// how long that is.
func (l *limits) hold(header http.Header) time.Duration {
	now := l.now()
	wait := retryAfter(header, now)
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := now.Add(wait); until.After(l.until) {
		l.until = until
	}
	return wait
}

func (l *limits) holdUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Longer than the longest hold can only be a clock that jumped back.
	if wait := l.until.Sub(l.now()); wait <= 0 || wait > maxHold {
		return time.Time{}
	}
	return l.until
}

// held returns a *heldError during a hold.
func (l *limits) held() error {
	if until := l.holdUntil(); !until.IsZero() {
		return &heldError{wait: until.Sub(l.now())}
	}
	return nil
}

// heldError says that a request was withheld because of an earlier 429.
type heldError struct{ wait time.Duration }

func (e *heldError) Error() string {
	return fmt.Sprintf("not asked: the API wants no request for another %s", e.wait.Round(time.Millisecond))
}

// retryAfter reads Retry-After, which is a number of seconds or an HTTP date. A
// date is compared with the reply's own Date if it has one, so that the two
// machines' clocks need not agree.
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
