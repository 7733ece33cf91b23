package apiclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // the tests keep little of what they allocate
	goleak.VerifyTestMain(m)
}

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// newClient returns a client of a simulated API, in a synctest bubble.
func newClient(t *testing.T, api http.Handler) *apiclient.Client {
	t.Helper()
	return newClientOver(t, &http.Server{Handler: api})
}

// newClientOver returns a client of a server that is configured otherwise.
func newClientOver(t *testing.T, server *http.Server) *apiclient.Client {
	t.Helper()
	network := simapi.NewNetwork()
	go func() { _ = server.Serve(network) }()
	transport := apiclient.NewTransport(2)
	transport.Proxy = nil
	transport.DialContext = network.DialContext
	client := apiclient.New(apiclient.Options{
		BaseURL: "http://api.test/api/v3/", Key: func() string { return "k" }, Timeout: 5 * time.Second, Concurrency: 2, Transport: transport,
	})
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = server.Close()
	})
	return client
}

// newAPI returns a project with n active sessions.
func newAPI(n int) *simapi.Server {
	api := simapi.New(simapi.Options{})
	for i := 1; i <= n; i++ {
		api.Add(simapi.Session{ID: id(i), StartedAt: time.Now(), ProxyBytesPerSecond: 1 << 20})
		api.AddAgents(simapi.AgentSession{ID: id(i), CreatedAt: time.Now(), TokensPerSecond: 1000, MaxCost: 5})
	}
	return api
}

func TestActiveSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, newAPI(250))
		seen := map[string]bool{}
		for page, want := range []int{100, 100, 50, 0} {
			got, err := client.NewBatch(false).ActiveSessions(t.Context(), page+1)
			if err != nil || got.Total != 250 || len(got.Sessions) != want || len(got.Invalid) != 0 {
				t.Fatalf("page %d: %d sessions of %d, %v, %v; want %d of 250", page+1, len(got.Sessions), got.Total, got.Invalid, err, want)
			}
			for _, s := range got.Sessions {
				seen[s.ID] = s.Active()
			}
		}
		if len(seen) != 250 || !seen[id(1)] {
			t.Errorf("%d sessions on all pages; want 250", len(seen))
		}
	})
}

func TestABadItemSpoilsItselfAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(1)
		api.Add(simapi.Session{ID: id(2), StartedAt: time.Now(), Override: map[string]any{"browserCost": "NaN"}})
		api.Add(simapi.Session{ID: id(3), StartedAt: time.Now(), Override: map[string]any{"id": 7}})
		got, err := newClient(t, api).NewBatch(false).ActiveSessions(t.Context(), 1)
		if err != nil || len(got.Sessions) != 1 || got.Sessions[0].ID != id(1) {
			t.Fatalf("%+v, %v; want the first session", got.Sessions, err)
		}
		if len(got.Invalid) != 2 || got.Invalid[0].ID+got.Invalid[1].ID != id(2) || got.Invalid[0].Err.Reason != apiclient.ReasonInvalidResponse {
			t.Errorf("bad: %+v; want the second session, and one that has no ID", got.Invalid)
		}
	})
}

func TestAListThatLies(t *testing.T) {
	for name, body := range map[string]string{
		"no items":                `{"totalItems":0,"pageNumber":1,"pageSize":100}`,
		"items that are null":     `{"items":null,"totalItems":0,"pageNumber":1,"pageSize":100}`,
		"items in an object":      `{"items":{},"totalItems":0,"pageNumber":1,"pageSize":100}`,
		"a negative total":        `{"items":[],"totalItems":-1,"pageNumber":1,"pageSize":100}`,
		"no total":                `{"items":[],"pageNumber":1,"pageSize":100}`,
		"a total of half":         `{"items":[],"totalItems":0.5,"pageNumber":1,"pageSize":100}`,
		"another page":            `{"items":[],"totalItems":0,"pageNumber":2,"pageSize":100}`,
		"a larger size":           `{"items":[],"totalItems":0,"pageNumber":1,"pageSize":101}`,
		"no size":                 `{"items":[],"totalItems":0,"pageNumber":1,"pageSize":0}`,
		"more items than a page":  `{"items":[` + strings.Repeat("0,", 100) + `0],"totalItems":0,"pageNumber":1,"pageSize":100}`,
		"a list and nothing else": `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := newClient(t, simapi.Status(200, body)).NewBatch(false).ActiveSessions(t.Context(), 1)
				var failure *apiclient.Error
				if !errors.As(err, &failure) || failure.Reason != apiclient.ReasonInvalidResponse || failure.Status != 200 {
					t.Errorf("error %v; want an invalid response that is an answer", err)
				}
			})
		})
	}
}

func TestOnlyGETsWithTheKeyAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests []string
		client := newClient(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			requests = append(requests, fmt.Sprintf("%s %s key %s", r.Method, r.URL, r.Header.Get("X-Browser-Use-API-Key")))
		}))
		_, _ = client.NewBatch(false).Session(t.Context(), id(1))
		_, _ = client.NewBatch(false).ActiveSessions(t.Context(), 3)
		_, _ = client.NewBatch(false).Account(t.Context())
		want := []string{
			"GET /api/v3/browsers/" + id(1) + " key k",
			"GET /api/v3/browsers?pageSize=100&pageNumber=3&filterBy=active key k",
			"GET /api/v3/billing/account key k",
		}
		if fmt.Sprint(requests) != fmt.Sprint(want) {
			t.Errorf("sent %q; want %q", requests, want)
		}
	})
}

func TestHoldIsToldAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(1)
		api.Inject(simapi.Fault{Times: 1, Handler: simapi.Status(429, "", "Retry-After", "7")})
		client := newClient(t, api)
		for range 2 { // the answer, and what is withheld after it
			_, err := client.NewBatch(false).Session(t.Context(), id(1))
			var failure *apiclient.Error
			if !errors.As(err, &failure) || failure.Reason != apiclient.ReasonRateLimited || failure.RetryAfter != 7*time.Second {
				t.Fatalf("error %v; want rate_limited for 7s", err)
			}
		}
		if until, reason := client.HoldUntil(); reason != apiclient.ReasonRateLimited || !until.Equal(time.Now().Add(7*time.Second)) {
			t.Errorf("held until %v; want 7s from now", until)
		}
		time.Sleep(7 * time.Second)
		_, err := client.NewBatch(false).Session(t.Context(), id(1))
		if until, _ := client.HoldUntil(); err != nil || !until.IsZero() {
			t.Errorf("error %v, held until %v after the hold; want none", err, until)
		}
	})
}

func TestNothingIsSentForAContextThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(1)
		client := newClient(t, api)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := client.NewBatch(false).Session(ctx, id(1))
		var failure *apiclient.Error
		if !errors.As(err, &failure) || failure.Reason != apiclient.ReasonCanceled || len(api.Requests()) != 0 {
			t.Errorf("error %v, requests %v; want canceled and none", err, api.Requests())
		}
	})
}
