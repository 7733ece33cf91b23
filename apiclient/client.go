// Package apiclient reads browser sessions, agent sessions and the account from the
// Browser Use Cloud API v3: one method an endpoint, typed results, typed errors. It keeps
// within the limits it is given, waits out a 429 for all its callers together,
// sends a failing API only a few requests, and counts what it does. It knows
// nothing of scrapes, metrics of sessions, or flags.
package apiclient

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Endpoint names one of the API's endpoints, as the label "endpoint" shows it.
type Endpoint string

// The endpoints.
const (
	EndpointBrowser  Endpoint = "browser"  // GET /browsers/{session_id}
	EndpointBrowsers Endpoint = "browsers" // GET /browsers
	EndpointAccount  Endpoint = "account"  // GET /billing/account

	EndpointAgentSession  Endpoint = "agent_session"  // GET /sessions/{session_id}
	EndpointAgentSessions Endpoint = "agent_sessions" // GET /sessions
)

// IsOfOneSession reports whether the endpoint has one session, not a list.
func (e Endpoint) IsOfOneSession() bool { return e == EndpointBrowser || e == EndpointAgentSession }

// IsOfAgents reports whether the endpoint has agent sessions. The API does not serve
// them everywhere.
func (e Endpoint) IsOfAgents() bool {
	return e == EndpointAgentSession || e == EndpointAgentSessions
}

// The base URLs of the API. Keys of projects in Europe are of no use at the other
// one, and the other way round (from the vendor's guides).
const (
	DefaultAPI  = "https://api.browser-use.com/api/v3"
	EuropeanAPI = "https://api.eu.browser-use.com/api/v3"
)

// PageSize is the number of sessions that a request for a page of the list asks
// for: the most that the API gives (its page on GET /browsers).
const PageSize = 100

// Bounds of what is read of one response, in bytes, compressed and not. A browser
// session is about 1 KiB, so both leave an order of magnitude. An agent session also
// has its output: each of the 100 on a page may have 160 KiB of it.
const (
	maxDetailBytes  = 1 << 20
	maxListBytes    = 16 << 20
	maxHeaderBytes  = 256 << 10
	maxRefusalBytes = 64 << 10 // of a response that is not 2xx, so that its connection can be used again
)

// refusalTime bounds how long the body of such a response is waited for.
const refusalTime = time.Second

// Retries of what may pass: 502, 503, 504 and broken connections.
const (
	maxTries   = 3
	retryPause = 100 * time.Millisecond // the first one on average; it is randomized and doubles
)

// A connection of HTTP/2 that died silently, behind a NAT or in a failover, would
// be used until the kernel gives it up, which takes a quarter of an hour.
const (
	pingAfter   = 10 * time.Second // without a frame
	pingTimeout = 3 * time.Second
)

// Options configure a Client. BaseURL, Key, Timeout and Concurrency are required.
type Options struct {
	BaseURL       string            // such as DefaultAPI
	Key           func() string     // returns the API key in force; called once for each batch
	Timeout       time.Duration     // of one attempt, from its sending to the end of its body
	Concurrency   int               // maximum of requests in flight
	RateLimit     float64           // maximum of requests a second, with a burst of twice as many; 0: no limit
	MetadataKeys  []string          // keys of the sessions' metadata to decode
	AgentSessions bool              // read agent sessions, too: the metrics of these requests are there from the start
	UserAgent     string            // of the requests
	Transport     http.RoundTripper // nil: NewTransport(Concurrency)
	Now           func() time.Time  // nil: time.Now
}

// Client sends requests to the API. It is safe for concurrent use, and a
// prometheus.Collector of the metrics about its own requests.
type Client struct {
	options Options
	limits  *limits
	metrics *metrics
}

// New returns a Client.
func New(o Options) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Transport == nil {
		o.Transport = NewTransport(o.Concurrency)
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	limits := newLimits(o.Concurrency, o.RateLimit, o.Now)
	return &Client{options: o, limits: limits, metrics: newMetrics(limits.holdUntil, o.Now, o.AgentSessions)}
}

// NewTransport returns a transport for a client with so many requests in
// flight. It honours HTTPS_PROXY and the like.
func NewTransport(concurrency int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = concurrency
	t.MaxIdleConnsPerHost = concurrency
	t.MaxResponseHeaderBytes = maxHeaderBytes
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout}
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
		if response.StatusCode != http.StatusOK {
			return &errProxyRefused{status: response.StatusCode}
		}
		return nil
	}
	return t
}

// Concurrency returns the maximum of requests in flight: starting more at once
// gains nothing.
func (c *Client) Concurrency() int { return c.options.Concurrency }

// MetadataKeys returns the keys of the sessions' metadata that are decoded.
func (c *Client) MetadataKeys() []string { return c.options.MetadataKeys }

// HasAgentSessions reports whether the client is for agent sessions, too.
func (c *Client) HasAgentSessions() bool { return c.options.AgentSessions }

// CloseIdleConnections closes the connections that are not in use.
func (c *Client) CloseIdleConnections() {
	(&http.Client{Transport: c.options.Transport}).CloseIdleConnections()
}

// HoldUntil returns until when the client sends no request because the API asked
// for a pause, and the reason of the response that did, or the zero time.
func (c *Client) HoldUntil() (time.Time, Reason) { return c.limits.holdUntil() }

// request is a GET of a path below the base URL.
type request struct {
	endpoint Endpoint
	path     string
	limit    int64                   // bytes that are read of the body
	decode   func(body []byte) error // its error quotes nothing of body
}

