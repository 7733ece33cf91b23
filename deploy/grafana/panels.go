package main

import (
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/gauge"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// row is a part of the dashboard. Its panels fill lines of 24 columns.
type row struct {
	title  string
	panels []cog.Builder[dashboard.Panel]
}

// text is what a panel says about itself.
type text struct{ title, description string }

// query is one query of a panel.
type query struct {
	expr   string
	legend string
	limit  bool // a threshold, drawn as a dashed line
}

const (
	green  = "green"
	yellow = "yellow"
	red    = "red"
	plain  = "text" // the color of what is neither good nor bad
)

// step is a color from a value on.
type step struct {
	value float64
	color string
}

// from returns thresholds: the first color, and others from a value on.
func from(base string, others ...step) cog.Builder[dashboard.ThresholdsConfig] {
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps(base, others))
}

func steps(base string, others []step) []dashboard.Threshold {
	all := make([]dashboard.Threshold, 1, 1+len(others))
	all[0].Color = base
	for _, s := range others {
		all = append(all, dashboard.Threshold{Value: &s.value, Color: s.color})
	}
	return all
}

// numberPanel shows the value of now, large. It is asked for by an instant query:
// the last value of a range may be hours old, and looks like one of now.
func numberPanel(about text, span uint32, unit string, thresholds cog.Builder[dashboard.ThresholdsConfig], expr string) *stat.PanelBuilder {
	return stat.NewPanelBuilder().
		Title(about.title).Description(about.description).
		Datasource(source).Height(4).Span(span).
		Unit(unit).Thresholds(thresholds).NoValue("unknown").
		ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeNone).
		ReduceOptions(latest()).
		WithTarget(target(0, query{expr: expr}).Instant())
}

// answer shows 1 and 0 as words.
func answer(about text, span uint32, expr, yes, no string) *stat.PanelBuilder {
	return numberPanel(about, span, units.Short, from(red, step{1, green}), expr).
		Mappings(words(map[float64]word{1: {yes, green}, 0: {no, red}})).
		ColorMode(common.BigValueColorModeBackground)
}

// share shows how much of a limit is used, as 0 to 1.
func share(about text, span uint32, expr string) *gauge.PanelBuilder {
	return gauge.NewPanelBuilder().
		Title(about.title).Description(about.description).
		Datasource(source).Height(4).Span(span).
		Unit(units.PercentUnit).Decimals(0).Min(0).Max(1).NoValue("unknown").
		Thresholds(from(green, step{0.8, yellow}, step{1, red})).
		ReduceOptions(latest()).
		WithTarget(target(0, query{expr: expr}).Instant())
}

func latest() *common.ReduceDataOptionsBuilder {
	return common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})
}

// graph shows values over time.
func graph(about text, span uint32, unit string, queries ...query) *timeseries.PanelBuilder {
	panel := timeseries.NewPanelBuilder().
		Title(about.title).Description(about.description).
		Datasource(source).Height(8).Span(span).
		Unit(unit).Min(0).FillOpacity(10).
		Thresholds(from(plain)).
		Legend(common.NewVizLegendOptionsBuilder().
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for i, q := range queries {
		panel = panel.WithTarget(target(i, q).Range())
		if q.limit {
			panel = panel.OverrideByQuery(refID(i), []dashboard.DynamicConfigValue{
				{Id: "custom.lineStyle", Value: map[string]any{"fill": "dash", "dash": []int{8, 8}}},
				{Id: "custom.fillOpacity", Value: 0},
				{Id: "color", Value: map[string]any{"mode": "fixed", "fixedColor": red}},
				{Id: "custom.stacking", Value: map[string]any{"mode": "none"}},
			})
		}
	}
	return panel
}

// stacked adds up what a graph shows.
func stacked(panel *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return panel.FillOpacity(40).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
}

// bars shows the latest values of several things beside each other.
func bars(about text, span uint32, unit string, thresholds cog.Builder[dashboard.ThresholdsConfig], q query) *bargauge.PanelBuilder {
	return bargauge.NewPanelBuilder().
		Title(about.title).Description(about.description).
		Datasource(source).Height(8).Span(span).
		Unit(unit).Thresholds(thresholds).
		Orientation(common.VizOrientationHorizontal).
		DisplayMode(common.BarGaugeDisplayModeBasic).
		ReduceOptions(latest()).
		WithTarget(target(0, q).Instant())
}

// target is a query as Grafana has it, the i-th of its panel.
func target(i int, q query) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().
		Datasource(source).RefId(refID(i)).
		Expr(q.expr).LegendFormat(q.legend)
}

// refID is the name of the i-th query of a panel.
func refID(i int) string { return "ABCDEFGHIJ"[i : i+1] }

// word is what a value is shown as.
type word struct{ text, color string }

func words(of map[float64]word) []dashboard.ValueMapping {
	options := map[string]dashboard.ValueMappingResult{}
	for value, word := range of {
		options[strconv.FormatFloat(value, 'f', -1, 64)] = dashboard.ValueMappingResult{Text: &word.text, Color: &word.color}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}
}
