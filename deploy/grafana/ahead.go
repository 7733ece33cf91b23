package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// aheadRow says what is about to happen.
func aheadRow() row {
	return row{"What is about to happen?", []cog.Builder[dashboard.Panel]{
		bars(text{"Time out next", "The ten sessions with the least time left. The API ends a session at its timeout, whatever it does; one below zero is overdue and should have ended."}, 12,
			units.DurationInHoursMinutesSeconds, from(red, step{0, yellow}, step{300, green}),
			query{expr: `sort(bottomk(10, max by (session_id) (browseruse_session_timeout_remaining_seconds{` + ofSession + `})))`, legend: "{{session_id}}"}).
			Min(-300).NoValue("no session is active"),
		graph(text{"Concurrent sessions", "Active sessions as a share of what the account allows. At 100% the API refuses new ones. The dashed line is the threshold of BrowserUseConcurrencyNearLimit."}, 12, units.PercentUnit,
			query{expr: `instance:browseruse_concurrency:ratio{` + ofInstance + `}`, legend: "{{instance}}"},
			query{expr: `browseruse:threshold_concurrency_ratio`, legend: "threshold", limit: true}),
		graph(text{"Credit left", "By source and together, holds for running work taken off. If the account can't be read, the last sum is drawn for an hour. Without credit the API refuses to start browsers. The dashed line is the threshold of BrowserUseCreditsLow, for all credit together."}, 12, units.Dollars,
			query{expr: `max by (job) (instance:browseruse_credits_usd:sum{` + ofInstance + `})`, legend: "{{job}}"},
			query{expr: `max by (job, source) (browseruse_account_credits_usd{` + ofInstance + `})`, legend: "{{job}} {{source}}"},
			query{expr: `browseruse:threshold_credits_usd`, legend: "threshold", limit: true}),
		graph(text{"Credit lasts", "How long, at what the credit fell by in the last hour, or at what sessions spent if that is more; drawn up to two weeks, and not at all where nothing was spent. The dashed line is the threshold of BrowserUseCreditsRunningOut."}, 12, units.Seconds,
			query{expr: `clamp_max(3600 * job:browseruse_credits_usd:min{` + ofJob + `} / (job:browseruse_pace_usd:increase1h{` + ofJob + `} > 0), 1209600)`, legend: "{{job}}"},
			query{expr: `browseruse:threshold_credits_horizon_seconds`, legend: "threshold", limit: true}),
	}}
}
