package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// ofEach is what a gauge says of each session, whichever exporter shows it.
func ofEach(gauge string) string {
	return `max by (session_id, agent_session_id) (browseruse_session_` + gauge + `{` + ofSession + `})`
}

// sessionsRow says which sessions there are.
func sessionsRow() row {
	return row{"Which sessions?", []cog.Builder[dashboard.Panel]{
		sessionsTable(),
		graph(text{"The dearest sessions", "What the ten dearest have cost, browser and proxy together. A steep line is proxy traffic. The dashed line is the threshold of BrowserUseSessionCostHigh."}, 12, units.Dollars,
			query{expr: `topk(10, session:browseruse_cost_usd:sum{` + ofRecorded + `})`, legend: "{{session_id}}"},
			query{expr: `browseruse:threshold_session_cost_usd`, legend: "threshold", limit: true}),
		graph(text{"Proxy traffic", "Of the ten sessions that move most, averaged over 10 minutes. Video, downloads and endless scrolling are the usual causes. The dashed line is the threshold of BrowserUseProxyTrafficHigh."}, 12, "suffix:MB/min",
			query{expr: `topk(10, session:browseruse_proxy_megabytes_per_minute:rate10m{` + ofRecorded + `})`, legend: "{{session_id}}"},
			query{expr: `browseruse:threshold_proxy_megabytes_per_minute`, legend: "threshold", limit: true}),
	}}
}

func sessionsTable() *table.PanelBuilder {
	cents := []look{decimals(3)}
	return tablePanel(text{"Sessions", "Every session that is exported, the dearest first. Age is until now, or until it finished. The links filter the dashboard by the session or the agent session, and so do the fields above; columns can be filtered, too."}, 24, 14, "Total",
		sessionColumn(),
		agentSessionColumn(),
		column{name: "State", unit: units.Short, expr: stateOfEach,
			looks: worded(map[float64]word{2: {"overdue", red}, 1: {"active", green}, 0: {"stopped", plain}, -1: {"unreadable", red}})},
		column{name: "Age", unit: units.DurationInHoursMinutesSeconds, expr: `(` + ofEach("finish_timestamp_seconds") + ` or ` + ofEach("active") + ` * 0 + time()) - ` + ofEach("start_timestamp_seconds")},
		column{name: "Time left", unit: units.DurationInHoursMinutesSeconds, expr: ofEach("timeout_remaining_seconds"),
			looks: colored(red, step{0, yellow}, step{300, plain})},
		column{name: "Proxy traffic", unit: units.Mebibytes, expr: ofEach("proxy_used_megabytes"), looks: []look{decimals(1)}},
		column{name: "Proxy cost", unit: units.Dollars, expr: ofEach("proxy_cost_usd"), looks: cents},
		column{name: "Browser cost", unit: units.Dollars, expr: ofEach("browser_cost_usd"), looks: cents},
		column{name: "Total", unit: units.Dollars, expr: ofEach("browser_cost_usd") + ` + ` + ofEach("proxy_cost_usd"), looks: cents},
	)
}

// stateOfEach is 1 of an active session, 2 if it should have ended, 0 of a
// stopped one, and -1 of an unreadable one, which has no agent session to be
// known by and so is there whichever is chosen.
var stateOfEach = ofEach("active") + ` + (` + ofEach("timeout_remaining_seconds") + ` < bool 0)` +
	` or ` + ofEach("active") +
	` or (max by (session_id) (browseruse_session_up{` + ofInstance + `,session_id=~"${session}.*"}) == 0) - 1`
