package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// slotsRow says who holds the account's slots, and who pays.
func slotsRow() row {
	inAnHour := func(counter, legend string) query {
		return query{expr: `sum(max by (job, project) (increase(` + counter + `{` + ofInstance + `}[1h])))`, legend: legend}
	}
	active := `(` + holders("") + isActive + `)`
	return row{"Who holds the slots?", []cog.Builder[dashboard.Panel]{
		graph("Slots in use", "Active sessions as a share of what the account allows. At 100% the API refuses new ones. The dashed line is the threshold of BrowserUseConcurrencyNearLimit.", 8, units.PercentUnit,
			query{expr: `max by (job, project) (instance:browseruse_concurrency:ratio{` + ofInstance + `})`, legend: "{{job}} {{project}}"},
			threshold("concurrency_ratio")),
		stacked(graph("Sessions by state", "All that the exporter knows, be they too young or too cheap for series of their own. A stopped one stays for --session.linger.", 8, units.Short,
			query{expr: `sum by (state) (max by (job, project, state) (browseruse_sessions{` + ofInstance + `}))`, legend: "{{state}}"})),
		graph("Started and finished in an hour", "At each moment, in the 60 minutes before it. Unseen sessions ended without any scrape having seen them: their cost is missing everywhere. A shorter scrape interval finds them.", 8, units.Short,
			inAnHour("browseruse_sessions_started_total", "started"),
			inAnHour("browseruse_sessions_finished_total", "finished"),
			inAnHour("browseruse_sessions_unseen_total", "unseen")),

		stacked(graph("Slots by $holder", "Active sessions by the label that is chosen above: one of --session.metadata-label, or the agent session. Their sum is what counts against the account's limit.", 12, units.Short,
			query{expr: `count by (holder) ` + active, legend: "{{holder}}"})).NoValue("no session is active"),
		tablePanel("Cost by $holder", "What sessions cost in the chosen time by the label that is chosen above, the most expensive first. A session that was first seen in that time counts whole.", 12, 9, "Cost",
			column{name: "Holder", label: "holder", looks: []look{width(uuid)}},
			column{name: "Active", unit: units.Short, expr: `count by (holder) ` + active},
			column{name: "Sessions", unit: units.Short, expr: `count by (holder) (` + holders("[$__range]") + `)`},
			usd("$/h", `sum by (holder) (`+holders("")+` * on (session_id) group_left () max by (session_id) (`+usdPerHour+isActive+`))`),
			usd("Cost", `sum by (holder) (`+holders("[$__range]")+` * on (session_id) group_left () `+costInRange+`)`),
		).NoValue("no session was there"),
	}}
}

// costInRange is what each session's cost grew by in the chosen time.
var costInRange = func() string {
	cost := `session:browseruse_cost_usd:max{` + ofRecorded + `}`
	atEnd := `max by (session_id) (last_over_time(` + cost + `[$__range]))`
	return `(` + atEnd + ` - (max by (session_id) (` + cost + ` offset $__range) or 0 * ` + atEnd + `))`
}()

// holders is 1 of each session now, or of each in a window, with the value of the
// label that the variable holder names as the label holder. Without metadata there
// is the agent session at least.
func holders(window string) string {
	in := func(gauge string) string {
		if window == "" {
			return gauge
		}
		return `last_over_time(` + gauge + window + `)`
	}
	labelled := `label_join(` + in(gauge("info")) + ` or on (session_id) ` + in(gauge("active")) + ` ^ 0, "holder", "", "$holder")`
	return `max by (session_id, holder) (label_replace(` + labelled + `, "holder", "none", "holder", ""))`
}
