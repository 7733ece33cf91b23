package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"browseruse_exporter/apiclient"
)

var sessionLabels = []string{"session_id", "agent_session_id"}

// sessionGauge is a gauge of each session whose values were read.
type sessionGauge struct {
	name, help string
	desc       *prometheus.Desc
	value      sessionValue
}

// sessionValue is what a gauge says of a session at a time; ok is false if it
// says nothing.
type sessionValue func(s *apiclient.Session, now time.Time) (value float64, ok bool)

var sessionGauges = []*sessionGauge{
	newSessionGauge("browseruse_session_active",
		"Whether the browser runs, and so is billed: 1 active, 0 stopped.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return boolean(s.Active()), true }),
	newSessionGauge("browseruse_session_proxy_used_megabytes",
		"Proxy traffic of the session so far, in megabytes as the API reports them.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return s.ProxyUsedMB, true }),
	newSessionGauge("browseruse_session_proxy_cost_usd",
		"Cost of the session's proxy traffic so far, in US dollars; late metering may still change it after a stop.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return s.ProxyCost, true }),
	newSessionGauge("browseruse_session_browser_cost_usd",
		"Cost of the session's browser time so far, in US dollars; late metering may still change it after a stop.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return s.BrowserCost, true }),
	newSessionGauge("browseruse_session_timeout_remaining_seconds",
		"Seconds until the session times out, negative if it is overdue; absent once it stopped.",
		func(s *apiclient.Session, now time.Time) (float64, bool) {
			return secondsUntil(s.TimeoutAt, now), s.Active()
		}),
	newSessionGauge("browseruse_session_start_timestamp_seconds",
		"When the session started, in seconds since the epoch.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return timestamp(s.StartedAt), true }),
	newSessionGauge("browseruse_session_timeout_timestamp_seconds",
		"When the session times out or would have, in seconds since the epoch.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return timestamp(s.TimeoutAt), true }),
	newSessionGauge("browseruse_session_finish_timestamp_seconds",
		"When the session finished, in seconds since the epoch; absent until then.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) {
			return timestamp(s.FinishedAt), !s.FinishedAt.IsZero()
		}),
}

func newSessionGauge(name, help string, value sessionValue) *sessionGauge {
	return &sessionGauge{name: name, help: help, value: value, desc: prometheus.NewDesc(name, help, sessionLabels, nil)}
}

// Each session that is exported at all.
const (
	sessionUpName = "browseruse_session_up"
	sessionUpHelp = "Whether the session's values are there: 0 if it could not be read, then it has no other series."
)

var sessionUpDesc = prometheus.NewDesc(sessionUpName, sessionUpHelp, []string{"session_id"}, nil)

// The account.
var (
	creditsDesc = prometheus.NewDesc("browseruse_account_credits_usd",
		"Credit left, in US dollars, by source; holds for running work are taken off already.", []string{"source"}, nil)
	concurrentSessionsLimitDesc = prometheus.NewDesc("browseruse_account_concurrent_sessions_limit",
		"How many sessions the account may have active at once.", nil, nil)
	activeSessionsDesc = prometheus.NewDesc("browseruse_account_active_sessions",
		"How many sessions the account has active, if the API says so.", nil, nil)
	accountInfoDesc = prometheus.NewDesc("browseruse_account_info",
		"The project of the API key and its plan; always 1.", []string{"project_id", "plan"}, nil)
)

// The reading itself.
var (
	upDesc = prometheus.NewDesc("browseruse_up",
		"Whether the Browser Use API answered any request of this scrape, or none was needed.", nil, nil)
	durationDesc = prometheus.NewDesc("browseruse_scrape_duration_seconds",
		"How long the reading of the API took for this scrape.", nil, nil)
	fileReloadSuccessfulDesc = prometheus.NewDesc("browseruse_session_file_last_reload_successful",
		"Whether the session file is in force as it is now: 0 if it is bad or gone and its last good content is used.", nil, nil)
	fileReloadTimestampDesc = prometheus.NewDesc("browseruse_session_file_last_reload_success_timestamp_seconds",
		"When the content of the session file that is in force was loaded, in seconds since the epoch.", nil, nil)
)

// otherDescs are those that are not of each session.
var otherDescs = []*prometheus.Desc{
	creditsDesc, concurrentSessionsLimitDesc, activeSessionsDesc, accountInfoDesc,
	upDesc, durationDesc, fileReloadSuccessfulDesc, fileReloadTimestampDesc,
}
