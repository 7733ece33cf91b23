package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// spendingRow says what is spent, on whom and on what.
func spendingRow() row {
	return row{"What do we spend?", []cog.Builder[dashboard.Panel]{
		numberPanel(text{"An hour, at the pace of now", "What all sessions cost in the last 10 minutes, times six."}, 4,
			units.Dollars, from(plain), `sum(job:browseruse_spend_usd_per_hour:rate10m{`+ofJob+`})`),
		numberPanel(text{"In the last hour", "What all sessions cost in the last 60 minutes, ended ones included. A session that began in that time counts whole, an older one by what it added."}, 4,
			units.Dollars, from(plain), `sum(job:browseruse_spend_usd:increase1h{`+ofJob+`})`),
		share(text{"Hour's threshold", "The last hour as a share of the threshold of BrowserUseHourlySpendHigh, which fires above 100%."}, 4,
			`max(job:browseruse_spend_usd:increase1h{`+ofJob+`}) / scalar(browseruse:threshold_hourly_spend_usd)`),
		numberPanel(text{"In the last 24 hours", "What all sessions cost in the last 24 hours, counted as in the last hour."}, 4,
			units.Dollars, from(plain), `sum(job:browseruse_spend_usd:increase1d{`+ofJob+`})`),
		share(text{"Day's threshold", "The last 24 hours as a share of the threshold of BrowserUseDailySpendHigh, which fires above 100%."}, 4,
			`max(job:browseruse_spend_usd:increase1d{`+ofJob+`}) / scalar(browseruse:threshold_daily_spend_usd)`),
		numberPanel(text{"Active sessions", "Browsers that are open now, and so are billed."}, 4,
			units.Short, from(plain), `sum(job:browseruse_active_sessions:sum{`+ofJob+`})`),

		graph(text{"Spent in the last hour", "At each moment, what the 60 minutes before it cost. The dashed line is the threshold of BrowserUseHourlySpendHigh."}, 8, units.Dollars,
			query{expr: `sum by (job) (job:browseruse_spend_usd:increase1h{` + ofJob + `})`, legend: "{{job}}"},
			query{expr: `browseruse:threshold_hourly_spend_usd`, legend: "threshold", limit: true}),
		graph(text{"Spent in the last 24 hours", "At each moment, what the 24 hours before it cost. The dashed line is the threshold of BrowserUseDailySpendHigh."}, 8, units.Dollars,
			query{expr: `sum by (job) (job:browseruse_spend_usd:increase1d{` + ofJob + `})`, legend: "{{job}}"},
			query{expr: `browseruse:threshold_daily_spend_usd`, legend: "threshold", limit: true}),
		stacked(graph(text{"Browser against proxy", "What the exported sessions have cost so far: browser time, and traffic through the proxy. It falls when ended sessions are exported no more."}, 8, units.Dollars,
			query{expr: `sum(max by (job, session_id) (browseruse_session_browser_cost_usd{` + ofSession + `}))`, legend: "browser"},
			query{expr: `sum(max by (job, session_id) (browseruse_session_proxy_cost_usd{` + ofSession + `}))`, legend: "proxy"})),

		// Where the label is empty, so would the legend be.
		stacked(graph(text{"By agent session, in the last hour", "At each moment, which ten agent sessions spent most in the 60 minutes before it. Sessions without one are together."}, 12, units.Dollars,
			query{expr: `topk(10, label_replace(sum by (agent_session_id) (session:browseruse_spend_usd:increase1h{` + ofRecorded + `}), "agent_session_id", "none", "agent_session_id", ""))`, legend: "{{agent_session_id}}"})),
		agentSessionsTable(),
	}}
}

func agentSessionsTable() *table.PanelBuilder {
	spent := func(window string) string {
		return `sum by (agent_session_id) (session:browseruse_spend_usd:increase` + window + `{` + ofAgentSession + `,agent_session_id!=""})`
	}
	return tablePanel(text{"Agent sessions", "The dearest first, by what all browsers have cost that were seen in the last 24 hours, ended ones included; blank once none of them is exported. Above 100% BrowserUseAgentSessionCostHigh fires. Many browsers in a short time may be a loop."}, 12, 8, "Cost",
		agentSessionColumn(),
		column{name: "Browsers", unit: units.Short, expr: `count by (agent_session_id) (session:browseruse_spend_usd:increase1d{` + ofAgentSession + `,agent_session_id!=""})`},
		column{name: "Cost", unit: units.Dollars, looks: []look{decimals(3)}, expr: `sum by (agent_session_id) (agent_session:browseruse_cost_usd:sum{` + ofAgentSession + `})`},
		column{name: "Of threshold", unit: units.PercentUnit, looks: append(colored(plain, step{0.8, yellow}, step{1, red}), decimals(0)),
			expr: `max by (agent_session_id) (agent_session:browseruse_cost_usd:sum{` + ofAgentSession + `}) / scalar(browseruse:threshold_agent_session_cost_usd)`},
		column{name: "Last hour", unit: units.Dollars, looks: []look{decimals(3)}, expr: spent("1h")},
		column{name: "Last 24 h", unit: units.Dollars, looks: []look{decimals(3)}, expr: spent("1d")},
	)
}
