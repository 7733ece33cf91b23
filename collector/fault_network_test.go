package collector_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// secureRig is an exporter over a simulated API behind TLS, under the name
// api.test.
type secureRig struct {
	*exportertest.Rig
	certificate atomic.Pointer[tls.Certificate] // that the server shows from now on
	dial        atomic.Pointer[error]           // what connecting fails with, if not nil
	dialed      atomic.Int64                    // how often it succeeded
	protocol    atomic.Pointer[string]          // of the last request
	dead        atomic.Int64                    // so many of the first connections say nothing more
}

func newSecureRig(t *testing.T, a *exportertest.Authority) *secureRig {
	t.Helper()
	s := &secureRig{}
	s.certificate.Store(a.Issue(t, "api.test", time.Now().Add(time.Hour)))
	s.Rig = exportertest.NewOver(t, exportertest.NewAPI(3), func(server *http.Server, transport *http.Transport) {
		api := server.Handler
		server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.protocol.Store(&r.Proto)
			api.ServeHTTP(w, r)
		})
		server.ErrorLog = stdlog.New(io.Discard, "", 0)
		server.TLSConfig = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.certificate.Load(), nil }}
		transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
		transport.TLSClientConfig.RootCAs.AddCert(a.Certificate)
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
	}, exportertest.IDFlags(3)...)
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
	type certify func(t *testing.T, known *exportertest.Authority) *tls.Certificate
	hour := func() time.Time { return time.Now().Add(time.Hour) }
	for name, test := range map[string]struct {
		certificate certify
		dial        error
	}{
		"a certificate of another name": {certificate: func(t *testing.T, known *exportertest.Authority) *tls.Certificate {
			return known.Issue(t, "other.test", hour())
		}},
		"a certificate that has expired": {certificate: func(t *testing.T, known *exportertest.Authority) *tls.Certificate {
			return known.Issue(t, "api.test", time.Now().Add(-time.Minute))
		}},
		"a certificate of who knows whom": {certificate: func(t *testing.T, _ *exportertest.Authority) *tls.Certificate {
			return exportertest.NewAuthority(t).Issue(t, "api.test", hour())
		}},
		"no such host":                          {dial: noHost},
		"nobody listens":                        {dial: nobody},
		"a connection that breaks at its start": {dial: errors.New("connection reset by " + simapi.Credential)},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			known := exportertest.NewAuthority(t)
			s := newSecureRig(t, known)
			good := s.certificate.Load()
			if test.certificate != nil {
				s.certificate.Store(test.certificate(t, known))
			}
			s.dial.Store(&test.dial)
			got := s.Scrape("60")
			exportertest.Has(t, got, "browseruse_up 0", exportertest.Up(1, 0), exportertest.Up(2, 0), exportertest.Up(3, 0), exportertest.Failures("browser", "connection", 5), exportertest.Failures("account", "connection", 3))
			s.CheckNoSecrets()
			if n := exportertest.Values(got); n != 0 {
				t.Errorf("%d sessions have values", n)
			}

			s.certificate.Store(good)
			var none error
			s.dial.Store(&none)
			exportertest.Has(t, s.Scrape("60"), "browseruse_up 1", exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Up(3, 1))
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
		reason string // "": it does not fail
		tries  int
	}{
		"a stream that is reset":                {always(simapi.Reset()), "connection", 3},
		"a stream that is reset in its body":    {simapi.Truncate, "connection", 3},
		"a stream that hangs":                   {always(simapi.Hang()), "timeout", 1},
		"a stream that drips":                   {func(good string) http.HandlerFunc { return simapi.Drip(good, time.Second) }, "timeout", 1},
		"a GOAWAY with an answer":               {func(good string) http.HandlerFunc { return lastAnswer(good, 0) }, "", 0},
		"a GOAWAY in the middle of all answers": {func(good string) http.HandlerFunc { return lastAnswer(good, time.Second) }, "", 0},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			s := newSecureRig(t, exportertest.NewAuthority(t))
			good := s.Scrape("60")
			exportertest.Has(t, good, "browseruse_up 1", exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Up(3, 1))
			if protocol := *s.protocol.Load(); protocol != "HTTP/2.0" {
				t.Fatalf("the API is asked by %s; want HTTP/2.0", protocol)
			}
			synctest.Wait() // for a surplus dial of the first scrape
			connections := s.dialed.Load()
			answer := test.answer(detail(t, s.API))
			s.API.SetLatency(100 * time.Millisecond) // so that all are in flight together
			remove := s.API.Inject(simapi.Fault{ID: exportertest.SessionID(1), Handler: simapi.Leak(answer)})
			got := s.Scrape("60")
			s.CheckNoSecrets()
			if test.reason == "" {
				exportertest.SameSessions(t, got, good, exportertest.NoneLost)
				if n := len(exportertest.FailureKinds.FindAllString(got, -1)); n != 0 {
					t.Errorf("%d kinds of failure; want none", n)
				}
			} else {
				exportertest.SameSessions(t, got, good, func(n int) bool { return n == 1 })
				exportertest.Has(t, got, "browseruse_up 1", exportertest.Failures("browser", test.reason, test.tries))
			}
			remove()
			exportertest.SameSessions(t, s.Scrape("60"), good, exportertest.NoneLost)
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
		s := newSecureRig(t, exportertest.NewAuthority(t))
		good := s.Scrape("60")
		s.dead.Store(s.dialed.Load())
		time.Sleep(30 * time.Second)
		got := s.Scrape("60")
		exportertest.SameSessions(t, got, good, exportertest.NoneLost)
		exportertest.Has(t, got, "browseruse_up 1", exportertest.Up(1, 1), exportertest.Failures("browser", "timeout", 0))
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
	exportertest.SetKey(t, exportertest.Key)
	api := exportertest.NewAPI(3)
	for _, code := range []int{301, 302, 307, 308} {
		api.Inject(simapi.Fault{Times: 1, Handler: simapi.Status(code, "", "Location", target.String())})
	}
	r := exportertest.Start(t, append(exportertest.IDFlags(3), "--api.url="+exportertest.ServeAPI(t, api))...)
	exportertest.Has(t, r.Scrape("60"), exportertest.Up(1, 0), exportertest.Up(2, 0), exportertest.Up(3, 0))
	exportertest.Has(t, r.Scrape("60"), exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Up(3, 1))
	if n := asked.Load(); n != 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}
