package collector

import (
	"net/http"
	"strings"

	"browseruse_exporter/apiclient"
)

// Advice returns what the failure means and what to do about it.
func (f *Failure) Advice() string { return advice(f.Err) }

// Sent reports whether a request was sent, so that the failure is more than the
// consequence of another.
func (f *Failure) Sent() bool {
	return f.Err.NotSent == "" && f.Reason != apiclient.ReasonCanceled
}

// Explanation is what an error of a Reading means, for people.
type Explanation struct {
	Reason apiclient.Reason
	Text   string // the reason in words and the advice; continues a sentence
	Cause  string // what the error says beyond its reason; "" for nothing
}

// Explain explains an error of a Reading.
func Explain(e *apiclient.Error) Explanation {
	return Explanation{Reason: e.Reason, Text: strings.ReplaceAll(string(e.Reason), "_", " ") + ": " + advice(e), Cause: cause(e)}
}

// cause leaves out how long a hold was when the error arose, which is soon untrue.
func cause(e *apiclient.Error) string {
	if e.Err == nil || e.RetryAfter > 0 || e.Err.Error() == http.StatusText(e.Status) {
		return ""
	}
	return e.Err.Error()
}

func advice(e *apiclient.Error) string {
	switch {
	case e.NotSent == apiclient.NotSentDeadline:
		return "not sent, since the scrape's time was over first; give it a longer timeout, or raise --api.rate-limit or --api.concurrency"
	case e.Foreign:
		return "something between the exporter and the API answered in its place, such as a proxy, a firewall or a login page; " +
			"the key may be good: check HTTPS_PROXY, --api.url, and whether this machine may reach the API"
	case e.Endpoint == apiclient.EndpointAgentSessions && e.Refused():
		return "the API does not list agent sessions here, as the European one does not; the rest is exported, and the list is asked for " +
			"again every 8 minutes; leave out --collector.agent-sessions if there are none"
	case e.Reason == apiclient.ReasonNotFound && !e.Endpoint.IsOfOneSession():
		return "nothing is at this address; check --api.url"
	case e.Gone(): // 410, too
		return adviceOn[apiclient.ReasonNotFound]
	default:
		return adviceOn[e.Reason]
	}
}

var adviceOn = map[apiclient.Reason]string{
	apiclient.ReasonUnauthorized: "the API key is wrong or revoked, or of the other region; check the key, and --api.url: " +
		"a project in Europe has " + apiclient.EuropeanAPI + ", any other " + apiclient.DefaultAPI,
	apiclient.ReasonPaymentRequired: "the account is out of credit; top it up",
	apiclient.ReasonNotFound:        "it was deleted, or belongs to another project; if none is found, check --api.url",
	apiclient.ReasonRejected:        "the API does not accept the request; check --api.url, and whether there is a newer exporter",
	apiclient.ReasonRateLimited: "the project's requests a second are used up, by the exporter or by what else uses its keys; " +
		"the exporter sends none for as long as the API asks",
	apiclient.ReasonServerError: "the API itself fails; wait, and see the vendor's status page",
	apiclient.ReasonTimeout:     "no complete response in time; the API or the way to it is slow",
	apiclient.ReasonConnection:  "the API can't be reached; check --api.url, name resolution, HTTPS_PROXY, firewall and certificates",
	apiclient.ReasonInvalidResponse: "the response is not what this exporter expects; the API may have changed, so look for a newer exporter, " +
		"or a proxy answers in its place; check --api.url",
	apiclient.ReasonCanceled: "the scraper went away before the response came",
}
