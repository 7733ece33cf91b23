package main

import (
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// query is one query of a panel.
type query struct {
	expr      string
	legend    string
	threshold bool // drawn as a dashed line
}

// threshold returns the query of the thresholds of an alert, one for each project.
func threshold(name string) query {
	return query{expr: thresholds(name), legend: "threshold", threshold: true}
}

func thresholds(name string) string {
	return `max by (job, project) (job:browseruse_threshold{` + ofJob + `,threshold="` + name + `"})`
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
	all := append(make([]dashboard.Threshold, 0, 1+len(others)), dashboard.Threshold{Color: base})
	for _, s := range others {
		all = append(all, dashboard.Threshold{Value: &s.value, Color: s.color})
	}
	return all
}

// figure shows the current value, large. Its query is an instant one: the last
// value of a range may be hours old and looks like a current one.
func figure(title, description, unit string, thresholds cog.Builder[dashboard.ThresholdsConfig], expr string) *stat.PanelBuilder {
	return stat.NewPanelBuilder().
		Title(title).Description(description).
		Datasource(source).Height(4).Span(4).
		Unit(unit).Thresholds(thresholds).NoValue("unknown").
		ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeNone).
		ReduceOptions(latest()).
		WithTarget(target(0, query{expr: expr}).Instant())
}

// answer shows 1 and 0 as words.
func answer(title, description, expr, yes, no string) *stat.PanelBuilder {
	return figure(title, description, units.Short, from(red, step{1, green}), expr).
		Mappings(words(map[float64]word{1: {yes, green}, 0: {no, red}})).
		ColorMode(common.BigValueColorModeBackground)
}

func latest() *common.ReduceDataOptionsBuilder {
	return common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})
}

// graph shows values over time.
func graph(title, description string, span uint32, unit string, queries ...query) *timeseries.PanelBuilder {
	panel := timeseries.NewPanelBuilder().
		Title(title).Description(description).
		Datasource(source).Height(9).Span(span).
		Unit(unit).Min(0).FillOpacity(10).
		Thresholds(from(plain)).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).
			DisplayMode(common.LegendDisplayModeTable).Placement(common.LegendPlacementBottom).
			Calcs([]string{"lastNotNull", "max"}).SortBy("Last *").SortDesc(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for i, q := range queries {
		panel = panel.WithTarget(target(i, q).Range())
		if q.threshold {
			panel = panel.OverrideByQuery(refID(i), []dashboard.DynamicConfigValue{
				{Id: "custom.lineStyle", Value: map[string]any{"fill": "dash", "dash": []int{8, 8}}},
				{Id: "custom.fillOpacity", Value: 0},
				{Id: "custom.stacking", Value: map[string]any{"mode": "none"}},
				{Id: "custom.hideFrom", Value: map[string]any{"legend": true, "tooltip": false, "viz": false}},
				{Id: "color", Value: map[string]any{"mode": "fixed", "fixedColor": red}},
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

// bars shows current values side by side.
func bars(title, description string, span uint32, unit string, thresholds cog.Builder[dashboard.ThresholdsConfig], queries ...query) *bargauge.PanelBuilder {
	panel := bargauge.NewPanelBuilder().
		Title(title).Description(description).
		Datasource(source).Height(9).Span(span).
		Unit(unit).Min(0).Thresholds(thresholds).
		Orientation(common.VizOrientationHorizontal).
		DisplayMode(common.BarGaugeDisplayModeBasic).
		ReduceOptions(latest())
	for i, q := range queries {
		panel = panel.WithTarget(target(i, q).Instant())
	}
	return panel
}

// spread shows how the observations of a histogram fell into its buckets, over time.
func spread(title, description, unit, histogram string) *heatmap.PanelBuilder {
	return heatmap.NewPanelBuilder().
		Title(title).Description(description).
		Datasource(source).Height(9).Span(12).
		Unit(units.Short).Thresholds(from(plain)).
		Calculate(false).HideLegend().
		YAxis(heatmap.NewYAxisConfigBuilder().Unit(unit)).
		Color(heatmap.NewHeatmapColorOptionsBuilder().Mode(heatmap.HeatmapColorModeScheme).Scheme("Oranges").Steps(64).
			Scale(heatmap.HeatmapColorScaleExponential).Exponent(0.5)).
		Tooltip(heatmap.NewHeatmapTooltipBuilder().Mode(common.TooltipDisplayModeSingle)).
		WithTarget(target(0, query{expr: observations(histogram), legend: "{{le}}"}).Range().Format(prometheus.PromQueryFormatHeatmap))
}

// target returns the i-th query of a panel.
func target(i int, q query) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().
		Datasource(source).RefId(refID(i)).
		Expr(q.expr).LegendFormat(q.legend)
}

// refID is the name of the i-th query of a panel.
func refID(i int) string { return "ABCDEFGHIJKLM"[i : i+1] }

// word is what a value is shown as.
type word struct{ text, color string }

func words(of map[float64]word) []dashboard.ValueMapping {
	options := map[string]dashboard.ValueMappingResult{}
	for value, word := range of {
		options[strconv.FormatFloat(value, 'f', -1, 64)] = dashboard.ValueMappingResult{Text: &word.text, Color: &word.color}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}
}
