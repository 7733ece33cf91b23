package apiclient_test

import (
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(1)
		client := newClient(t, api)
		_, _ = client.Session(t.Context(), id(1))
		remove := api.Inject(simapi.Fault{Endpoint: "browser", Handler: simapi.Status(503, "")})
		failed := time.Now()
		_, _ = client.Session(t.Context(), id(1)) // and two retries
		remove()
		time.Sleep(time.Minute)
		_, _ = client.Session(t.Context(), id(2))
		failures := client.Failures()
		if client.Requests() != 5 || len(failures) != 2 {
			t.Fatalf("%d requests, failures %+v; want 5 requests and two kinds of failure", client.Requests(), failures)
		}
		last, first := failures[0], failures[1]
		if last != (apiclient.Failure{Endpoint: apiclient.EndpointBrowser, Reason: apiclient.ReasonNotFound, Count: 1, Last: time.Now()}) {
			t.Errorf("the last failure is %+v", last)
		}
		if first.Reason != apiclient.ReasonServerError || first.Count != 3 || first.Last.Sub(failed) > time.Second {
			t.Errorf("the one before is %+v", first)
		}
	})
}
