package simapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/simapi"
)

// connect serves an API on a network of its own and returns a client of it. It
// has to be called within a synctest bubble.
func connect(t *testing.T, api http.Handler) (*http.Client, *simapi.Network) {
	t.Helper()
	network := simapi.NewNetwork()
	server := &http.Server{Handler: api}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(network)
	}()
	transport := &http.Transport{DialContext: network.DialContext}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	})
	return &http.Client{Transport: transport}, network
}

// fetch sends a request for the account, and returns what came of it.
func fetch(ctx context.Context, client *http.Client) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://api.invalid/api/v3/billing/account", nil)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("X-Browser-Use-API-Key", "k")
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

func TestFaultsOverANetwork(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		takes   time.Duration
		body    string
		err     error // nil: the answer arrives
	}{
		"a status":            {handler: simapi.Status(200, "{}"), body: "{}"},
		"hangs":               {handler: simapi.Hang(), takes: time.Minute, err: context.DeadlineExceeded},
		"drips":               {handler: simapi.Drip("{ }", time.Second), takes: 3 * time.Second, body: "{ }"},
		"drips for too long":  {handler: simapi.Drip(strings.Repeat(" ", 100), time.Second), takes: time.Minute, err: context.DeadlineExceeded},
		"is reset":            {handler: simapi.Reset(), err: io.EOF},
		"is cut short":        {handler: simapi.Truncate("{  }"), body: "{ ", err: io.ErrUnexpectedEOF},
		"is cut from nothing": {handler: simapi.Truncate(""), err: io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := simapi.New(simapi.Options{})
				api.Inject(simapi.Fault{Handler: test.handler})
				client, _ := connect(t, api)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				_, body, err := fetch(ctx, client)
				if took := time.Since(start); took != test.takes {
					t.Errorf("it took %v; want %v", took, test.takes)
				}
				if !errors.Is(err, test.err) || test.err == nil && err != nil {
					t.Errorf("error %v; want %v", err, test.err)
				}
				if test.takes < time.Minute && body != test.body {
					t.Errorf("body %q; want %q", body, test.body)
				}
			})
		})
	}
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := simapi.New(simapi.Options{Latency: 200 * time.Millisecond})
		client, _ := connect(t, api)
		start := time.Now()
		if status, _, err := fetch(t.Context(), client); status != http.StatusOK || err != nil {
			t.Errorf("status %d, error %v", status, err)
		}
		if took := time.Since(start); took != 200*time.Millisecond {
			t.Errorf("it took %v; want 200ms", took)
		}

		api.SetLatency(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, _, err := fetch(ctx, client); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v; want that of the deadline", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v; want 1s", took)
		}
		if got := api.Requests()["account"]; got != 2 {
			t.Errorf("%d requests counted; want both", got)
		}
	})
}

func TestNetworkRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, network := connect(t, simapi.New(simapi.Options{}))
		client.Transport.(*http.Transport).DisableKeepAlives = true
		network.Refuse(true)
		if _, _, err := fetch(t.Context(), client); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("error %v; want a connection refused", err)
		}
		network.Refuse(false)
		if status, _, err := fetch(t.Context(), client); status != http.StatusOK || err != nil {
			t.Errorf("status %d, error %v once it accepts again", status, err)
		}
		if err := network.Close(); err != nil {
			t.Error(err)
		}
		if _, _, err := fetch(t.Context(), client); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("error %v after the close; want a connection refused", err)
		}
	})
}
