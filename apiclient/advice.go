package apiclient

import "strings"

// The base URLs of the API. Keys of projects in Europe are of no use at the other
// one, and the other way round (from the vendor's guides).
const (
	DefaultAPI  = "https://api.browser-use.com/api/v3"
	EuropeanAPI = "https://api.eu.browser-use.com/api/v3"
)

// Advice says what a failure means and what to do about it, for people: in the
// log and after --once.
func (e *Error) Advice() string { return advice(e.Endpoint, e.Reason) }

// Explain says in words which reason it is, what it means and what to do about
// it. The text goes on after the name of what could not be read.
func (e *Error) Explain() string { return explanation(e.Endpoint, e.Reason) }

// Explain says the same of a kind of failure.
func (f Failure) Explain() string { return explanation(f.Endpoint, f.Reason) }

func explanation(endpoint Endpoint, reason Reason) string {
	return strings.ReplaceAll(string(reason), "_", " ") + ": " + advice(endpoint, reason)
}

func advice(endpoint Endpoint, reason Reason) string {
	if reason == ReasonNotFound && endpoint != EndpointBrowser {
		return "nothing is at this address; check --api.url"
	}
	return adviceOn[reason]
}

var adviceOn = map[Reason]string{
	ReasonUnauthorized: "the API key is wrong or revoked, or of the other region; check the key, and --api.url: " +
		"a project in Europe has " + EuropeanAPI + ", any other " + DefaultAPI,
	ReasonPaymentRequired: "the account is out of credit; top it up",
	ReasonNotFound:        "it was deleted, or belongs to another project; if none is found, check --api.url",
	ReasonRejected:        "the API does not accept the request; check --api.url, and whether there is a newer exporter",
	ReasonRateLimited:     "the project's requests a second are used up, by the exporter or by what else uses its keys; nobody asks until the pause that the API wants is over",
	ReasonServerError:     "the API itself fails; wait, and see the vendor's status page",
	ReasonTimeout:         "no complete answer in time; the API or the way to it is slow, or the scrape's timeout is too short for so many sessions",
	ReasonConnection:      "the API can't be reached; check --api.url, name resolution, HTTPS_PROXY, firewall and certificates",
	ReasonInvalidResponse: "the answer is not what the API promises; check --api.url, and for a proxy that answers in its place",
	ReasonCanceled:        "the scraper went away before the answer came",
}
