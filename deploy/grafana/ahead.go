package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// aheadRow says what is about to happen.
func aheadRow() row {
	return row{"What is about to happen?", []cog.Builder[dashboard.Panel]{
		bars(text{"Time out next", "The ten sessions with the least time left. The API ends a session at its timeout, whatever it does; one below zero is overdue and should have ended."}, 8,
			units.Seconds, from(red, step{0, yellow}, step{300, green}),
			query{expr: `sort(bottomk(10, max by (session_id) (browseruse_session_timeout_remaining_seconds{` + ofSession + `})))`, legend: "{{session_id}}"}).
			Min(-300),
		graph(text{"Credit left", "By source, holds for running work taken off. The dashed line is the threshold of BrowserUseCreditsLow."}, 8, units.Dollars,
			query{expr: `max by (job, instance, source) (browseruse_account_credits_usd{` + ofInstance + `})`, legend: "{{source}}"},
			query{expr: `browseruse:threshold_credits_usd`, legend: "threshold", limit: true}),
		graph(text{"Concurrent sessions", "Active sessions as a share of what the account allows. The dashed line is the threshold of BrowserUseConcurrencyNearLimit; at 100% the API refuses new sessions."}, 8, units.PercentUnit,
			query{expr: `instance:browseruse_concurrency:ratio{` + ofInstance + `}`, legend: "{{instance}}"},
			query{expr: `browseruse:threshold_concurrency_ratio`, legend: "threshold", limit: true}),
	}}
}
