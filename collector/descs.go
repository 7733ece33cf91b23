package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"browseruse_exporter/apiclient"
)

// A family is a metric family of gauges.
type family struct {
	name, help string
	labels     []string // sorted
}

// sessionLabels are those of each session whose values were read.
var sessionLabels = []string{"agent_session_id", "session_id"}

// sessionFamily has a gauge of each session whose values were read.
type sessionFamily struct {
	family
	value sessionValue
}

// sessionValue is what a gauge says of a session at a time; ok is false if it
// says nothing.
type sessionValue func(s *apiclient.Session, now time.Time) (value float64, ok bool)

var sessionFamilies = []*sessionFamily{
	newSessionFamily("browseruse_session_active",
		"Whether the browser runs, and so is billed: 1 active, 0 stopped.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return boolean(s.Active()), true }),
	newSessionFamily("browseruse_session_proxy_used_megabytes",
		"Proxy traffic of the session so far, in megabytes as the API reports them.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) {
			return s.ProxyUsedMB.Value, s.ProxyUsedMB.Known
		}),
	newSessionFamily("browseruse_session_proxy_cost_usd",
		"Cost of the session's proxy traffic so far, in US dollars; late metering may still change it after a stop.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return s.ProxyCost.Value, s.ProxyCost.Known }),
	newSessionFamily("browseruse_session_browser_cost_usd",
		"Cost of the session's browser time so far, in US dollars; late metering may still change it after a stop.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) {
			return s.BrowserCost.Value, s.BrowserCost.Known
		}),
	newSessionFamily("browseruse_session_timeout_remaining_seconds",
		"Seconds until the session times out, negative if it is overdue; absent once it stopped.",
		func(s *apiclient.Session, now time.Time) (float64, bool) {
			return SecondsUntil(s.TimeoutAt, now), s.Active()
		}),
	newSessionFamily("browseruse_session_start_timestamp_seconds",
		"When the session started, in seconds since the epoch.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return timestamp(s.StartedAt), true }),
	newSessionFamily("browseruse_session_timeout_timestamp_seconds",
		"When the session times out or would have, in seconds since the epoch.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return timestamp(s.TimeoutAt), true }),
	newSessionFamily("browseruse_session_finish_timestamp_seconds",
		"When the session finished, in seconds since the epoch; absent until then.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) {
			return timestamp(s.FinishedAt), !s.FinishedAt.IsZero()
		}),
}

func newSessionFamily(name, help string, value sessionValue) *sessionFamily {
	return &sessionFamily{family{name, help, sessionLabels}, value}
}

var sessionUp = &family{"browseruse_session_up",
	"Whether the session's values are there: 0 if it could not be read, then it has no other series.", []string{"session_id"}}

var metadataCut = &family{"browseruse_session_info_cut_values",
	"How many label values of browseruse_session_info were cut because they are too long.", nil}

// The account.
var (
	credits = &family{"browseruse_account_credits_usd",
		"Credit left, in US dollars, by source; holds for running work are taken off already.", []string{"source"}}
	concurrentSessionsLimit = &family{"browseruse_account_concurrent_sessions_limit",
		"How many sessions the account may have active at once.", nil}
	activeSessions = &family{"browseruse_account_active_sessions",
		"How many sessions the account has active, if the API says so.", nil}
	accountInfo = &family{"browseruse_account_info",
		"The project of the API key and its plan; always 1.", []string{"plan", "project_id"}}
)

// The project's sessions together.
var (
	sessionsByState = &family{"browseruse_sessions",
		"How many sessions the exporter has in each state, be they too young or too cheap for series of their own.", []string{"state"}}
	oldestStart = &family{"browseruse_oldest_active_session_start_timestamp_seconds",
		"When the oldest active session started, in seconds since the epoch; absent if none is active.", nil}
	dearestCost = &family{"browseruse_dearest_active_session_cost_usd",
		"What the dearest active session has cost so far, in US dollars; absent if none is active.", nil}
)

// The ledger.
var (
	spendDesc = prometheus.NewDesc("browseruse_spend_usd_total",
		"What sessions were found to have newly cost since the exporter's start, in US dollars; what a cost falls by is set off against later spending.",
		[]string{"component"}, nil)
	proxyMegabytesDesc = prometheus.NewDesc("browseruse_proxy_megabytes_total",
		"Proxy traffic that was newly found since the exporter's start, in megabytes as the API reports them.", nil, nil)
	startedDesc = prometheus.NewDesc("browseruse_sessions_started_total",
		"Sessions that were found and started after the exporter did.", nil, nil)
	finishedDesc = prometheus.NewDesc("browseruse_sessions_finished_total",
		"Sessions that were found and finished after the exporter's start.", nil, nil)
	unseenDesc = prometheus.NewDesc("browseruse_sessions_unseen_total",
		"Sessions that ended, by the total of the list of stopped ones, without any reading having seen them; at least so many.", nil, nil)

	ledgerDescs = []*prometheus.Desc{spendDesc, proxyMegabytesDesc, startedDesc, finishedDesc, unseenDesc}
)

// The reading itself.
var (
	up = &family{"browseruse_up",
		"Whether the Browser Use API answered any request of this scrape, or none was needed; a URL that leads nowhere is not up.", nil}
	scrapeDuration = &family{"browseruse_scrape_duration_seconds",
		"How long the reading of the API took for this scrape.", nil}
	fileReloadSuccessful = &family{"browseruse_session_file_last_reload_successful",
		"Whether the session file is in force as it is now: 0 if it is bad or gone and its last good content is used.", nil}
	fileReloadTimestamp = &family{"browseruse_session_file_last_reload_success_timestamp_seconds",
		"When the content of the session file that is in force was loaded, in seconds since the epoch.", nil}
	keyReloadSuccessful = &family{"browseruse_key_file_last_reload_successful",
		"Whether the key file is in force as it is now: 0 if it is bad or gone and its last good key is used.", nil}
)

// otherFamilies are those without a series for each session.
var otherFamilies = []*family{
	sessionsByState, oldestStart, dearestCost,
	credits, concurrentSessionsLimit, activeSessions, accountInfo,
	up, scrapeDuration, fileReloadSuccessful, fileReloadTimestamp, keyReloadSuccessful,
}

func (f *family) desc() *prometheus.Desc { return prometheus.NewDesc(f.name, f.help, f.labels, nil) }
