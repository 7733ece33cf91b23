package apiclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
)

// errProxyRefused is the error of a proxy that does not connect to the API.
type errProxyRefused struct{ status int }

func (e *errProxyRefused) Error() string {
	return fmt.Sprintf("the proxy refuses to connect: status %d: %s", e.status, statusText(e.status))
}

// connectionCause returns the reason and the cause of a request that got no complete response. The
// texts of net/http and crypto/x509 quote what the peer sent, so only known kinds of errors pass, in
// words of our own; local addresses and names are those that the operator configured.
func connectionCause(err error) (Reason, error) {
	var (
		netErr  net.Error
		refused *errProxyRefused
		dns     *net.DNSError
		op      *net.OpError
		errno   syscall.Errno
	)
	switch {
	case errors.Is(err, context.Canceled):
		return ReasonCanceled, context.Canceled
	case errors.As(err, &refused):
		return ReasonConnection, refused
	case errors.As(err, &dns):
		return ReasonConnection, fmt.Errorf("look up %s: %s", dns.Name, dnsText(dns))
	case errors.As(err, &netErr) && netErr.Timeout():
		return ReasonTimeout, errors.New("no complete response in time")
	case errors.As(err, &op) && op.Op == "remote error": // an alert of TLS, whose texts are Go's own
		return ReasonConnection, fmt.Errorf("the peer refuses the connection: %w", op.Err)
	case errors.As(err, &op) && errors.As(err, &errno):
		return ReasonConnection, fmt.Errorf("%s%s: %w", op.Op, addressText(op), errno)
	case errors.As(err, &errno):
		return ReasonConnection, errno
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ReasonConnection, errors.New("connection closed before the response was complete")
	default:
		return ReasonConnection, errors.New(tlsText(err))
	}
}

// tlsText returns what is wrong with the peer's TLS, as far as it is known.
func tlsText(err error) string {
	var (
		noTLS    tls.RecordHeaderError
		unsigned x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unsigned):
		return "certificate signed by an unknown authority"
	case errors.As(err, &hostname):
		return "certificate is not valid for " + hostname.Host
	case errors.As(err, &invalid):
		return "certificate is not valid" + certificateText(invalid)
	case errors.As(err, &noTLS), errors.Is(err, http.ErrSchemeMismatch):
		return "the peer does not speak TLS"
	default:
		return "the connection broke, or the response is not HTTP"
	}
}

func dnsText(err *net.DNSError) string {
	switch {
	case err.IsNotFound:
		return "no such host"
	case err.IsTimeout:
		return "the name server does not answer"
	default:
		return "the name server fails"
	}
}

func certificateText(err x509.CertificateInvalidError) string {
	switch err.Reason {
	case x509.Expired:
		return ": expired or not yet valid"
	case x509.NotAuthorizedToSign, x509.CANotAuthorizedForThisName, x509.CANotAuthorizedForExtKeyUsage:
		return ": its authority may not sign it"
	default:
		return ""
	}
}

func addressText(op *net.OpError) string {
	if op.Addr == nil {
		return ""
	}
	return " " + op.Addr.String()
}
