package apiclient

// Advice says in words that help what a failure means and what to do about it,
// for people: in the log, on the status page, after --once.
func (e *Error) Advice() string {
	if e.Reason == ReasonNotFound && e.Endpoint != EndpointBrowser {
		return "nothing is at this address; check --api.url"
	}
	return advice[e.Reason]
}

// EuropeanAPI is the base URL for projects in Europe, whose keys are of no use
// elsewhere (from the vendor's guides).
const EuropeanAPI = "https://api.eu.browser-use.com/api/v3"

var advice = map[Reason]string{
	ReasonUnauthorized:    "the API key is wrong or revoked, or of the other region; check the key, and for a project in Europe --api.url=" + EuropeanAPI,
	ReasonPaymentRequired: "the account is out of credit; top it up",
	ReasonNotFound:        "it was deleted, or belongs to another project; check the ID, and whose key it is",
	ReasonRejected:        "the API refuses such a request; see whether there is a newer version of the exporter",
	ReasonRateLimited:     "the project's requests a second are used up; nothing is asked until the API allows it; if that goes on, find out who else asks, or lower --api.rate-limit",
	ReasonServerError:     "the API is in trouble itself; see the vendor's status page, and wait",
	ReasonTimeout:         "no answer in time; check the network, or give --api.timeout and the scrape more; a large fleet needs a longer scrape or a higher --api.rate-limit",
	ReasonConnection:      "the API can't be reached; check --api.url, name resolution, HTTPS_PROXY, firewall and certificates",
	ReasonInvalidResponse: "the answer is not what the API promises; something may stand between, such as a proxy's login page, or the API has changed",
	ReasonCanceled:        "whoever asked went away",
}
