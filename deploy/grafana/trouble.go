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
		answer("Exporter", "Whether Prometheus can scrape the exporter. If not, nothing is known about any session: check that the process runs, and read the end of its log.",
			`min(up{`+ofInstance+`}) or vector(0)`, "up", "down"),
		answer("Browser Use API", "Whether the last scrape read the sessions: the API answered a request, and the one for the list of sessions if that was needed. If not, what sessions cost is unknown. The failures by reason, in the last row, say why.",
			`min(instance:browseruse_answers:bool{`+ofInstance+`})`, "answers", "does not answer"),
		figure("Active sessions", "Browsers that are open now. Each is billed and holds one of the account's slots.",
			units.Short, from(plain), ofState("active")),
		figure("Unreadable sessions", "Sessions that the last scrape could not read. They have no values, and no alert about their cost can fire. The exporter's status page says why.",
			units.Short, from(green, step{1, red}), ofState("unreadable")),
		figure("Critical alerts", "Alerts of the exporter's rules that fire and should wake somebody. The runbook says what to do about each.",
			units.Short, from(green, step{1, red}), count(`severity="critical"`)).NoValue("rules not loaded"),
		figure("Other alerts", "Alerts that fire and can wait until the morning.",
			units.Short, from(green, step{1, yellow}), count(`severity!="critical"`)).NoValue("rules not loaded"),
		alertsTable(),
	}}
}

// ofState is how many sessions are in a state, by the exporters whose last scrape reached the API.
func ofState(state string) string {
	return `sum(max by (job, project) (browseruse_sessions{` + ofInstance + `,state="` + state + `"} and on (job, project, instance) browseruse_up == 1))`
}

// Alerts of the chosen projects, and those that have none: that there is no exporter.
const (
	ofAlerts = `alertname=~"BrowserUse.*",job=~"$job|",project=~"$project|"`
	firing   = ofAlerts + `,alertstate="firing"`
)

// alertAnnotation marks in the graphs when an alert fired: once, however many sessions it was about.
func alertAnnotation() cog.Builder[dashboard.AnnotationQuery] {
	return dashboard.NewAnnotationQueryBuilder().
		Name("Alerts").Datasource(source).Enable(true).IconColor(red).
		Expr(`count by (alertname, severity) (ALERTS{` + firing + `})`).
		TitleFormat("{{alertname}}").TagKeys("severity")
}

// count is zero only where the rules are loaded, and so could fire.
func count(severity string) string {
	return `count(ALERTS{` + firing + `,` + severity + `}) or 0 * max(browseruse:links_info)`
}

func alertsTable() *table.PanelBuilder {
	each := func(expr string) string {
		return `max by (alertname, job, project, instance) (` + expr + `)`
	}
	return tablePanel("What fires", "The alerts that fire, the most severe first. An alert leads to the runbook.", 24, 6, "Severity",
		column{name: "Alert", label: "alertname", looks: []look{blank(), width(260), link("What to do", runbook+"#${__value.raw}")}},
		column{name: "Severity", unit: units.Short,
			expr:  each(`3 * ALERTS{` + firing + `,severity="critical"} or 2 * ALERTS{` + firing + `,severity="warning"} or ALERTS{` + firing + `}`),
			looks: worded(map[float64]word{3: {"critical", red}, 2: {"warning", yellow}, 1: {"info", "blue"}})},
		column{name: "For", unit: units.DurationInHoursMinutesSeconds, expr: each(`time() - ALERTS_FOR_STATE{` + ofAlerts + `} and ignoring (alertstate) ALERTS{` + firing + `}`)},
		column{name: "Job", label: "job", looks: []look{blank()}},
		column{name: "Project", label: "project", looks: []look{blank()}},
		exporterColumn(blank()),
	).NoValue("no alert fires")
}
