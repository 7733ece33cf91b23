package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// column is one of the table of sessions.
type column struct {
	name, expr, unit string
	decimals         int
}

// ofEach is what a gauge says of each session, whichever exporter shows it.
func ofEach(gauge string) string {
	return `max by (session_id, agent_session_id) (browseruse_session_` + gauge + `{` + ofSession + `})`
}

func sessionColumns() []column {
	return []column{
		// An unreadable session has no agent session to be known by.
		{name: "State", unit: units.Short, expr: ofEach("active") + ` or max by (session_id) (browseruse_session_up{` + ofInstance + `} == 0) - 1`},
		{name: "Age", unit: units.Seconds, expr: `(` + ofEach("finish_timestamp_seconds") + ` or ` + ofEach("active") + ` * 0 + time()) - ` + ofEach("start_timestamp_seconds")},
		{name: "Time left", unit: units.Seconds, expr: ofEach("timeout_remaining_seconds")},
		{name: "Proxy MB", unit: units.Mebibytes, decimals: 1, expr: ofEach("proxy_used_megabytes")},
		{name: "Proxy cost", unit: units.Dollars, decimals: 3, expr: ofEach("proxy_cost_usd")},
		{name: "Browser cost", unit: units.Dollars, decimals: 3, expr: ofEach("browser_cost_usd")},
		{name: "Total", unit: units.Dollars, decimals: 3, expr: ofEach("browser_cost_usd") + ` + ` + ofEach("proxy_cost_usd")},
	}
}

// sessionsRow says which sessions there are.
func sessionsRow() row {
	columns := sessionColumns()
	order := make([]string, 0, 2+len(columns))
	order = append(order, "session_id", "agent_session_id")
	names := map[string]string{"session_id": "Session", "agent_session_id": "Agent session"}
	panel := table.NewPanelBuilder().
		Title("Sessions").
		Description("Every session that is exported, the dearest first. Age is until now, or until it finished. The link of an agent session filters the dashboard by it; the columns can be filtered, too.").
		Datasource(source).Height(14).Span(24).
		Unit(units.Short).Thresholds(from(plain)).
		Filterable(true).NoValue("")
	for i, c := range columns {
		value := "Value #" + refID(i)
		order = append(order, value)
		names[value] = c.name
		panel = panel.
			WithTarget(tableTarget(i, c.expr)).
			OverrideByName(c.name, []dashboard.DynamicConfigValue{{Id: "unit", Value: c.unit}, {Id: "decimals", Value: c.decimals}})
	}
	panel = panel.
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(organize(order, names, "Time")).
		SortBy([]cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName("Total").Desc(true)}).
		OverrideByName("State", []dashboard.DynamicConfigValue{
			{Id: "mappings", Value: words(map[float64]word{1: {"active", green}, 0: {"stopped", plain}, -1: {"unreadable", red}})},
			{Id: "custom.cellOptions", Value: map[string]any{"type": "color-text"}},
		}).
		OverrideByName("Time left", []dashboard.DynamicConfigValue{
			{Id: "thresholds", Value: map[string]any{"mode": "absolute", "steps": []any{
				map[string]any{"value": nil, "color": red}, map[string]any{"value": 0, "color": yellow}, map[string]any{"value": 300, "color": plain},
			}}},
			{Id: "custom.cellOptions", Value: map[string]any{"type": "color-text"}},
		}).
		OverrideByName("Agent session", agentSessionLink())
	return row{"Which sessions?", []cog.Builder[dashboard.Panel]{panel}}
}
