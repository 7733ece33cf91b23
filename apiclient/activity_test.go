package apiclient_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

func TestActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(1)
		client := newClient(t, api)
		read := func(times int) {
			for range times {
				_, _ = client.Session(t.Context(), id(1))
			}
		}
		wantRate := func(when string, want float64) {
			t.Helper()
			if got := client.Activity().PerMinute; got != want {
				t.Errorf("%s: %v requests a minute; want %v", when, got, want)
			}
		}
		wantRate("before the first", 0)
		read(10)
		wantRate("after a moment", 10)
		time.Sleep(2 * time.Minute)
		read(10)
		wantRate("after two minutes", 10)
		time.Sleep(2*time.Minute + 50*time.Second)
		wantRate("after almost five", 20/(4+50.0/60))
		time.Sleep(time.Minute)
		wantRate("when the first ten are longer ago than five minutes", 2)
		time.Sleep(time.Hour)
		wantRate("after a gap", 0)

		failed := time.Now()
		remove := api.Inject(simapi.Fault{Endpoint: "browser", Handler: simapi.Status(503, "")})
		read(1) // and two retries
		remove()
		time.Sleep(time.Minute)
		_, _ = client.Session(t.Context(), id(2))
		activity := client.Activity()
		if activity.Requests != 24 || client.Requests() != 24 || len(activity.Failures) != 2 {
			t.Fatalf("activity %+v; want 24 requests and two kinds of failure", activity)
		}
		last, first := activity.Failures[0], activity.Failures[1]
		if last != (apiclient.Failure{Endpoint: apiclient.EndpointBrowser, Reason: apiclient.ReasonNotFound, Count: 1, Last: time.Now()}) {
			t.Errorf("the last failure is %+v", last)
		}
		if first.Reason != apiclient.ReasonServerError || first.Count != 3 || first.Last.Sub(failed) > time.Second {
			t.Errorf("the one before is %+v", first)
		}
	})
}

func TestEveryReasonHasAdvice(t *testing.T) {
	for _, reason := range []apiclient.Reason{
		apiclient.ReasonUnauthorized, apiclient.ReasonPaymentRequired, apiclient.ReasonNotFound, apiclient.ReasonRejected,
		apiclient.ReasonRateLimited, apiclient.ReasonServerError, apiclient.ReasonTimeout, apiclient.ReasonConnection,
		apiclient.ReasonInvalidResponse, apiclient.ReasonCanceled,
	} {
		err, failure := &apiclient.Error{Reason: reason}, apiclient.Failure{Reason: reason}
		if err.Advice() == "" || strings.HasSuffix(err.Explain(), ": ") || failure.Explain() != err.Explain() {
			t.Errorf("%s: no advice", reason)
		}
	}
}

// TestWhatIsNotFoundDependsOnWhereItWasSought tells a session that is gone from
// an address that is wrong.
func TestWhatIsNotFoundDependsOnWhereItWasSought(t *testing.T) {
	for endpoint, want := range map[apiclient.Endpoint]string{
		apiclient.EndpointBrowser: "it was deleted", apiclient.EndpointBrowsers: "check --api.url", apiclient.EndpointAccount: "check --api.url",
	} {
		failure := apiclient.Failure{Endpoint: endpoint, Reason: apiclient.ReasonNotFound}
		if got := failure.Explain(); !strings.Contains(got, want) || endpoint != apiclient.EndpointBrowser && strings.Contains(got, "deleted") {
			t.Errorf("%s: %q; want %q in it", endpoint, got, want)
		}
	}
}
