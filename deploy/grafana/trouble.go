package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// troubleRow says whether something is wrong now.
func troubleRow() row {
	return row{"Is something wrong now?", []cog.Builder[dashboard.Panel]{
		answer(text{"Exporter", "Whether Prometheus can scrape the exporter. If not, nothing is known about any session."}, 3,
			`min(up{`+ofInstance+`})`, "up", "down"),
		answer(text{"Browser Use API", "Whether the API answered a request of the last scrape, or none was needed. If not, what sessions cost is unknown; see below why."}, 3,
			`min(browseruse_up{`+ofInstance+`})`, "answers", "does not answer"),
		numberPanel(text{"Unreadable sessions", "Sessions that could not be read by the last scrape. They have no values, and no alert about their cost can fire. The exporter's status page says why."}, 3,
			units.Short, from(green, step{1, red}), `count(browseruse_session_up{`+ofInstance+`} == 0) or vector(0)`),
		numberPanel(text{"Firing alerts", "Alerts of the exporter's rules that fire. What to do about each stands in the runbook."}, 3,
			units.Short, from(green, step{1, red}), `count(ALERTS{alertname=~"BrowserUse.*",alertstate="firing"}) or vector(0)`),
		alertsTable(),
	}}
}

func alertsTable() *table.PanelBuilder {
	return table.NewPanelBuilder().
		Title("What fires").
		Description("The alerts that fire, from Prometheus itself. The link filters this dashboard by the agent session.").
		Datasource(source).Height(4).Span(12).
		Unit(units.Short).Thresholds(from(plain)).NoValue("nothing").
		WithTarget(tableTarget(0, `sum by (alertname, severity, job, session_id, agent_session_id) (ALERTS{alertname=~"BrowserUse.*",alertstate="firing"})`)).
		WithTransformation(organize(
			[]string{"alertname", "severity", "session_id", "agent_session_id", "job"},
			map[string]string{"alertname": "Alert", "severity": "Severity", "session_id": "Session", "agent_session_id": "Agent session", "job": "Job"},
			"Time", "Value",
		)).
		OverrideByName("Severity", []dashboard.DynamicConfigValue{
			{Id: "mappings", Value: []any{map[string]any{"type": "value", "options": map[string]any{
				"critical": map[string]any{"color": red, "index": 0},
				"warning":  map[string]any{"color": yellow, "index": 1},
				"info":     map[string]any{"color": "blue", "index": 2},
			}}}},
			{Id: "custom.cellOptions", Value: map[string]any{"type": "color-text"}},
		}).
		OverrideByName("Agent session", agentSessionLink()).
		SortBy([]cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName("Severity")})
}

// organize orders, renames and hides the columns of a table.
func organize(order []string, names map[string]string, hidden ...string) dashboard.DataTransformerConfig {
	index, exclude := map[string]int{}, map[string]bool{}
	for i, name := range order {
		index[name] = i
	}
	for _, name := range hidden {
		exclude[name] = true
	}
	return dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
		"indexByName": index, "renameByName": names, "excludeByName": exclude,
	}}
}

// agentSessionLink makes a column filter the dashboard by its agent session.
func agentSessionLink() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{{Id: "links", Value: []any{map[string]any{
		"title": "Only this agent session",
		"url":   "/d/" + uid + "?${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&var-agent_session=${__value.raw:percentencode}&${__url_time_range}",
	}}}}
}
