package apiclient

import (
	"fmt"
	"net/http"
	"time"
)

// Reason is why a request failed, as the label "reason" shows it.
type Reason string

// The reasons of failures.
const (
	ReasonUnauthorized    Reason = "unauthorized"     // 401 or 403 from the API itself
	ReasonPaymentRequired Reason = "payment_required" // 402
	ReasonNotFound        Reason = "not_found"        // 404
	ReasonRejected        Reason = "rejected"         // any other 4xx, and a 401 or 403 from something in front of the API
	ReasonRateLimited     Reason = "rate_limited"     // 429
	ReasonServerError     Reason = "server_error"     // 5xx
	ReasonTimeout         Reason = "timeout"          // no complete response in time
	ReasonConnection      Reason = "connection"       // no connection, or a broken one
	ReasonInvalidResponse Reason = "invalid_response" // 3xx, or a 2xx that is not what the API promises

	// ReasonCanceled is that of a request whose caller went away. It is no failure of the API and is
	// not counted.
	ReasonCanceled Reason = "canceled"
)

// reasons are those that are counted.
var reasons = []Reason{
	ReasonUnauthorized, ReasonPaymentRequired, ReasonNotFound, ReasonRejected, ReasonRateLimited,
	ReasonServerError, ReasonTimeout, ReasonConnection, ReasonInvalidResponse,
}

// NotSent is why a request was not sent at all, as the label "reason" shows it.
type NotSent string

// The reasons for not sending a request.
const (
	NotSentHeld        NotSent = "held"        // the API asked for a pause, with a 429 or a 503
	NotSentDeadline    NotSent = "deadline"    // the caller's time was over while it waited for the client's own limits
	NotSentUnavailable NotSent = "unavailable" // an earlier request of the batch showed that the whole API fails
)

var notSentReasons = []NotSent{NotSentHeld, NotSentDeadline, NotSentUnavailable}

// Error is a request that brought no result. Its text holds nothing that the peer sent, except where
// a redirect leads to.
type Error struct {
	Endpoint   Endpoint
	Reason     Reason        // of a request that was not sent: that of the failure that kept it back
	NotSent    NotSent       // why it was not sent; "" if it was
	Status     int           // of the response; 0 if there was none, or it broke off
	RetryAfter time.Duration // how long no request is sent; 0 if the API asked for no pause
	Foreign    bool          // the response is not the API's own: a proxy, a firewall or a login page sent it
	Err        error         // what exactly was wrong
}

func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: %v", e.Reason, e.Err)
	}
	return fmt.Sprintf("%s: status %d: %v", e.Reason, e.Status, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// orNil returns e as an error, nil if e is.
func (e *Error) orNil() error {
	if e == nil {
		return nil
	}
	return e
}

// temporary reports whether a retry, a moment later, may well succeed.
func (e *Error) temporary() bool {
	switch e.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return e.RetryAfter == 0
	}
	return e.Reason == ReasonConnection && e.NotSent == ""
}

// AffectsEveryRequest reports whether every other request is likely to fail, too, because the API
// fails or refuses the client as such.
func (e *Error) AffectsEveryRequest() bool {
	switch e.Reason {
	case ReasonUnauthorized, ReasonPaymentRequired, ReasonRateLimited, ReasonServerError, ReasonTimeout, ReasonConnection:
		return true
	default:
		return false
	}
}

// Refused reports whether the API refuses this very request, which does not pass by waiting.
func (e *Error) Refused() bool {
	return e.Reason == ReasonUnauthorized || e.Reason == ReasonNotFound || e.Reason == ReasonRejected
}

// Gone reports whether the API says that there is no such thing, or no more.
func (e *Error) Gone() bool { return e.Reason == ReasonNotFound || e.Status == http.StatusGone }

// statusReason returns the reason of a response that is not 2xx.
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
