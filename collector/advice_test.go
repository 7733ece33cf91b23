package collector_test

import (
	"strings"
	"testing"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
)

func TestEveryReasonHasAdvice(t *testing.T) {
	for _, reason := range []apiclient.Reason{
		apiclient.ReasonUnauthorized, apiclient.ReasonPaymentRequired, apiclient.ReasonNotFound, apiclient.ReasonRejected,
		apiclient.ReasonRateLimited, apiclient.ReasonServerError, apiclient.ReasonTimeout, apiclient.ReasonConnection,
		apiclient.ReasonInvalidResponse, apiclient.ReasonCanceled,
	} {
		err := &apiclient.Error{Reason: reason}
		failure := collector.Failure{Reason: reason, Err: err}
		if advice := failure.Advice(); advice == "" || collector.Explain(err).Text != strings.ReplaceAll(string(reason), "_", " ")+": "+advice {
			t.Errorf("%s: advice %q, explained as %q", reason, advice, collector.Explain(err).Text)
		}
	}
}

// TestTheKeyIsNotBlamedForAnother gives advice on responses of something in front
// of the API, and on requests that were not sent.
func TestTheKeyIsNotBlamedForAnother(t *testing.T) {
	for want, err := range map[string]*apiclient.Error{
		"the key may be good":  {Reason: apiclient.ReasonRejected, Status: 403, Foreign: true},
		"a login page":         {Reason: apiclient.ReasonInvalidResponse, Status: 200, Foreign: true},
		"a longer timeout":     {Reason: apiclient.ReasonTimeout, NotSent: apiclient.NotSentDeadline},
		"the API key is wrong": {Reason: apiclient.ReasonUnauthorized, NotSent: apiclient.NotSentUnavailable},
	} {
		if got := collector.Explain(err).Text; !strings.Contains(got, want) {
			t.Errorf("%+v: %q; want %q in it", err, got, want)
		}
	}
}

// TestNotFoundDependsOnTheEndpoint distinguishes a session that is gone from an
// address that is wrong.
func TestNotFoundDependsOnTheEndpoint(t *testing.T) {
	for endpoint, want := range map[apiclient.Endpoint]string{
		apiclient.EndpointBrowser: "it was deleted", apiclient.EndpointBrowsers: "check --api.url", apiclient.EndpointAccount: "check --api.url",
	} {
		got := collector.Explain(&apiclient.Error{Endpoint: endpoint, Reason: apiclient.ReasonNotFound}).Text
		if !strings.Contains(got, want) || endpoint != apiclient.EndpointBrowser && strings.Contains(got, "deleted") {
			t.Errorf("%s: %q; want %q in it", endpoint, got, want)
		}
	}
}
