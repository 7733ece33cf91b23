// Package apiclient reads browser sessions and the account from the Browser Use
// Cloud API v3: one method an endpoint, typed results, typed errors. It keeps
// within the limits it is given, waits out a 429 for all its callers together,
// and counts every request and every failure.
package apiclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Endpoint names one of the API's endpoints, as the label "endpoint" shows it.
type Endpoint string

// The endpoints that the client asks.
const (
	EndpointBrowser  Endpoint = "browser"  // GET /browsers/{session_id}
	EndpointBrowsers Endpoint = "browsers" // GET /browsers
	EndpointAccount  Endpoint = "account"  // GET /billing/account
)

// The base URLs of the API. Keys of projects in Europe are of no use at the other
// one, and the other way round (from the vendor's guides).
const (
	DefaultAPI  = "https://api.browser-use.com/api/v3"
	EuropeanAPI = "https://api.eu.browser-use.com/api/v3"
)

// PageSize is the number of sessions asked for with one page of the list: the
// most that the API gives (its page on GET /browsers).
const PageSize = 100

// Bounds of what is read of one reply, in bytes after decompression. A session
// is about 1 KiB, so both leave an order of magnitude.
const (
	maxDetailBytes = 1 << 20
	maxListBytes   = 16 << 20
	maxHeaderBytes = 256 << 10
)

// Retries of what may pass by itself: 502, 503, 504 and broken connections.
const (
	maxTries   = 3
	retryPause = 100 * time.Millisecond // the first one on average; it is randomized and doubles
)

// A connection of HTTP/2 that died without a word, behind a NAT or in a failover,
// would be used until the kernel gives it up, which takes it a quarter of an hour.
const (
	silence     = 10 * time.Second // after so long without a frame, the API is asked whether it is there
	pingTimeout = 3 * time.Second
)

// Options say how a Client reaches the API. BaseURL, Key, Timeout and
// Concurrency are required.
type Options struct {
	BaseURL     string            // such as https://api.browser-use.com/api/v3
	Key         func() string     // the API key in force; asked before each request
	Timeout     time.Duration     // of one attempt, from its sending to the end of its body
	Concurrency int               // requests in flight, at most
	RateLimit   float64           // requests a second, at most, with a burst of twice as many; 0: no limit
	UserAgent   string            // of the requests
	Transport   http.RoundTripper // nil: NewTransport(Concurrency)
	Now         func() time.Time  // nil: time.Now
}

// Client asks the API. It is safe for concurrent use, and a
// prometheus.Collector of the metrics about its own requests.
type Client struct {
	baseURL     string
	key         func() string
	timeout     time.Duration
	userAgent   string
	concurrency int
	http        *http.Client
	limits      *limits
	metrics     metrics
	activity    *activity
}

// New returns a Client.
func New(o Options) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Transport == nil {
		o.Transport = NewTransport(o.Concurrency)
	}
	return &Client{
		baseURL:     strings.TrimRight(o.BaseURL, "/"),
		key:         o.Key,
		timeout:     o.Timeout,
		userAgent:   o.UserAgent,
		concurrency: o.Concurrency,
		http: &http.Client{
			Transport: o.Transport,
			// A redirect is shown to the caller, not followed: Go would send the
			// key, being a custom header, to whatever host it names.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		limits:   newLimits(o.Concurrency, o.RateLimit, o.Now),
		metrics:  newMetrics(),
		activity: newActivity(o.Now),
	}
}

// NewTransport returns a transport for a client with so many requests in
// flight. It honours HTTPS_PROXY and its like.
func NewTransport(concurrency int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = concurrency
	t.MaxIdleConnsPerHost = concurrency
	t.MaxResponseHeaderBytes = maxHeaderBytes
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: pingTimeout}
	return t
}

// Concurrency returns how many requests may be in flight: to begin more at once
// gains nothing.
func (c *Client) Concurrency() int { return c.concurrency }

// CloseIdleConnections closes the connections that are not in use.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// HoldUntil returns until when the API asked, with a 429, not to be asked, or
// the zero time if it may be asked now.
func (c *Client) HoldUntil() time.Time { return c.limits.holdUntil() }

// Session reads one session. id must be a UUID in lower case.
func (c *Client) Session(ctx context.Context, id string) (Session, error) {
	var session Session
	err := c.get(ctx, EndpointBrowser, "/browsers/"+url.PathEscape(id), maxDetailBytes, func(body []byte) (err error) {
		session, err = decodeSession(body)
		if err == nil && session.ID != id {
			err = errors.New("the reply is about another session")
		}
		return err
	})
	return session, err
}

// ActiveSessions reads one page, from 1 on, of the list of active sessions.
func (c *Client) ActiveSessions(ctx context.Context, page int) (Page, error) {
	var result Page
	path := fmt.Sprintf("/browsers?pageSize=%d&pageNumber=%d&filterBy=active", PageSize, page)
	err := c.get(ctx, EndpointBrowsers, path, maxListBytes, func(body []byte) (err error) {
		result, err = decodePage(body, page)
		return err
	})
	for range result.Bad {
		c.failed(EndpointBrowsers, ReasonInvalidResponse)
	}
	return result, err
}

