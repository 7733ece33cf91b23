package apiclient

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxRedirectText bounds what an error shows of where a redirect leads to, in bytes.
const maxRedirectText = 200

// refused returns the error of a response that is not 2xx. Of the response it uses the status, where
// a redirect leads to, and whether the body looks like JSON, as every refusal of the API itself does.
// Of the request it names the query, which has nothing but numbers and a filter.
func refused(r request, response *http.Response, body []byte) *Error {
	status := response.StatusCode
	_, query, _ := strings.Cut(r.path, "?")
	e := &Error{Endpoint: r.endpoint, Reason: statusReason(status), Status: status, Foreign: isForeign(response, body)}
	switch {
	case status >= 300 && status <= 399:
		e.Err = fmt.Errorf("redirected to %s", redirectTarget(response))
	case status == http.StatusProxyAuthRequired:
		e.Err = errors.New("a proxy wants a password")
	case status >= 520 && status <= 530:
		e.Err = errors.New("Cloudflare could not reach the API's own server") //nolint:staticcheck // a name
	case e.Foreign:
		e.Err = errors.New("not the API's own response, which would be JSON")
	case e.Reason == ReasonRejected && query != "":
		e.Err = fmt.Errorf("%s, for the query %s", statusText(status), query) // such as a pageSize that the API allows no more
	default:
		e.Err = errors.New(statusText(status))
	}
	if e.Foreign && e.Reason == ReasonUnauthorized {
		e.Reason = ReasonRejected // it says nothing about the key
	}
	return e
}

// isForeign reports whether something between the client and the API sent a response. Cloudflare's
// statuses are from its page on 5xx errors.
func isForeign(response *http.Response, body []byte) bool {
	switch status := response.StatusCode; {
	case status >= 300 && status <= 399, status == http.StatusProxyAuthRequired,
		status == http.StatusNetworkAuthenticationRequired, status >= 520 && status <= 530,
		response.Header.Get("Cf-Mitigated") != "":
		return true
	}
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && body[0] != '{' && body[0] != '['
}

// redirectTarget returns where a redirect leads to, without what may be secret in it: user, query and
// fragment.
func redirectTarget(response *http.Response) string {
	location, err := response.Location()
	if err != nil || strings.Contains(location.Path, "bu_") {
		return "an address that is not shown"
	}
	target := url.URL{Scheme: location.Scheme, Host: location.Host, Path: location.Path}
	text := target.String()
	return text[:min(len(text), maxRedirectText)]
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "a status without a name"
}
