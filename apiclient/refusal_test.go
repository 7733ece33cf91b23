package apiclient_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

// TestWhoRefused tells refusals of the API itself from those of something in front
// of it.
func TestWhoRefused(t *testing.T) {
	const html = "<html>blocked</html>"
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		reason  apiclient.Reason
		foreign bool
		text    string
	}{
		"the API's 401":             {simapi.Status(401, `{"detail":"Invalid API key"}`), "unauthorized", false, "Unauthorized"},
		"the API's 403":             {simapi.Status(403, `{"detail":"no"}`), "unauthorized", false, "Forbidden"},
		"a 403 of a firewall":       {simapi.Status(403, html, "Content-Type", "text/html", "Server", "cloudflare"), "rejected", true, "not the API's own"},
		"a challenge":               {simapi.Status(403, `{}`, "Cf-Mitigated", "challenge"), "rejected", true, "not the API's own"},
		"a proxy's 401":             {simapi.Status(401, html, "Content-Type", "text/html"), "rejected", true, "not the API's own"},
		"a proxy that wants to log": {simapi.Status(407, ""), "rejected", true, "a proxy wants a password"},
		"502 of a load balancer":    {simapi.Status(502, html, "Content-Type", "text/html"), "server_error", true, "not the API's own"},
		"Cloudflare's 522":          {simapi.Status(522, "error code: 522", "Content-Type", "text/plain"), "server_error", true, "Cloudflare could not reach"},
		"a status without a name":   {simapi.Status(599, `{}`), "server_error", false, "a status without a name"},
		"a login page":              {simapi.Status(200, html, "Content-Type", "text/html"), "invalid_response", true, "not a JSON object"},
		"a redirect to a login": {simapi.Status(302, "", "Location", "https://user:"+simapi.Credential+"@sso.test/login?token="+simapi.Credential+"#"+simapi.Credential),
			"invalid_response", true, "redirected to https://sso.test/login"},
		"a redirect with a key in its path": {simapi.Status(302, "", "Location", "https://sso.test/bu_0123456789"), "invalid_response", true, "an address that is not shown"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := newClient(t, test.answer).NewBatch(false).Session(t.Context(), id(1))
				var failure *apiclient.Error
				if !errors.As(err, &failure) || failure.Reason != test.reason || failure.Foreign != test.foreign || !strings.Contains(err.Error(), test.text) {
					t.Errorf("error %v (%+v); want %s, foreign %t, %q", err, failure, test.reason, test.foreign, test.text)
				}
				if strings.Contains(err.Error(), simapi.Credential) || strings.Contains(err.Error(), "bu_") {
					t.Errorf("the error shows a credential: %v", err)
				}
			})
		})
	}
}

// TestARefusedPageNamesItsQuery has the API allow smaller pages only, without saying
// so in a page.
func TestARefusedPageNamesItsQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tooLarge := simapi.Status(422, `{"detail":[{"loc":["query","pageSize"],"msg":"`+simapi.Credential+`","type":"less_than_equal"}]}`)
		_, err := newClient(t, tooLarge).NewBatch(false).ActiveSessions(t.Context(), 2)
		const want = "rejected: status 422: Unprocessable Entity, for the query pageSize=100&pageNumber=2&filterBy=active"
		if err == nil || err.Error() != want {
			t.Errorf("error %v; want %s", err, want)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestARefusalThatNamesNoRequest has a transport leave out Response.Request, as it may.
func TestARefusalThatNamesNoRequest(t *testing.T) {
	transport := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusUnprocessableEntity, Body: io.NopCloser(strings.NewReader("{}"))}, nil
	})
	client := apiclient.New(apiclient.Options{
		BaseURL: "http://api.test", Key: func() string { return "k" }, Timeout: time.Second, Concurrency: 1, Transport: transport,
	})
	_, err := client.NewBatch(false).ActiveSessions(t.Context(), 1)
	if err == nil || !strings.HasSuffix(err.Error(), "for the query pageSize=100&pageNumber=1&filterBy=active") {
		t.Errorf("error %v; want one with the query", err)
	}
}

// TestRefusalsKeepTheConnection checks that a response that is not 2xx is read to
// its end, so that the next request needs no new connection.
func TestRefusalsKeepTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connections atomic.Int64
		api := newAPI(0)
		client := newClientOver(t, &http.Server{Handler: api, ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}})
		for _, body := range []string{"", `{"detail":"no"}`, strings.Repeat("<html>", 5000)} {
			api.Inject(simapi.Fault{Times: 5, Handler: simapi.Status(404, body)})
			for range 5 {
				_, _ = client.NewBatch(false).Session(t.Context(), id(1))
			}
		}
		if got := connections.Load(); got != 1 {
			t.Errorf("%d connections for 15 refusals; want 1", got)
		}
	})
}

// TestBytesOfThePeerAreNotQuoted has responses that net/http quotes in its errors.
func TestBytesOfThePeerAreNotQuoted(t *testing.T) {
	for name, raw := range simapi.NotHTTP() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := newClient(t, simapi.Raw(raw, false)).NewBatch(false).Session(t.Context(), id(1))
				if err == nil || strings.Contains(err.Error(), simapi.Credential) {
					t.Errorf("error %v; want one that quotes nothing", err)
				}
			})
		})
	}
}

// TestAnAlertOfTLSIsNamed has a server that wants a client's certificate.
func TestAnAlertOfTLSIsNamed(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	transport := server.Client().Transport.(*http.Transport)
	client := apiclient.New(apiclient.Options{
		BaseURL: server.URL, Key: func() string { return "k" }, Timeout: time.Minute, Concurrency: 1, Transport: transport,
	})
	defer client.CloseIdleConnections()
	_, err := client.NewBatch(true).Account(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the peer refuses the connection: tls: certificate required") {
		t.Errorf("error %v; want the alert", err)
	}
}