// Account reads the credits and limits of the key's project.
func (c *Client) Account(ctx context.Context) (Account, error) {
	var account Account
	err := c.get(ctx, EndpointAccount, "/billing/account", maxDetailBytes, func(body []byte) (err error) {
		account, err = decodeAccount(body)
		return err
	})
	return account, err
}

// get asks for path until decode has taken a reply, a failure is final, or the
// tries are used up. The error, if any, is an *Error.
func (c *Client) get(ctx context.Context, endpoint Endpoint, path string, limit int64, decode func([]byte) error) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = retryPause
	pauses.Multiplier = 2

	var last *Error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = c.attempt(ctx, endpoint, path, limit, decode)
		switch {
		case last == nil:
			return struct{}{}, nil
		case last.temporary():
			return struct{}{}, last
		default:
			return struct{}{}, backoff.Permanent(last)
		}
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(maxTries))
	if err == nil {
		return nil
	}
	if last == nil { // ended before the first attempt
		last = c.abandoned(ctx, endpoint)
	}
	return last
}

// attempt sends one request, as soon as the limits let it, and counts what
// comes of it.
func (c *Client) attempt(ctx context.Context, endpoint Endpoint, path string, limit int64, decode func([]byte) error) *Error {
	release, err := c.limits.enter(ctx)
	if held := (*heldError)(nil); errors.As(err, &held) {
		return &Error{Endpoint: endpoint, Reason: ReasonRateLimited, RetryAfter: held.wait, Err: err}
	}
	if err != nil {
		return c.abandoned(ctx, endpoint)
	}
	defer release()

	attemptCtx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	c.activity.sent()
	start := time.Now()
	failure := c.exchange(attemptCtx, endpoint, path, limit, decode)
	c.metrics.observe(endpoint, time.Since(start))

	switch {
	case failure == nil:
		return nil
	case failure.Status == 0 && ctx.Err() != nil:
		return c.abandoned(ctx, endpoint)
	case failure.Status == 0 && attemptCtx.Err() != nil:
		failure.Reason, failure.Err = ReasonTimeout, fmt.Errorf("no complete answer within %s", c.timeout)
	}
	c.failed(endpoint, failure.Reason)
	return failure
}

// failed counts a failure.
func (c *Client) failed(endpoint Endpoint, reason Reason) {
	c.metrics.failed(endpoint, reason)
	c.activity.failed(endpoint, reason)
}

// abandoned is the error of a request that was given up because ctx is over.
// Only a deadline counts as a failure of the API to answer in time: that the
// scraper hung up is none.
func (c *Client) abandoned(ctx context.Context, endpoint Endpoint) *Error {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return &Error{Endpoint: endpoint, Reason: ReasonCanceled, Err: errors.New("nobody waits for the answer any more")}
	}
	c.failed(endpoint, ReasonTimeout)
	return &Error{Endpoint: endpoint, Reason: ReasonTimeout, Err: errors.New("the time for the scrape was over")}
}

// exchange sends the request and reads the reply. An error without a status is
// one of the connection, or of a context that is over.
func (c *Client) exchange(ctx context.Context, endpoint Endpoint, path string, limit int64, decode func([]byte) error) *Error {
	fail := func(status int, reason Reason, err error) *Error {
		return &Error{Endpoint: endpoint, Reason: reason, Status: status, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.baseURL+path, http.NoBody)
	if err != nil {
		return fail(0, ReasonConnection, err)
	}
	req.Header.Set("X-Browser-Use-API-Key", c.key())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)

	resp, err := c.http.Do(req)
	if err != nil {
		return fail(0, connectionReason(err), withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	c.metrics.answered(endpoint, resp.StatusCode)

	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		failure := fail(resp.StatusCode, statusReason(resp.StatusCode), errors.New(http.StatusText(resp.StatusCode)))
		if failure.Reason == ReasonRateLimited {
			failure.RetryAfter = c.limits.hold(resp.Header)
			failure.Err = fmt.Errorf("%w; nobody asks for %s", failure.Err, failure.RetryAfter.Round(time.Millisecond))
		}
		return failure
	}

	buffer := buffers.Get().(*bytes.Buffer)
	defer putBack(buffer)
	_, err = buffer.ReadFrom(io.LimitReader(resp.Body, limit+1))
	body := buffer.Bytes()
	switch {
	case err != nil && isCorrupt(err):
		return fail(resp.StatusCode, ReasonInvalidResponse, fmt.Errorf("decompress the reply: %w", err))
	case err != nil:
		return fail(0, connectionReason(err), fmt.Errorf("read the reply: %w", err))
	case int64(len(body)) > limit:
		return fail(resp.StatusCode, ReasonInvalidResponse, fmt.Errorf("the reply is longer than %d bytes", limit))
	}
	if err := decode(body); err != nil {
		return fail(resp.StatusCode, ReasonInvalidResponse, err)
	}
	return nil
}

// buffers hold replies while they are taken apart; what is decoded is a copy. A
// large fleet has many pages, of which few are read at once.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func putBack(buffer *bytes.Buffer) {
	const usual = 1 << 20 // a page of a hundred sessions is a tenth of it
	if buffer.Cap() > usual {
		return
	}
	buffer.Reset()
	buffers.Put(buffer)
}
