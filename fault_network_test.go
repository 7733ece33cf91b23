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
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"browseruse_exporter/internal/simapi"
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

// secureRig is an exporter over a simulated API behind TLS, under the name
// api.test.
type secureRig struct {
	*rig
	certificate atomic.Pointer[tls.Certificate] // that the server shows from now on
	dial        atomic.Pointer[error]           // what connecting fails with, if not nil
	dialed      atomic.Int64                    // how often it succeeded
	protocol    atomic.Pointer[string]          // of the last request
	dead        atomic.Int64                    // so many of the first connections say nothing more
}

func newSecureRig(t *testing.T, a *authority) *secureRig {
	t.Helper()
	s := &secureRig{}
	s.certificate.Store(a.server(t, "api.test", time.Now().Add(time.Hour)))
	s.rig = newRigOver(t, newAPI(3), func(server *http.Server, transport *http.Transport) {
		api := server.Handler
		server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.protocol.Store(&r.Proto)
			api.ServeHTTP(w, r)
		})
		server.ErrorLog = stdlog.New(io.Discard, "", 0)
		server.TLSConfig = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.certificate.Load(), nil }}
		transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
		transport.TLSClientConfig.RootCAs.AddCert(a.certificate)
		dial := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if err := s.dial.Load(); err != nil && *err != nil {
				return nil, *err
			}
			number := s.dialed.Add(1)
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return newReadAhead(mortal{conn, func() bool { return number <= s.dead.Load() }}), nil
		}
	}, idFlags(3)...)
	return s
}

// mortal is a connection that dies without a word: what is written to it goes
// nowhere.
type mortal struct {
	net.Conn
	dead func() bool
}

func (m mortal) Write(p []byte) (int, error) {
	if m.dead() {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

// readAhead takes from a connection in memory what comes, so that who writes need
// not wait for a reader: in a TLS handshake that fails both may write at once.
type readAhead struct {
	net.Conn
	chunks chan []byte
	rest   []byte
}

func newReadAhead(conn net.Conn) *readAhead {
	r := &readAhead{Conn: conn, chunks: make(chan []byte, 1000)}
	go func() {
		defer close(r.chunks)
		for {
			chunk := make([]byte, 4096)
			n, err := conn.Read(chunk)
			if err != nil {
				return
			}
			r.chunks <- chunk[:n]
		}
	}()
	return r
}

func (r *readAhead) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		var ok bool
		if r.rest, ok = <-r.chunks; !ok {
			return 0, io.EOF
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TestNoWayToTheAPI breaks the way to the API at all places. Each scrape says
// that it is down, and why, and the next one after the repair has everything.
func TestNoWayToTheAPI(t *testing.T) {
	noHost := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api.test", IsNotFound: true}}
	nobody := refused(t)
	type certify func(t *testing.T, known *authority) *tls.Certificate
	hour := func() time.Time { return time.Now().Add(time.Hour) }
	for name, test := range map[string]struct {
		certificate certify
		dial        error
	}{
		"a certificate of another name": {certificate: func(t *testing.T, known *authority) *tls.Certificate {
			return known.server(t, "other.test", hour())
		}},
		"a certificate that has expired": {certificate: func(t *testing.T, known *authority) *tls.Certificate {
			return known.server(t, "api.test", time.Now().Add(-time.Minute))
		}},
		"a certificate of who knows whom": {certificate: func(t *testing.T, _ *authority) *tls.Certificate {
			return newAuthority(t).server(t, "api.test", hour())
		}},
		"no such host":                          {dial: noHost},
		"nobody listens":                        {dial: nobody},
		"a connection that breaks at its start": {dial: errors.New("connection reset by peer")},
	} {
		bubble(t, name, func(t *testing.T) {
			known := newAuthority(t)
			s := newSecureRig(t, known)
			good := s.certificate.Load()
			if test.certificate != nil {
				s.certificate.Store(test.certificate(t, known))
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

// TestHTTP2 has the faults that only HTTP/2 has: one stream breaks while the
// others of its connection go on.
func TestHTTP2(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(good string) http.HandlerFunc
		reason string // "": it is none
		tries  int
	}{
		"a stream that is reset":                {always(simapi.Reset()), "connection", 3},
		"a stream that is reset in its body":    {simapi.Truncate, "connection", 3},
		"a stream that hangs":                   {always(simapi.Hang()), "timeout", 1},
		"a stream that drips":                   {func(good string) http.HandlerFunc { return simapi.Drip(good, time.Second) }, "timeout", 1},
		"a GOAWAY with an answer":               {func(good string) http.HandlerFunc { return lastAnswer(good, 0) }, "", 0},
		"a GOAWAY in the middle of all answers": {func(good string) http.HandlerFunc { return lastAnswer(good, time.Second) }, "", 0},
	} {
		bubble(t, name, func(t *testing.T) {
			s := newSecureRig(t, newAuthority(t))
			good := s.scrape("60")
			has(t, good, "browseruse_up 1", up(1, 1), up(2, 1), up(3, 1))
			if protocol := *s.protocol.Load(); protocol != "HTTP/2.0" {
				t.Fatalf("the API is asked by %s; want HTTP/2.0", protocol)
			}
			connections := s.dialed.Load()
			answer := test.answer(detail(t, s.api))
			s.api.SetLatency(100 * time.Millisecond) // so that all are in flight together
			remove := s.api.Inject(simapi.Fault{ID: sessionID(1), Handler: answer})
			got := s.scrape("60")
			if test.reason == "" {
				sameSessions(t, got, good, nothing)
				if n := len(failureKinds.FindAllString(got, -1)); n != 0 {
					t.Errorf("%d kinds of failure; want none", n)
				}
			} else {
				sameSessions(t, got, good, func(n int) bool { return n == 1 })
				has(t, got, "browseruse_up 1", failures("browser", test.reason, test.tries))
			}
			remove()
			sameSessions(t, s.scrape("60"), good, nothing)
			connections = s.dialed.Load() - connections
			if wanted := test.reason == ""; (connections > 0) != wanted {
				t.Errorf("%d more connections; want one after a GOAWAY and none else", connections)
			}
		})
	}
}

// lastAnswer answers with a header of which net/http makes a GOAWAY, and with the
// second half of the body so much later.
func lastAnswer(body string, later time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = w.Write([]byte(body[:len(body)/2]))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(later)
		_, _ = w.Write([]byte(body[len(body)/2:]))
	}
}

// TestADeadConnectionIsReplaced lets the connection of HTTP/2 die between two
// scrapes, as behind a NAT that forgot it. The next scrape has another.
func TestADeadConnectionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSecureRig(t, newAuthority(t))
		good := s.scrape("60")
		s.dead.Store(s.dialed.Load())
		time.Sleep(30 * time.Second)
		got := s.scrape("60")
		sameSessions(t, got, good, nothing)
		has(t, got, "browseruse_up 1", up(1, 1), failures("browser", "timeout", 0))
	})
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
		api.Inject(simapi.Fault{Times: 1, Handler: simapi.Status(code, "", "Location", target.String())})
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
