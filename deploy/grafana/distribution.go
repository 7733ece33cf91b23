package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// distributionRow says what sessions cost in the end, and how long they ran.
func distributionRow() row {
	const cost, duration = "browseruse_session_final_cost_usd", "browseruse_session_duration_seconds"
	final := " A session counts when its values are final: --session.settle after its end, as late metering can change them until then."
	return row{"How are costs and durations distributed?", []cog.Builder[dashboard.Panel]{
		spread("Final costs", "How many sessions had which cost in the end."+final, units.Dollars, cost),
		graph("Quantiles of final costs", "At each moment, of the 60 minutes before it. Half of the sessions cost less than the median."+final, 12, units.Dollars,
			quantiles(cost, "1h", "")...),
		spread("Durations", "How many sessions ran for how long."+final, units.Seconds, duration),
		graph("Quantiles of durations", "At each moment, of the 60 minutes before it. Half of the sessions were shorter than the median."+final, 12, units.Seconds,
			quantiles(duration, "1h", "")...),
	}}
}

// A Prometheus that scrapes native histograms alone has no buckets, and one that
// scrapes both forms must not count twice: the native form counts where there are no buckets.

// observations is how many a histogram has in each bucket. All exporters of a
// project observe the same sessions.
func observations(histogram string) string {
	mean := func(of, labels string) string {
		return `(avg by (job, project` + labels + `) (increase(` + of + `{` + ofInstance + `}[$__rate_interval])))`
	}
	return `sum by (le) ` + mean(histogram+"_bucket", ", le") + ` or on () sum ` + mean(histogram, "")
}

// quantiles returns the queries for the median, the 90th and the 99th percentile of
// a histogram, one for each endpoint where it has that label.
func quantiles(histogram, window, legend string) []query {
	quantile := func(q, name string) query {
		of := func(series, labels string) string {
			return `histogram_quantile(` + q + `, sum by (endpoint` + labels + `) (rate(` + series + `{` + ofInstance + `}[` + window + `])))`
		}
		return query{expr: of(histogram+"_bucket", ", le") + ` or ` + of(histogram, ""), legend: legend + name}
	}
	return []query{quantile("0.5", "median"), quantile("0.9", "90%"), quantile("0.99", "99%")}
}
