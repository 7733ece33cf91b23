package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// troubleRow reports whether something is wrong now. What is not known is shown as
// such: never as zero, and never as it was when it was last known.
func troubleRow() row {
	return row{"Is something wrong now?", []cog.Builder[dashboard.Panel]{
		answer(text{"Exporter", "Whether Prometheus can scrape the exporter. If not, nothing is known about any session: see whether the process runs and what it logged at last."}, 5,
			`min(up{`+ofInstance+`}) or vector(0)`, "up", "down"),
		answer(text{"Browser Use API", "Whether the last scrape heard of the sessions: the API answered a request, and one for the list of sessions if it was needed. If not, what sessions cost is unknown; the failures by reason, at the bottom, say why."}, 5,
			`min(instance:browseruse_answers:bool{`+ofInstance+`})`, "answers", "does not answer"),
		numberPanel(text{"Unreadable sessions", "Sessions that could not be read by the last scrape. They have no values, and no alert about their cost can fire. The exporter's status page says why."}, 5,
			units.Short, from(green, step{1, red}), `count(max by (job, session_id) (browseruse_session_up{`+ofInstance+`}) == 0) or 0 * (min(instance:browseruse_answers:bool{`+ofInstance+`}) == 1)`),
		numberPanel(text{"Critical alerts", "Alerts of the exporter's rules that fire and should wake somebody. What to do about each stands in the runbook."}, 5,
			units.Short, from(green, step{1, red}), count(`severity="critical"`)).NoValue("rules not loaded"),
		numberPanel(text{"Other alerts", "Alerts that fire and can wait for the morning."}, 4,
			units.Short, from(green, step{1, yellow}), count(`severity!="critical"`)).NoValue("rules not loaded"),
		alertsTable(),
	}}
}

// Alerts of the chosen jobs, and those that have none: that there is no exporter.
const (
	ofAlerts = `alertname=~"BrowserUse.*",job=~"$job|"`
	firing   = ofAlerts + `,alertstate="firing"`
)

// count is zero only where the rules are loaded, and so could fire.
func count(severity string) string {
	return `count(ALERTS{` + firing + `,` + severity + `}) or 0 * max(browseruse:runbook_info)`
}

func alertsTable() *table.PanelBuilder {
	each := func(expr string) string {
		return `max by (alertname, job, instance, session_id, agent_session_id) (` + expr + `)`
	}
	return tablePanel(text{"What fires", "The alerts that fire, from Prometheus itself, the most severe first. The links filter this dashboard by the session or the agent session."}, 24, 6, "Severity",
		column{name: "Alert", label: "alertname", looks: []look{blank(), width(260)}},
		column{name: "Severity", unit: units.Short,
			expr:  each(`3 * ALERTS{` + firing + `,severity="critical"} or 2 * ALERTS{` + firing + `,severity="warning"} or ALERTS{` + firing + `}`),
			looks: worded(map[float64]word{3: {"critical", red}, 2: {"warning", yellow}, 1: {"info", "blue"}})},
		column{name: "For", unit: units.DurationInHoursMinutesSeconds, expr: each(`time() - ALERTS_FOR_STATE{` + ofAlerts + `} and ignoring (alertstate) ALERTS{` + firing + `}`)},
		sessionColumn(blank()),
		agentSessionColumn(blank()),
		column{name: "Job", label: "job", looks: []look{blank()}},
		column{name: "Exporter", label: "instance", looks: []look{blank()}},
	).NoValue("no alert fires")
}
