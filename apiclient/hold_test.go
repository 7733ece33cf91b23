package apiclient_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

// TestA503HoldsIfItAsksForAPause has one with a Retry-After, after which no request
// is sent until the pause is over, and one without, which is retried.
func TestA503HoldsIfItAsksForAPause(t *testing.T) {
	for name, test := range map[string]struct {
		header []string
		hold   time.Duration
		sent   int
	}{
		"with Retry-After":    {[]string{"Retry-After", "60"}, time.Minute, 1},
		"with a text in it":   {[]string{"Retry-After", simapi.Credential}, 5 * time.Second, 1},
		"without Retry-After": {nil, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := newAPI(1)
				client := newClient(t, api)
				remove := api.Inject(simapi.Fault{Handler: simapi.Status(503, simapi.Credential, test.header...)})
				_, err := client.NewBatch(false).Session(t.Context(), id(1))
				var failure *apiclient.Error
				if !errors.As(err, &failure) || failure.Reason != apiclient.ReasonServerError || failure.RetryAfter != test.hold {
					t.Errorf("error %v; want a server_error that holds for %v", err, test.hold)
				}
				if strings.Contains(err.Error(), simapi.Credential) {
					t.Errorf("the error shows a credential: %v", err)
				}
				if test.hold > 0 {
					time.Sleep(test.hold - time.Millisecond)
					_, err := client.NewBatch(false).Account(t.Context())
					if !errors.As(err, &failure) || failure.NotSent != apiclient.NotSentHeld || failure.Reason != apiclient.ReasonServerError {
						t.Errorf("error %v during the pause; want one of a request that was held", err)
					}
					time.Sleep(time.Millisecond)
				}
				if got := api.Requests()["browser"] + api.Requests()["account"]; got != test.sent {
					t.Errorf("%d requests; want %d", got, test.sent)
				}
				remove()
				if _, err := client.NewBatch(false).Session(t.Context(), id(1)); err != nil {
					t.Errorf("error %v after the pause", err)
				}
			})
		})
	}
}

// TestTheStatusesOfCloudflare have no name in HTTP, and none is of the API itself.
func TestTheStatusesOfCloudflare(t *testing.T) {
	for status := 520; status <= 530; status++ {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := newClient(t, simapi.Status(status, `{}`)).NewBatch(false).Session(t.Context(), id(1))
				var failure *apiclient.Error
				want := fmt.Sprintf("server_error: status %d: Cloudflare could not reach the API's own server", status)
				if !errors.As(err, &failure) || !failure.Foreign || err.Error() != want {
					t.Errorf("error %v; want %s", err, want)
				}
			})
		})
	}
}
