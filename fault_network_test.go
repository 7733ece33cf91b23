package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	stdlog "log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/apiclient/apitest"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	der, a.key = sign(t, template, nil)
	var err error
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// server returns a certificate for a name, valid until a time.
func (a *authority) server(t *testing.T, name string, until time.Time) *tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		DNSNames: []string{name}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, key := sign(t, template, a)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func sign(t *testing.T, template *x509.Certificate, by *authority) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

// secureRig is an exporter over a simulated API behind real TLS on loopback,
// under the name api.test.
type secureRig struct {
	*rig
	server      *httptest.Server
	certificate atomic.Pointer[tls.Certificate] // that the server shows from now on
	dial        atomic.Pointer[error]           // what connecting fails with, if not nil
	protocol    atomic.Pointer[string]          // of the last request
}

func newSecureRig(t *testing.T, a *authority) *secureRig {
	t.Helper()
	t.Setenv(keyVariable, testKey)
	api := newAPI(3)
	s := &secureRig{}
	s.certificate.Store(a.server(t, "api.test", time.Now().Add(time.Hour)))
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.protocol.Store(&r.Proto)
		api.ServeHTTP(w, r)
	}))
	s.server.EnableHTTP2 = true
	s.server.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.certificate.Load(), nil }}
	s.server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	s.server.StartTLS()
	s.server.TLS.Certificates = nil // httptest's own
	t.Cleanup(s.server.Close)

	transport := apiclient.NewTransport(10)
	transport.Proxy = nil
	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	transport.TLSClientConfig.RootCAs.AddCert(a.certificate)
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		if err := s.dial.Load(); err != nil && *err != nil {
			return nil, *err
		}
		return (&net.Dialer{}).DialContext(ctx, network, s.server.Listener.Addr().String())
	}
	c, err := parseFlags(append(idFlags(3), "--api.url=https://api.test/api/v3"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	buffer := &logBuffer{}
	logger := log.NewLogfmtLogger(buffer)
	e, err := newExporter(c, logger, transport)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.close)
	s.rig = &rig{t: t, api: api, log: buffer, handler: e.handler(context.Background(), c, logger), exit: e.close}
	return s
}

// TestNoWayToTheAPI breaks the way to the API at all places. Each scrape says
// that it is down, and why, and the next one after the repair has everything.
func TestNoWayToTheAPI(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	hour := time.Now().Add(time.Hour)
	noHost := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api.test", IsNotFound: true}}
	for name, test := range map[string]struct {
		certificate *tls.Certificate
		dial        error
	}{
		"a certificate of another name":         {certificate: a.server(t, "other.test", hour)},
		"a certificate that has expired":        {certificate: a.server(t, "api.test", time.Now().Add(-time.Minute))},
		"a certificate of who knows whom":       {certificate: other.server(t, "api.test", hour)},
		"no such host":                          {dial: noHost},
		"nobody listens":                        {dial: refused(t)},
		"a connection that breaks at its start": {dial: errors.New("connection reset by peer")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSecureRig(t, a)
			good := s.certificate.Load()
			if test.certificate != nil {
				s.certificate.Store(test.certificate)
			}
			s.dial.Store(&test.dial)
			got := s.scrape("60")
			has(t, got, "browseruse_up 0", up(1, 0), up(2, 0), up(3, 0), failures("browser", "connection", 9), failures("account", "connection", 3))
			if n := values(got); n != 0 {
				t.Errorf("%d sessions have values", n)
			}

			s.certificate.Store(good)
			var none error
			s.dial.Store(&none)
			has(t, s.scrape("60"), "browseruse_up 1", up(1, 1), up(2, 1), up(3, 1))
		})
	}
}

// refused is the error of a real attempt to connect where nobody listens.
func refused(t *testing.T) error {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	_, err = net.Dial("tcp", listener.Addr().String())
	return err
}

// TestHTTP2 has the faults that only HTTP/2 has: a stream that is reset while
// others of its connection go on, and a GOAWAY after an answer.
func TestHTTP2(t *testing.T) {
	s := newSecureRig(t, newAuthority(t))
	has(t, s.scrape("60"), "browseruse_up 1", up(1, 1))
	if protocol := *s.protocol.Load(); protocol != "HTTP/2.0" {
		t.Fatalf("the API is asked by %s; want HTTP/2.0", protocol)
	}

	remove := s.api.Inject(apitest.Fault{ID: sessionID(1), Handler: apitest.Reset()})
	got := s.scrape("60")
	has(t, got, "browseruse_up 1", up(1, 0), up(2, 1), up(3, 1), failures("browser", "connection", 3))
	remove()
	has(t, s.scrape("60"), up(1, 1))

	body := goodAnswer(t, s.api, "/browsers/"+sessionID(1))
	remove = s.api.Inject(apitest.Fault{ID: sessionID(1), Handler: apitest.Status(200, body, "Connection", "close")}) // net/http makes a GOAWAY of it
	for range 3 {
		has(t, s.scrape("60"), "browseruse_up 1", up(1, 1), up(2, 1), up(3, 1))
	}
	remove()
	has(t, s.scrape("60"), up(1, 1), up(2, 1), up(3, 1), failures("browser", "connection", 3))
}

// TestTheKeyStaysWithTheAPI sends every request to another host, which must
// never be asked.
func TestTheKeyStaysWithTheAPI(t *testing.T) {
	asked := atomic.Int64{}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer elsewhere.Close()
	target, err := url.Parse(elsewhere.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(keyVariable, testKey)
	api := newAPI(3)
	for _, code := range []int{301, 302, 307, 308} {
		api.Inject(apitest.Fault{Times: 1, Handler: apitest.Status(code, "", "Location", target.String())})
	}
	c, err := parseFlags(append(idFlags(3), "--api.url="+serveAPI(t, api)), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newExporter(c, log.NewNopLogger(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	r := &rig{t: t, api: api, log: &logBuffer{}, handler: e.handler(context.Background(), c, log.NewNopLogger())}
	has(t, r.scrape("60"), up(1, 0), up(2, 0), up(3, 0))
	has(t, r.scrape("60"), up(1, 1), up(2, 1), up(3, 1))
	if n := asked.Load(); n != 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}
