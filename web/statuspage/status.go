package statuspage

import (
	"time"

	"browseruse_exporter/apiclient"
)

// Status is all that the page shows, and what /api/v1/sessions answers. Fields
// are named after the metrics, without browseruse_ and browseruse_session_; a
// time has the name without its unit. What is not known is absent.
type Status struct {
	Timestamp    time.Time    `json:"timestamp"` // now, by the exporter's clock
	Health       []Notice     `json:"health"`    // the worst first; one that says that all is well, if it is
	Up           *bool        `json:"up,omitempty"`
	Reading      *Reading     `json:"reading"` // null before the first
	Totals       *Totals      `json:"totals,omitempty"`
	Account      *Account     `json:"account,omitempty"`
	AccountError *Failure     `json:"account_error,omitempty"`
	SessionFile  *SessionFile `json:"session_file,omitempty"`
	Attention    []Attention  `json:"attention"`
	Sessions     []Session    `json:"sessions"` // those that need attention first
	Exporter     Exporter     `json:"exporter"`
	Display      Display      `json:"display"`
}

// Reading is about the last reading of the API.
type Reading struct {
	StartTimestamp time.Time `json:"start_timestamp"`
	Seconds        float64   `json:"scrape_duration_seconds"`
	Complete       bool      `json:"complete"` // false if its deadline cut it short
	APIRequests    int       `json:"api_requests"`
	ListError      *Failure  `json:"list_error,omitempty"`
}

// Failure is why something could not be read.
type Failure struct {
	Reason apiclient.Reason `json:"reason"`
	Text   string           `json:"text"`            // what it means and where to look
	Cause  string           `json:"cause,omitempty"` // what exactly was wrong, if more is known
	Detail string           `json:"detail"`          // as the log has it
}

// Totals are about all sessions.
type Totals struct {
	Sessions   int `json:"sessions"`
	Unreadable int `json:"unreadable"`
	*Sums          // nil, and its fields absent, if nothing was read
}

// Sums are over the sessions that were read.
type Sums struct {
	Active             int     `json:"active"`
	Stopped            int     `json:"stopped"`
	ProxyUsedMegabytes float64 `json:"proxy_used_megabytes"`
	ProxyCostUSD       float64 `json:"proxy_cost_usd"`
	BrowserCostUSD     float64 `json:"browser_cost_usd"`
	CostUSD            float64 `json:"cost_usd"`
	ActiveCostUSD      float64 `json:"active_cost_usd"` // what those that are active have cost so far
	Pace               *Pace   `json:"pace,omitempty"`
}

// Pace is how fast money is spent, as collector.Pace says.
type Pace struct {
	USDPerHour  float64 `json:"usd_per_hour"`
	OverSeconds float64 `json:"over_seconds"`
}

// Account is the account of the key's project.
type Account struct {
	Credits struct {
		Monthly    float64 `json:"monthly"`
		Additional float64 `json:"additional"`
	} `json:"credits_usd"`
	ConcurrentSessionsLimit *float64 `json:"concurrent_sessions_limit,omitempty"`
	ActiveSessions          *float64 `json:"active_sessions,omitempty"`
	Info                    struct {
		ProjectID string `json:"project_id"`
		Plan      string `json:"plan"`
	} `json:"info"`
}

// SessionFile is how the file of session IDs was found.
type SessionFile struct {
	LastReloadSuccessful       bool      `json:"last_reload_successful"`
	LastReloadSuccessTimestamp time.Time `json:"last_reload_success_timestamp"`
}

// Exporter is the exporter's own state.
type Exporter struct {
	Version        string            `json:"version"`
	StartTimestamp time.Time         `json:"start_timestamp"`
	PerMinute      float64           `json:"api_requests_per_minute"`
	HoldUntil      time.Time         `json:"api_hold_until_timestamp,omitzero"` // after a 429, until then nobody asks
	Failures       []EndpointFailure `json:"api_request_failures"`              // the latest first
	Config         []Setting         `json:"config"`
}

// Setting is a flag and the value that is in force.
type Setting struct {
	Flag  string `json:"flag"`
	Value string `json:"value"`
}

// EndpointFailure is what is known of the failures of one endpoint for one
// reason since the start.
type EndpointFailure struct {
	Endpoint      apiclient.Endpoint `json:"endpoint"`
	Reason        apiclient.Reason   `json:"reason"`
	Total         int                `json:"total"`
	LastTimestamp time.Time          `json:"last_timestamp"`
	Text          string             `json:"text"`
}
