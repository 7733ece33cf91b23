package apiclient

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Failure counts the failures of one kind since the Client was made.
type Failure struct {
	Endpoint Endpoint
	Reason   Reason
	Count    int
	Last     time.Time
}

// activity counts requests and failures. It is safe for concurrent use.
type activity struct {
	now func() time.Time

	mu       sync.Mutex
	requests int
	failures map[failureKind]Failure
}

type failureKind struct {
	endpoint Endpoint
	reason   Reason
}

func newActivity(now func() time.Time) *activity {
	return &activity{now: now, failures: map[failureKind]Failure{}}
}

// sent counts a request that is about to be sent.
func (a *activity) sent() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
}

func (a *activity) failed(endpoint Endpoint, reason Reason) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kind := failureKind{endpoint, reason}
	a.failures[kind] = Failure{Endpoint: endpoint, Reason: reason, Count: a.failures[kind].Count + 1, Last: a.now()}
}

// Requests returns how many requests were sent so far, retries included.
func (c *Client) Requests() int {
	c.activity.mu.Lock()
	defer c.activity.mu.Unlock()
	return c.activity.requests
}

// Failures returns the kinds of failure that occurred so far, the one that
// occurred last first.
func (c *Client) Failures() []Failure {
	c.activity.mu.Lock()
	defer c.activity.mu.Unlock()
	return slices.SortedFunc(maps.Values(c.activity.failures), func(x, y Failure) int {
		return cmp.Or(y.Last.Compare(x.Last), cmp.Compare(x.Endpoint, y.Endpoint), cmp.Compare(x.Reason, y.Reason))
	})
}
