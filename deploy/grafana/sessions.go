package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// gauge selects a gauge of the sessions.
func gauge(name string) string { return `browseruse_session_` + name + `{` + ofSession + `}` }

// ofEach is a value of each session, whichever exporter shows it.
func ofEach(expr string) string { return `max by (session_id, agent_session_id) (` + expr + `)` }

// Growth over 10 minutes, from the second scrape on.
var (
	usdPerHour = `3600 * (deriv(` + gauge("browser_cost_usd") + `[10m]) + deriv(` + gauge("proxy_cost_usd") + `[10m]))`
	mbPerMin   = `60 * deriv(` + gauge("proxy_used_megabytes") + `[10m])`
	isActive   = ` and on (session_id) ` + gauge("active") + ` == 1`
)

const megabytesPerMinute = "suffix: MB/min"

// topTen keeps the sessions that are among the ten with the most of a gauge at the
// end of the chosen time: the same ten at each moment of it.
func topTen(expr, by string) string {
	return expr + ` and on (session_id) topk(10, max by (session_id) (last_over_time(` + by + `[$__range] @ end())))`
}

// sessionsRow says which sessions there are.
func sessionsRow() row {
	return row{"Which sessions?", []cog.Builder[dashboard.Panel]{
		sessionsTable(),
		graph("The most expensive sessions", "What the ten most expensive sessions of the chosen time have cost, browser and proxy together. A steep line is proxy traffic. The dashed line is the threshold of BrowserUseSessionCostHigh.", 12, units.Dollars,
			query{expr: topTen(`session:browseruse_cost_usd:max{`+ofRecorded+`}`, `session:browseruse_cost_usd:max{`+ofRecorded+`}`), legend: "{{session_id}}"},
			threshold("session_cost_usd")),
		graph("Proxy traffic", "Of the ten sessions of the chosen time that moved most, averaged over 10 minutes. Video, downloads and endless scrolling are the usual causes. The dashed line is the threshold of BrowserUseProxyTrafficHigh.", 12, megabytesPerMinute,
			query{expr: topTen(ofEach(mbPerMin), gauge("proxy_used_megabytes")), legend: "{{session_id}}"},
			threshold("proxy_megabytes_per_minute")),
	}}
}

func sessionsTable() *table.PanelBuilder {
	return tablePanel("Sessions", "Every session that is exported, the most expensive first; sort by $/h to see who spends now. Alert says which alert the session is part of. Age is until now, or until it finished. A session or an agent session filters the dashboard.", 24, 14, "Total",
		sessionColumn(),
		agentSessionColumn(),
		column{name: "State", unit: units.Short, expr: stateOfEach,
			looks: worded(map[float64]word{2: {"overdue", red}, 1: {"active", green}, 0: {"stopped", plain}, -1: {"unreadable", red}})},
		column{name: "Alert", unit: units.Short, expr: alertOfEach,
			looks: worded(map[float64]word{3: {"proxy traffic", red}, 2: {"cost", red}, 1: {"runs long", yellow}})},
		column{name: "Age", unit: units.DurationInHoursMinutesSeconds, expr: ofEach(`(` + gauge("finish_timestamp_seconds") + ` or ` + gauge("active") + ` * 0 + time()) - ` + gauge("start_timestamp_seconds"))},
		column{name: "Time left", unit: units.DurationInHoursMinutesSeconds, expr: ofEach(gauge("timeout_remaining_seconds")),
			looks: colored(red, step{0, yellow}, step{300, plain})},
		usd("$/h", ofEach(usdPerHour)+isActive),
		column{name: "MB/min", unit: units.Short, expr: ofEach(mbPerMin) + isActive, looks: []look{decimals(1)}},
		column{name: "Proxy traffic", unit: "suffix: MB", expr: ofEach(gauge("proxy_used_megabytes")), looks: []look{decimals(1)}},
		usd("Proxy cost", ofEach(gauge("proxy_cost_usd"))),
		usd("Browser cost", ofEach(gauge("browser_cost_usd"))),
		usd("Total", ofEach(gauge("browser_cost_usd")+` + `+gauge("proxy_cost_usd"))),
	)
}

// stateOfEach is 1 of an active session, 2 if it should have ended, 0 of a
// stopped one, and -1 of an unreadable one, which has no agent session to be
// known by and so is there whichever is chosen.
var stateOfEach = ofEach(gauge("active")+` + (`+gauge("timeout_remaining_seconds")+` < bool 0) or `+gauge("active")) +
	` or (max by (session_id) (browseruse_session_up{` + ofInstance + `,session_id=~"${session}.*"}) == 0) - 1`

// alertOfEach is the gravest thing that an alert says of a session.
var alertOfEach = ofEach(`3 * session:browseruse_proxy_traffic_high:megabytes_per_minute{` + ofRecorded + `} ^ 0` +
	` or 2 * session:browseruse_cost_high:usd{` + ofRecorded + `} ^ 0` +
	` or session:browseruse_running_long:seconds{` + ofRecorded + `} ^ 0`)
