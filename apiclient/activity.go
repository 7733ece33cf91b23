package apiclient

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// The requests are counted in slots of time, so that a rate can be told without
// a list of them.
const (
	rateSlot   = 5 * time.Second
	rateSlots  = 60
	rateWindow = rateSlots * rateSlot
	// leastRateTime is what a rate is of, at least: the burst of the first scrape
	// says nothing of a minute.
	leastRateTime = time.Minute
)

// Activity is what a Client has done, for people to look at.
type Activity struct {
	Requests  int       // sent so far, retries included
	PerMinute float64   // of them, over the last five minutes or the client's life
	HoldUntil time.Time // as HoldUntil says
	Failures  []Failure // the kinds that occurred, the one that occurred last first
}

// Failure is what is known of the failures of one kind.
type Failure struct {
	Endpoint Endpoint
	Reason   Reason
	Count    int
	Last     time.Time
}

// activity keeps what Activity tells. It is safe for concurrent use.
type activity struct {
	now   func() time.Time
	start time.Time

	mu       sync.Mutex
	requests int
	slots    [rateSlots]struct {
		number int64 // of the slot, counted from the epoch
		count  int
	}
	failures map[failureKind]*Failure
}

type failureKind struct {
	endpoint Endpoint
	reason   Reason
}

func newActivity(now func() time.Time) *activity {
	return &activity{now: now, start: now(), failures: map[failureKind]*Failure{}}
}

// sent counts a request that is about to be sent.
func (a *activity) sent() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
	number := slotNumber(a.now())
	slot := &a.slots[number%rateSlots]
	if slot.number != number {
		slot.number, slot.count = number, 0
	}
	slot.count++
}

func (a *activity) failed(endpoint Endpoint, reason Reason) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kind := failureKind{endpoint, reason}
	failure := a.failures[kind]
	if failure == nil {
		failure = &Failure{Endpoint: endpoint, Reason: reason}
		a.failures[kind] = failure
	}
	failure.Count++
	failure.Last = a.now()
}

// perMinute is the rate of requests. a.mu is held.
func (a *activity) perMinute() float64 {
	now := a.now()
	newest, count := slotNumber(now), 0
	for i := range a.slots {
		if age := newest - a.slots[i].number; age >= 0 && age < rateSlots {
			count += a.slots[i].count
		}
	}
	over := min(max(now.Sub(a.start), leastRateTime), rateWindow)
	return float64(count) / over.Minutes()
}

func slotNumber(t time.Time) int64 { return t.UnixNano() / int64(rateSlot) }

// Requests returns how many requests were sent so far, retries included.
func (c *Client) Requests() int {
	c.activity.mu.Lock()
	defer c.activity.mu.Unlock()
	return c.activity.requests
}

// Activity returns what the client has done so far. It asks the API nothing.
func (c *Client) Activity() Activity {
	a := c.activity
	a.mu.Lock()
	defer a.mu.Unlock()
	result := Activity{Requests: a.requests, PerMinute: a.perMinute(), HoldUntil: c.HoldUntil()}
	for _, failure := range a.failures {
		result.Failures = append(result.Failures, *failure)
	}
	slices.SortFunc(result.Failures, func(x, y Failure) int {
		return cmp.Or(y.Last.Compare(x.Last), cmp.Compare(x.Endpoint, y.Endpoint), cmp.Compare(x.Reason, y.Reason))
	})
	return result
}
