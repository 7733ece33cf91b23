package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// spendingRow says what is spent, on whom and on what.
func spendingRow() row {
	return row{"What do we spend?", []cog.Builder[dashboard.Panel]{
		numberPanel(text{"An hour, at the pace of now", "What all sessions cost in the last 10 minutes, times six."}, 6,
			units.Dollars, from(plain), `sum(job:browseruse_spend_usd_per_hour:rate10m{`+ofJob+`})`),
		numberPanel(text{"In the last hour", "What all sessions cost in the last 60 minutes, ended ones included. A session that began in that time counts whole, an older one by what it added."}, 6,
			units.Dollars, from(plain), `sum(job:browseruse_spend_usd:increase1h{`+ofJob+`})`),
		numberPanel(text{"In the last 24 hours", "The same for a day."}, 6,
			units.Dollars, from(plain), `sum(job:browseruse_spend_usd:increase1d{`+ofJob+`})`),
		numberPanel(text{"Active sessions", "Browsers that are open now, and so are billed."}, 6,
			units.Short, from(plain), `sum(job:browseruse_active_sessions:sum{`+ofJob+`})`),

		graph(text{"Spent in the last hour", "At each moment, what the 60 minutes before it cost. The dashed line is the threshold of BrowserUseHourlySpendHigh."}, 12, units.Dollars,
			query{expr: `sum by (job) (job:browseruse_spend_usd:increase1h{` + ofJob + `})`, legend: "{{job}}"},
			query{expr: `browseruse:threshold_hourly_spend_usd`, legend: "threshold", limit: true}),
		stacked(graph(text{"By agent session, in the last hour", "Where that went: the ten agent sessions that spent most. Sessions without one are together."}, 12, units.Dollars,
			query{expr: `topk(10, sum by (agent_session_id) (session:browseruse_spend_usd:increase1h{` + ofRecorded + `}))`, legend: "{{agent_session_id}}"})),
		stacked(graph(text{"Browser against proxy", "What the exported sessions have cost so far: browser time, and traffic through the proxy. The proxy is usually what is dear."}, 12, units.Dollars,
			query{expr: `sum(max by (job, session_id) (browseruse_session_browser_cost_usd{` + ofSession + `}))`, legend: "browser"},
			query{expr: `sum(max by (job, session_id) (browseruse_session_proxy_cost_usd{` + ofSession + `}))`, legend: "proxy"})),
		bars(text{"The dearest agent sessions", "What all browsers of an agent session have cost that were seen in the last 24 hours, ended ones included. BrowserUseAgentSessionCostHigh fires at a threshold of its own."}, 12, units.Dollars, from(green, step{2.5, yellow}, step{5, red}),
			query{expr: `topk(10, sum by (agent_session_id) (agent_session:browseruse_cost_usd:sum{` + ofRecorded + `}))`, legend: "{{agent_session_id}}"}),
	}}
}
