package apiclient_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

// readAll reads n sessions side by side, as a reading does, and returns their
// errors.
func readAll(t *testing.T, batch *apiclient.Batch, n int) []*apiclient.Error {
	t.Helper()
	failures := make([]*apiclient.Error, n+1)
	var all sync.WaitGroup
	for i := 1; i <= n; i++ {
		all.Go(func() {
			if _, err := batch.Session(t.Context(), id(i)); err != nil && !errors.As(err, &failures[i]) {
				t.Errorf("error %T; want an *apiclient.Error", err)
			}
		})
	}
	all.Wait()
	return failures
}

// TestAFailingAPIIsLeftAlone has each way to fail meet a batch of 40 sessions.
func TestAFailingAPIIsLeftAlone(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		sent    int // at most
	}{
		"500": {simapi.Status(500, ""), 3}, "503": {simapi.Status(503, ""), 5}, "reset": {simapi.Reset(), 5}, "hang": {simapi.Hang(), 3},
		"401": {simapi.Status(401, ""), 3}, "402": {simapi.Status(402, ""), 3}, "403": {simapi.Status(403, ""), 3},
		"429": {simapi.Status(429, ""), 3}, "a firewall": {simapi.Status(403, "<html>", "Content-Type", "text/html"), 3},
		"503 with a pause": {simapi.Status(503, "", "Retry-After", "60"), 3}, "a login page": {simapi.Status(200, "<html>"), 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := newAPI(40)
				client := newClient(t, api)
				api.Inject(simapi.Fault{Handler: test.handler})
				batch := client.NewBatch(false)
				for i, failure := range readAll(t, batch, 40)[1:] {
					if failure == nil {
						t.Errorf("session %d was read", i+1)
					}
				}
				if got := api.Requests()["browser"]; got > test.sent || got != batch.Sent() {
					t.Errorf("%d requests, %d counted; want at most %d", got, batch.Sent(), test.sent)
				}
				if batch.Closed() == nil {
					t.Error("the batch is open")
				}
			})
		})
	}
}

// TestABrokenRecordClosesNothing has two sessions of many fail for good.
func TestABrokenRecordClosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(40)
		for _, n := range []int{1, 2} {
			api.Inject(simapi.Fault{ID: id(n), Handler: simapi.Status(500, "")})
		}
		batch := newClient(t, api).NewBatch(false)
		for i, failure := range readAll(t, batch, 40)[1:] {
			if broken := i < 2; broken != (failure != nil) {
				t.Errorf("session %d: %v", i+1, failure)
			}
		}
		if failure := batch.Closed(); failure != nil {
			t.Errorf("closed by %v", failure)
		}
	})
}

// TestACautiousBatchSendsOneRequestFirst has an API that still fails, and one that
// is well again.
func TestACautiousBatchSendsOneRequestFirst(t *testing.T) {
	pages := func(t *testing.T, batch *apiclient.Batch) {
		t.Helper()
		var all sync.WaitGroup
		for page := 1; page <= 2; page++ {
			all.Go(func() { _, _ = batch.ActiveSessions(t.Context(), page) })
		}
		all.Wait()
	}
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(200)
		remove := api.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		client := newClient(t, api)
		pages(t, client.NewBatch(true))
		if got := api.Requests()["browsers"]; got != 1 {
			t.Errorf("%d requests; want 1", got)
		}
		remove()
		api.ResetRequests()
		pages(t, client.NewBatch(true))
		if got := api.Requests()["browsers"]; got != 2 {
			t.Errorf("%d requests to an API that is well; want 2", got)
		}
	})
}

// TestRetriesAreShared has ten pages fail with 503 at once: they have a few
// retries together.
func TestRetriesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(1)
		api.Inject(simapi.Fault{Handler: simapi.Status(503, "")})
		batch := newClient(t, api).NewBatch(false)
		var all sync.WaitGroup
		for page := 1; page <= 10; page++ {
			all.Go(func() { _, _ = batch.ActiveSessions(t.Context(), page) })
		}
		all.Wait()
		if got := api.Requests()["browsers"]; got > 6 { // three strikes, one more in flight, and two retries
			t.Errorf("%d requests; want 6 at most", got)
		}
	})
}

// TestWhatIsNotSentIsNoFailure counts requests that a 429 holds back, or a failing
// API, apart from those that fail.
func TestWhatIsNotSentIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(10)
		client := newClient(t, api)
		count := func(metric, endpoint, reason string) float64 {
			t.Helper()
			return sample(t, client, metric, map[string]string{"endpoint": endpoint, "reason": reason})
		}
		remove := api.Inject(simapi.Fault{Handler: simapi.Status(401, `{"detail":"no"}`)})
		readAll(t, client.NewBatch(false), 10)
		sent := float64(api.Requests()["browser"])
		if got := count("browseruse_api_request_failures_total", "browser", "unauthorized"); got != sent {
			t.Errorf("%v failures of %v requests", got, sent)
		}
		if got := count("browseruse_api_requests_not_sent_total", "browser", "unavailable"); got != 10-sent {
			t.Errorf("%v not sent; want %v", got, 10-sent)
		}
		remove()
		api.Inject(simapi.Fault{Times: 1, Handler: simapi.Status(429, "", "Retry-After", "7")})
		_, _ = client.NewBatch(false).Session(t.Context(), id(1))
		until := float64(time.Now().Add(7 * time.Second).Unix())
		if got := sample(t, client, "browseruse_api_hold_until_timestamp_seconds", nil); got != until {
			t.Errorf("held until %v; want %v", got, until)
		}
		_, _ = client.NewBatch(false).Session(t.Context(), id(1))
		if got := count("browseruse_api_requests_not_sent_total", "browser", "held"); got != 1 {
			t.Errorf("%v held; want 1", got)
		}
		time.Sleep(7 * time.Second)
		if n := testutil.CollectAndCount(client, "browseruse_api_hold_until_timestamp_seconds"); n != 0 {
			t.Error("the hold is exposed after its end")
		}
	})
}

func TestTheProjectsRequestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(1)
		client := newClient(t, api)
		for _, headers := range [][]string{
			{"X-RateLimit-Limit", "125", "X-RateLimit-Remaining", "17"}, {"X-RateLimit-Limit", "lots", "X-RateLimit-Remaining", "1"}, nil,
		} {
			api.Inject(simapi.Fault{Times: 1, Handler: simapi.Status(404, `{}`, headers...)})
			_, _ = client.NewBatch(false).Session(t.Context(), id(1))
			for metric, want := range map[string]float64{"browseruse_api_rate_limit_requests": 125, "browseruse_api_rate_limit_remaining_requests": 17} {
				if got := sample(t, client, metric, nil); got != want {
					t.Errorf("after %q: %s is %v; want %v", headers, metric, got, want)
				}
			}
		}
	})
}

// sample returns the value of a counter or gauge of a collector, or -1 if there is
// none.
func sample(t *testing.T, collector prometheus.Collector, name string, labels map[string]string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			matches := family.GetName() == name
			for _, pair := range metric.GetLabel() {
				if want, asked := labels[pair.GetName()]; asked && want != pair.GetValue() {
					matches = false
				}
			}
			if matches {
				return metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	return -1
}
