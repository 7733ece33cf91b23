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

// sessionSeries are the families with a gauge of each session of a kind.
type sessionSeries[S session] struct {
	up     *family           // of every session; labelled by its ID alone
	values []*valueFamily[S] // of those whose values were read
	labels []string          // of these; sorted, that of the ID last
}

// valueFamily has what its gauge says of a session at a time; ok is false if it says
// nothing.
type valueFamily[S session] struct {
	family
	value func(s S, now time.Time) (value float64, ok bool)
}

func newSeries[S session](up *family, labels []string, values ...*valueFamily[S]) *sessionSeries[S] {
	for _, f := range values {
		f.labels = labels
	}
	return &sessionSeries[S]{up, values, labels}
}

func (s *sessionSeries[S]) describe(ch chan<- *prometheus.Desc) {
	ch <- s.up.desc()
	for _, f := range s.values {
		ch <- f.desc()
	}
}

// sessionLabels are those of each browser session whose values were read.
var sessionLabels = []string{"agent_session_id", "session_id"}

var browserSeries = newSeries(sessionUp, sessionLabels,
	gaugeOf("browseruse_session_active",
		"Whether the browser runs, and so is billed: 1 active, 0 stopped.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return boolean(s.Active()), true }),
	amountOf("browseruse_session_proxy_used_megabytes",
		"Proxy traffic of the session so far, in megabytes as the API reports them.",
		func(s *apiclient.Session) apiclient.Amount { return s.ProxyUsedMB }),
	amountOf("browseruse_session_proxy_cost_usd",
		"Cost of the session's proxy traffic so far, in US dollars; late metering may still change it after a stop.",
		func(s *apiclient.Session) apiclient.Amount { return s.ProxyCost }),
	amountOf("browseruse_session_browser_cost_usd",
		"Cost of the session's browser time so far, in US dollars; late metering may still change it after a stop.",
		func(s *apiclient.Session) apiclient.Amount { return s.BrowserCost }),
	gaugeOf("browseruse_session_timeout_remaining_seconds",
		"Seconds until the session times out, negative if it is overdue; absent once it stopped.",
		func(s *apiclient.Session, now time.Time) (float64, bool) {
			return SecondsUntil(s.TimeoutAt, now), s.Active()
		}),
	gaugeOf("browseruse_session_start_timestamp_seconds",
		"When the session started, in seconds since the epoch.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return timestamp(s.StartedAt), true }),
	gaugeOf("browseruse_session_timeout_timestamp_seconds",
		"When the session times out or would have, in seconds since the epoch.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) { return timestamp(s.TimeoutAt), true }),
	gaugeOf("browseruse_session_finish_timestamp_seconds",
		"When the session finished, in seconds since the epoch; absent until then.",
		func(s *apiclient.Session, _ time.Time) (float64, bool) {
			return timestamp(s.FinishedAt), !s.FinishedAt.IsZero()
		}),
)

var agentLabels = []string{"agent_session_id"}

var agentSeries = newSeries(
	&family{"browseruse_agent_session_up",
		"Whether the agent session's values are there: 0 if it could not be read, then it has no other series.", agentLabels},
	agentLabels,
	gaugeOf("browseruse_agent_session_active",
		"Whether the agent session lives: 1 while it is created, idle or running, 0 once it has ended.",
		func(s *apiclient.AgentSession, _ time.Time) (float64, bool) { return boolean(s.Active()), true }),
	amountOf("browseruse_agent_session_llm_cost_usd",
		"Cost of the agent session's LLM so far, in US dollars; late metering may still change it after its end.",
		func(s *apiclient.AgentSession) apiclient.Amount { return s.LLMCost }),
	amountOf("browseruse_agent_session_total_cost_usd",
		"Cost of the agent session so far, in US dollars; that of its browsers and their proxy is a part of it, so never add them.",
		func(s *apiclient.AgentSession) apiclient.Amount { return s.TotalCost }),
	amountOf("browseruse_agent_session_max_cost_usd",
		"What the agent session may cost at most, in US dollars; absent if there is no limit.",
		func(s *apiclient.AgentSession) apiclient.Amount { return s.MaxCost }),
	amountOf("browseruse_agent_session_input_tokens",
		"Tokens that the LLM was given for the agent session so far.",
		func(s *apiclient.AgentSession) apiclient.Amount { return s.InputTokens }),
	amountOf("browseruse_agent_session_output_tokens",
		"Tokens that the LLM made for the agent session so far.",
		func(s *apiclient.AgentSession) apiclient.Amount { return s.OutputTokens }),
	amountOf("browseruse_agent_session_steps",
		"Steps that the agent session has taken so far.",
		func(s *apiclient.AgentSession) apiclient.Amount { return s.Steps }),
	gaugeOf("browseruse_agent_session_start_timestamp_seconds",
		"When the agent session was created, in seconds since the epoch.",
		func(s *apiclient.AgentSession, _ time.Time) (float64, bool) { return timestamp(s.StartedAt), true }),
)

var agentInfo = &family{"browseruse_agent_session_info",
	"Model and status of the agent session, for joins; always 1.", []string{"agent_session_id", "model", "status"}}

// gaugeOf returns a family, whose labels newSeries adds.
func gaugeOf[S session](name, help string, value func(S, time.Time) (float64, bool)) *valueFamily[S] {
	return &valueFamily[S]{family{name, help, nil}, value}
}

// amountOf returns a family that is absent where an amount is not known.
func amountOf[S session](name, help string, amount func(S) apiclient.Amount) *valueFamily[S] {
	return gaugeOf(name, help, func(s S, _ time.Time) (float64, bool) { return amount(s).Value, amount(s).Known })
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
		"What the most expensive active session has cost so far, in US dollars; absent if none is active.", nil}
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
