package apiclient

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Reason says why a request failed, as the label "reason" shows it.
type Reason string

// The reasons of failures.
const (
	ReasonUnauthorized    Reason = "unauthorized"     // 401, 403
	ReasonPaymentRequired Reason = "payment_required" // 402
	ReasonNotFound        Reason = "not_found"        // 404
	ReasonRejected        Reason = "rejected"         // any other 4xx
	ReasonRateLimited     Reason = "rate_limited"     // 429, or withheld because of one
	ReasonServerError     Reason = "server_error"     // 5xx
	ReasonTimeout         Reason = "timeout"          // no complete answer in time
	ReasonConnection      Reason = "connection"       // no connection, or a broken one
	ReasonInvalidResponse Reason = "invalid_response" // 3xx, or a 2xx that is not what the API promises

	// ReasonCanceled is that of a request whose caller went away. It is no
	// failure of the API and is not counted.
	ReasonCanceled Reason = "canceled"
)

// reasons are those that are counted.
var reasons = []Reason{
	ReasonUnauthorized, ReasonPaymentRequired, ReasonNotFound, ReasonRejected, ReasonRateLimited,
	ReasonServerError, ReasonTimeout, ReasonConnection, ReasonInvalidResponse,
}

// Error is a request that brought no result. Its text holds nothing of the
// reply's body, since that may quote credentials.
type Error struct {
	Endpoint   Endpoint
	Reason     Reason
	Status     int           // of the reply; 0 if there was none, or it broke off
	RetryAfter time.Duration // after a 429: how long nobody asks
	Err        error
}

func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: %v", e.Reason, e.Err)
	}
	return fmt.Sprintf("%s: status %d: %v", e.Reason, e.Status, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Answered says whether the API answered at all, with 2xx or 404: then it is
// up, whatever is wrong with the one answer.
func (e *Error) Answered() bool {
	return e.Status == http.StatusNotFound || e.Status >= 200 && e.Status <= 299
}

// temporary says whether another try, a moment later, may well succeed.
func (e *Error) temporary() bool {
	switch e.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.Reason == ReasonConnection
}

// statusReason is the reason of a reply that is not 2xx.
func statusReason(status int) Reason {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ReasonUnauthorized
	case status == http.StatusPaymentRequired:
		return ReasonPaymentRequired
	case status == http.StatusNotFound:
		return ReasonNotFound
	case status == http.StatusTooManyRequests:
		return ReasonRateLimited
	case status >= 500:
		return ReasonServerError
	case status >= 400:
		return ReasonRejected
	default:
		return ReasonInvalidResponse
	}
}

// connectionReason tells a connection that took too long from one that broke.
func connectionReason(err error) Reason {
	var netErr net.Error
	if errors.As(err, &netErr) && netErr.Timeout() {
		return ReasonTimeout
	}
	return ReasonConnection
}

// withoutURL takes off the method and URL that net/http puts before an error:
// who logs it names the session.
func withoutURL(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return urlErr.Err
	}
	return err
}

// isCorrupt says whether err is about compressed data that is broken, as
// opposed to a connection that is.
func isCorrupt(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)
}
