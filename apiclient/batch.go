package apiclient

import (
	"context"
	"sync"

	"github.com/cenkalti/backoff/v5"
)

// What a failing API costs one batch, besides the requests in flight.
const (
	// trialRequests for single sessions may be in flight until the API answers one of them.
	trialRequests = 3
	// maxStrikes more failures than answers close the batch: one broken record at the API must not,
	// an endpoint that fails must.
	maxStrikes = 3
	// freeRetries are allowed to each endpoint at once, and one more for each answersPerRetry answers.
	freeRetries     = 2
	answersPerRetry = 10
)

// Batch is the requests of one reading of the API. It keeps a failing API from being asked over and
// over: once a request shows that every other would fail, too, the batch is closed and sends nothing
// more but the request for the account, on which nothing else depends. It is safe for concurrent use.
type Batch struct {
	client   *Client
	parent   *Batch // nil: none
	key      string
	cautious bool
	probe    *trial // of all requests for sessions, if the batch is cautious
	sessions *trial // of those for single sessions

	mu      sync.Mutex // never held while waiting
	closed  *Error     // the failure that closed the batch; nil while it is open
	sent    int
	answers int
	strikes int
	retries map[Endpoint]int
}

// NewBatch returns an open batch. It reads the API key once, for all its requests. A cautious batch
// sends one request for sessions at a time until the API answers one, and retries none: for an API that
// failed the time before.
func (c *Client) NewBatch(cautious bool) *Batch {
	return newBatch(c, nil, c.options.Key(), cautious)
}

// Fork returns an open batch of the same reading for requests on which b does not depend: their
// failures leave b as it is. The batch sends nothing more either once b is closed.
func (b *Batch) Fork() *Batch { return newBatch(b.client, b, b.key, b.cautious) }

func newBatch(c *Client, parent *Batch, key string, cautious bool) *Batch {
	b := &Batch{
		client: c, parent: parent, key: key, cautious: cautious,
		probe: newTrial(1), sessions: newTrial(trialRequests), retries: map[Endpoint]int{},
	}
	if !cautious {
		b.probe.open()
	}
	return b
}

// Sent returns how many requests the batch has sent so far, retries and those of its forks included.
func (b *Batch) Sent() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sent
}

// Closed returns the failure that closed the batch, or the one that it was forked from, or nil while
// it is open.
func (b *Batch) Closed() *Error {
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	if closed == nil && b.parent != nil {
		return b.parent.Closed()
	}
	return closed
}

// Answered reports whether the API has answered a request for sessions.
func (b *Batch) Answered() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.answers > 0
}

// get sends a request and returns what decode makes of the response. The error, if any, is an *Error.
func get[T any](ctx context.Context, b *Batch, endpoint Endpoint, path string, limit int64, decode func(body []byte) (T, error)) (result T, err error) {
	err = b.get(ctx, request{endpoint, path, limit, func(body []byte) error {
		decoded, err := decode(body)
		if err == nil {
			result = decoded
		}
		return err
	}})
	return result, err
}

// get sends a request as soon as the batch's trials allow it. The error, if any, is an *Error.
func (b *Batch) get(ctx context.Context, r request) error {
	if r.endpoint == EndpointAccount {
		failure, _ := b.send(ctx, r)
		return failure.orNil()
	}
	leave, err := b.probe.enter(ctx)
	if err != nil {
		return b.client.gaveUp(ctx, r.endpoint)
	}
	defer leave()
	if !r.endpoint.IsOfOneSession() {
		failure, _ := b.send(ctx, r)
		return failure.orNil()
	}
	leave, err = b.sessions.enter(ctx)
	if err != nil {
		return b.client.gaveUp(ctx, r.endpoint)
	}
	failure, struck := b.send(ctx, r)
	if !struck { // else it keeps its slot: the last one closes the batch
		leave()
	}
	return failure.orNil()
}

// send sends a request until decode accepts the response, the failure is final, or no retry is left.
// It reports whether the failure counts against the batch.
func (b *Batch) send(ctx context.Context, r request) (failure *Error, struck bool) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = retryPause
	pauses.Multiplier = 2
	_, _ = backoff.Retry(ctx, func() (struct{}, error) { // its error is failure, or that ctx is over
		failure = b.client.attempt(ctx, b, r)
		if failure != nil && (!failure.temporary() || !b.takeRetry(r.endpoint)) {
			return struct{}{}, backoff.Permanent(failure)
		}
		return struct{}{}, failure.orNil()
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(maxTries))
	return failure, b.record(r.endpoint, failure)
}

// refusal returns why no request may be sent now, or nil.
func (b *Batch) refusal(endpoint Endpoint) *Error {
	if held := b.client.limits.refusal(endpoint); held != nil {
		return held
	}
	closed := b.Closed()
	if closed == nil || endpoint == EndpointAccount {
		return nil
	}
	return &Error{Endpoint: endpoint, Reason: closed.Reason, NotSent: NotSentUnavailable, Foreign: closed.Foreign, Err: closed.Err}
}

// takeRetry reports whether a failed request may be sent again.
func (b *Batch) takeRetry(endpoint Endpoint) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.retries[endpoint]++
	return !b.cautious && b.retries[endpoint] <= freeRetries+b.answers/answersPerRetry
}

func (b *Batch) countSent() {
	if b.parent != nil {
		b.parent.countSent()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent++
}

// record decides from the outcome of a request whether the batch goes on, and
// reports whether it counts against that.
func (b *Batch) record(endpoint Endpoint, failure *Error) (struck bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case endpoint == EndpointAccount, failure != nil && (failure.NotSent != "" || failure.Reason == ReasonCanceled):
		return false
	case failure == nil, failure.Gone() && endpoint.IsOfOneSession() && b.answers > 0:
		// A session that is not there is an answer, unless nothing else is there.
		b.answers++
		b.strikes = max(0, b.strikes-1)
		b.probe.open()
		if endpoint.IsOfOneSession() {
			b.sessions.open()
		}
		return false
	}
	b.strikes++
	probeFailed := b.cautious && b.answers == 0 && !endpoint.IsOfOneSession() && failure.AffectsEveryRequest()
	if probeFailed || failure.RetryAfter > 0 || b.strikes >= maxStrikes {
		b.close(failure)
	}
	return true
}

// Close closes the batch because of a failure from which its caller knows that all other requests would
// fail, too.
func (b *Batch) Close(failure *Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.close(failure)
}

// close closes the batch. b.mu is held.
func (b *Batch) close(failure *Error) {
	if b.closed == nil {
		b.closed = failure
	}
	b.probe.open() // those that wait are refused
	b.sessions.open()
}

// trial lets only a few requests through at a time, until it is opened.
type trial struct {
	slots  chan struct{}
	opened chan struct{}
	once   sync.Once
}

func newTrial(slots int) *trial {
	return &trial{slots: make(chan struct{}, slots), opened: make(chan struct{})}
}

func (t *trial) open() { t.once.Do(func() { close(t.opened) }) }

// enter waits for a slot, or for the trial to be opened; leave must be called after the request. The
// error is that of ctx.
func (t *trial) enter(ctx context.Context) (leave func(), err error) {
	select {
	case <-t.opened:
		return func() {}, nil
	default:
	}
	select {
	case <-t.opened:
		return func() {}, nil
	case t.slots <- struct{}{}:
		return func() { <-t.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
