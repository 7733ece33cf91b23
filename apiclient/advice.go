package apiclient

// advice says of each reason what it means and where to look, for people. Each
// text goes on after the name of what could not be read.
var advice = map[Reason]string{
	ReasonUnauthorized:    "unauthorized: the API key is wrong or revoked, or it is one of the other region, whose --api.url differs",
	ReasonPaymentRequired: "payment required: the account is out of credit",
	ReasonNotFound:        "not found: it was deleted, or belongs to another project",
	ReasonRejected:        "rejected: the API does not accept the request; check --api.url, and whether there is a newer exporter",
	ReasonRateLimited:     "rate limited: the project's requests a second are used up, by the exporter or by what else uses its keys; nobody asks until the pause that the API wants is over",
	ReasonServerError:     "server error: the API itself fails; wait, and see the vendor's status page",
	ReasonTimeout:         "timeout: no complete answer in time; the API or the way to it is slow, or the scrape's timeout is too short for so many sessions",
	ReasonConnection:      "no connection: check name resolution, firewall and HTTPS_PROXY on the exporter's machine, then the API",
	ReasonInvalidResponse: "invalid response: the answer is not what the API promises; check --api.url, and for a proxy that answers in its place",
	ReasonCanceled:        "given up: the scraper went away before the answer came",
}

// Advice says in words what the reason means and what to look at.
func (r Reason) Advice() string { return advice[r] }