// attempt sends one request, as soon as the limits allow it, and counts its
// outcome. It returns nil if decode accepted the response.
func (c *Client) attempt(ctx context.Context, b *Batch, r request) *Error {
	if ctx.Err() != nil { // the requests that this ends close the batch, which is not why
		return c.gaveUp(ctx, r.endpoint)
	}
	refusal := func() *Error { return b.refusal(r.endpoint) }
	release, notSent := c.limits.enter(ctx, refusal)
	switch {
	case release != nil:
	case notSent == nil, ctx.Err() != nil: // at a deadline, what hangs may close the batch first
		return c.gaveUp(ctx, r.endpoint)
	default:
		c.metrics.countNotSent(r.endpoint, notSent.NotSent)
		return notSent
	}
	defer release()

	attemptCtx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	b.countSent()
	start := time.Now()
	failure := c.exchange(attemptCtx, cancel, b.key, r)
	c.metrics.duration.WithLabelValues(string(r.endpoint)).Observe(time.Since(start).Seconds())

	switch {
	case failure == nil:
		return nil
	case failure.Status != 0:
	case ctx.Err() != nil && isCanceled(ctx):
		return canceled(r.endpoint)
	case ctx.Err() != nil:
		failure.Reason, failure.Err = ReasonTimeout, errors.New("no complete response in the time that was left")
	case attemptCtx.Err() != nil:
		failure.Reason, failure.Err = ReasonTimeout, fmt.Errorf("no complete response within %s", c.options.Timeout)
	}
	c.metrics.countFailure(r.endpoint, failure.Reason)
	return failure
}

// gaveUp returns the error of a request that was not sent because ctx was over,
// and counts it unless the caller went away.
func (c *Client) gaveUp(ctx context.Context, endpoint Endpoint) *Error {
	if isCanceled(ctx) {
		return canceled(endpoint)
	}
	c.metrics.countNotSent(endpoint, NotSentDeadline)
	return &Error{Endpoint: endpoint, Reason: ReasonTimeout, NotSent: NotSentDeadline, Err: errors.New("the time was over before the request could be sent")}
}

// isCanceled reports whether ctx ended because its caller went away, rather than
// by a deadline.
func isCanceled(ctx context.Context) bool { return errors.Is(context.Cause(ctx), context.Canceled) }

func canceled(endpoint Endpoint) *Error {
	return &Error{Endpoint: endpoint, Reason: ReasonCanceled, Err: errors.New("the caller went away")}
}

// exchange sends a request and reads the response; cancel ends it. An error
// without a status is one of the connection, or of a context that is over.
func (c *Client) exchange(ctx context.Context, cancel context.CancelFunc, key string, r request) *Error {
	invalid := func(status int, err error) *Error {
		return &Error{Endpoint: r.endpoint, Reason: ReasonInvalidResponse, Status: status, Err: err}
	}
	broken := func(err error) *Error {
		reason, cause := connectionCause(err)
		return &Error{Endpoint: r.endpoint, Reason: reason, Err: cause}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.options.BaseURL+r.path, http.NoBody)
	if err != nil {
		return &Error{Endpoint: r.endpoint, Reason: ReasonConnection, Err: errors.New("the request can't be made: bad base URL")}
	}
	req.Header.Set("X-Browser-Use-API-Key", key)
	req.Header.Set("Accept", "application/json")
	// Set here, so that broken compression and a broken connection are different errors.
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", c.options.UserAgent)

	// An http.Client would follow redirects, and send the key, being a custom
	// header, to whatever host they name.
	resp, err := c.options.Transport.RoundTrip(req)
	if err != nil {
		return broken(err)
	}
	defer func() { _ = resp.Body.Close() }()
	c.metrics.observeResponse(r.endpoint, resp)

	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refuse(resp, cancel, r)
	}
	body, err := readLimited(resp.Body, r.limit, resp.ContentLength)
	if err != nil {
		return broken(err)
	}
	if resp.Header.Get("Content-Encoding") == "gzip" && int64(len(body)) <= r.limit {
		if body, err = decompress(body, r.limit); err != nil {
			return invalid(resp.StatusCode, errors.New("the response can't be decompressed"))
		}
	}
	if int64(len(body)) > r.limit {
		return invalid(resp.StatusCode, fmt.Errorf("the response is longer than %d bytes", r.limit))
	}
	if err := r.decode(body); err != nil {
		failure := invalid(resp.StatusCode, err)
		failure.Foreign = isForeign(resp, body)
		return failure
	}
	return nil
}

// refuse returns the error of a response that is not 2xx. A pause that it asks for
// holds all requests of the client from now on, before the body has been read.
func (c *Client) refuse(resp *http.Response, cancel context.CancelFunc, r request) *Error {
	hold := c.limits.hold(resp, r.endpoint)
	late := time.AfterFunc(refusalTime, cancel)
	defer late.Stop()
	body, _ := readLimited(resp.Body, maxRefusalBytes, resp.ContentLength) // whatever is wrong with it, the status counts
	if resp.Header.Get("Content-Encoding") == "gzip" {
		body, _ = decompress(body, maxRefusalBytes)
	}
	failure := refused(r, resp, body)
	if hold > 0 {
		failure.RetryAfter = hold
		failure.Err = fmt.Errorf("%w; no request is sent for %s", failure.Err, hold.Round(time.Millisecond))
	}
	return failure
}

// readLimited reads all of r, or one byte more than limit if it is longer. A
// negative size is not known beforehand.
func readLimited(r io.Reader, limit, size int64) ([]byte, error) {
	var buffer bytes.Buffer
	buffer.Grow(int(min(max(size, 0), limit)) + bytes.MinRead)
	_, err := buffer.ReadFrom(io.LimitReader(r, limit+1))
	return buffer.Bytes(), err
}

// decompress returns what body is compressed from, or one byte more than limit of
// it if it is longer.
func decompress(body []byte, limit int64) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return readLimited(reader, limit, -1)
}
