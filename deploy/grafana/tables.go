package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// column is one of a table: a label, or the values of a query. A query without a
// name brings its labels alone.
type column struct {
	name  string
	label string
	expr  string
	unit  string
	looks []look
}

// look is one thing in which a column differs from the others.
type look = dashboard.DynamicConfigValue

// tablePanel has a row for each combination of the labels that its queries keep,
// the largest of the column sort first. The columns stand in the order given.
func tablePanel(title, description string, span, height uint32, sort string, columns ...column) *table.PanelBuilder {
	// A label is text even if it looks like a number.
	panel := table.NewPanelBuilder().
		Title(title).Description(description).
		Datasource(source).Height(height).Span(span).
		Unit(units.String).Thresholds(from(plain)).Filterable(true).
		Footer(common.NewTableFooterOptionsBuilder().EnablePagination(true)).
		SortBy([]cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName(sort).Desc(true)})
	order, names, hidden := map[string]int{}, map[string]string{}, map[string]bool{"Time": true}
	queries := 0
	for i, c := range columns {
		field, looks := c.label, c.looks
		if c.expr != "" {
			field = "Value #" + refID(queries)
			looks = append([]look{{Id: "unit", Value: c.unit}}, looks...)
			panel = panel.WithTarget(target(queries, query{expr: c.expr}).Instant().Format(prometheus.PromQueryFormatTable))
			queries++
		}
		if c.name == "" {
			hidden[field] = true
			continue
		}
		order[field], names[field] = i, c.name
		panel = panel.OverrideByName(c.name, looks)
	}
	return panel.
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"indexByName": order, "renameByName": names, "excludeByName": hidden,
		}})
}

// usd is a column of dollars.
func usd(name, expr string) column {
	return column{name: name, unit: units.Dollars, expr: expr, looks: []look{decimals(2)}}
}

// share is a column that shows how much of a limit is used, 0 to 1.
func share(name, expr string) column {
	return column{name: name, unit: units.PercentUnit, expr: expr,
		looks: append(colored(plain, step{0.8, yellow}, step{1, red}), decimals(0))}
}

func sessionColumn(looks ...look) column {
	return column{name: "Session", label: "session_id", looks: append(looks, width(uuid),
		link("Only this session", sameDashboard+"&${agent_session:queryparam}&var-session=${__value.raw:percentencode}&${__url_time_range}"))}
}

func agentSessionColumn(looks ...look) column {
	return column{name: "Agent session", label: "agent_session_id", looks: append(looks, width(uuid),
		link("Only this agent session and its browsers", sameDashboard+"&var-agent_session=${__value.raw:percentencode}&var-session=&${__url_time_range}"))}
}

func exporterColumn(looks ...look) column {
	return column{name: "Exporter", label: "instance", looks: append(looks, link("Its status page", "http://${__value.raw}/"))}
}

// sameDashboard is the dashboard with its data source, projects and exporters.
const sameDashboard = "/d/" + uid + "?${datasource:queryparam}&${job:queryparam}&${project:queryparam}&${instance:queryparam}&${holder:queryparam}"

// link leads on from a cell.
func link(title, url string) look {
	return look{Id: "links", Value: []any{map[string]any{"title": title, "url": url}}}
}

// uuid is the width at which one can be read, in pixels.
const uuid = 310

func width(pixels int) look { return look{Id: "custom.width", Value: pixels} }

func decimals(n int) look { return look{Id: "decimals", Value: n} }

// blank leaves empty cells empty, whatever the panel says when it has no rows.
func blank() look { return look{Id: "noValue", Value: ""} }

// colored colors the text of the cells from a value on.
func colored(base string, others ...step) []look {
	return []look{
		{Id: "thresholds", Value: map[string]any{"mode": "absolute", "steps": steps(base, others)}},
		coloredText(),
	}
}

// worded shows values as words, and colors them.
func worded(of map[float64]word) []look {
	return []look{{Id: "mappings", Value: words(of)}, coloredText()}
}

func coloredText() look {
	return look{Id: "custom.cellOptions", Value: map[string]any{"type": "color-text"}}
}
