package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// spendingRow says what is spent, on what, and how near that is to the limits.
func spendingRow() row {
	spent := func(title, description, series string) cog.Builder[dashboard.Panel] {
		return figure(title, description, units.Dollars, from(plain), `sum(job:browseruse_`+series+`{`+ofJob+`})`)
	}
	// of is the share of its threshold that the nearest project has used.
	of := func(series, name, legend string) query {
		return query{expr: `max(` + series + `{` + ofJob + `} / on (job, project) group_left () ` + thresholds(name) + `)`, legend: legend}
	}
	return row{"What do we spend?", []cog.Builder[dashboard.Panel]{
		spent("An hour, at the current pace", "What all sessions cost in the last 10 minutes, times six.", "spend_usd_per_hour:rate10m"),
		spent("In the last hour", "What all sessions cost in the last 60 minutes, ended ones included.", "spend_usd:increase1h"),
		spent("In the last 24 hours", "What all sessions cost in the last 24 hours, ended ones included.", "spend_usd:increase1d"),
		spent("This month", "What all sessions have cost since the month began, in UTC.", "spend_usd:month_to_date"),
		spent("This month, forecast", "What the month will have cost at its end if spending goes on as it has since the month began. Unknown until a day of it is known.", "spend_usd:month_forecast"),
		figure("Credit lasts", "How long the credit lasts at what it fell by in the last hour or, if that is more, at what sessions spent; at most two weeks. Of several projects, the first to run out.",
			units.Seconds, from(red, step{6 * 3600, yellow}, step{24 * 3600, plain}),
			`min(clamp_max(3600 * job:browseruse_credits_usd:min{`+ofJob+`} / (job:browseruse_pace_usd_per_hour:increase1h{`+ofJob+`} > 0), 1209600))`).NoValue("nothing is spent"),

		stacked(graph("Spend by component", "Dollars an hour, averaged over 10 minutes: browser time, proxy traffic and, with --collector.agent-sessions, the agents' LLM.", 12, units.Dollars,
			query{expr: `3600 * sum by (component) (max by (job, project, component) (rate(browseruse_spend_usd_total{` + ofInstance + `}[10m])))`, legend: "{{component}}"})),
		bars("Of the thresholds", "How much of an alert's threshold is used, by the project that is nearest to it. The alert fires above 100%. A threshold that is not set has no bar.", 12,
			units.PercentUnit, from(green, step{0.8, yellow}, step{1, red}),
			of("job:browseruse_spend_usd:increase1h", "hourly_spend_usd", "last hour"),
			of("job:browseruse_spend_usd:increase1d", "daily_spend_usd", "last 24 hours"),
			of("job:browseruse_spend_usd:month_forecast", "monthly_spend_usd", "month, forecast"),
			of("instance:browseruse_concurrency:ratio", "concurrency_ratio", "slots"),
		).NoValue("rules not loaded").Max(1),

		graph("Spent in the last hour", "At each moment, what the 60 minutes before it cost. The dashed line is the threshold of BrowserUseHourlySpendHigh.", 8, units.Dollars,
			query{expr: `sum by (job, project) (job:browseruse_spend_usd:increase1h{` + ofJob + `})`, legend: "{{job}} {{project}}"},
			threshold("hourly_spend_usd")),
		graph("Spent in the last 24 hours", "At each moment, what the 24 hours before it cost. The dashed line is the threshold of BrowserUseDailySpendHigh.", 8, units.Dollars,
			query{expr: `sum by (job, project) (job:browseruse_spend_usd:increase1d{` + ofJob + `})`, legend: "{{job}} {{project}}"},
			threshold("daily_spend_usd")),
		graph("Credit left", "Holds for running work are taken off. Without credit the API refuses to start browsers. The dashed line is the threshold of BrowserUseCreditsLow.", 8, units.Dollars,
			query{expr: `job:browseruse_credits_usd:min{` + ofJob + `}`, legend: "{{job}} {{project}}"},
			query{expr: `min by (job, project, source) (browseruse_account_credits_usd{` + ofInstance + `})`, legend: "{{job}} {{project}} {{source}}"},
			threshold("credits_usd")),
	}}
}
