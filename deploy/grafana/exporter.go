package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// exporterRow says how the exporter itself does.
func exporterRow() row {
	return row{"How does the exporter do?", []cog.Builder[dashboard.Panel]{
		stacked(graph("Requests to the API", "By endpoint and status, retries included. All keys of a project share some 25 a second; the exporter keeps below --api.rate-limit.", 8, units.RequestsPerSecond,
			query{expr: `sum by (endpoint, code) (rate(browseruse_api_requests_total{` + ofInstance + `}[$__rate_interval]))`, legend: "{{endpoint}} {{code}}"})),
		graph("Failures", "Requests that were sent and failed, a minute, by reason. The runbook says what to do about each. While the whole API fails there are few: a scrape then begins with a single request.", 8, units.CountsPerMinute,
			query{expr: `60 * sum by (reason) (rate(browseruse_api_request_failures_total{` + ofInstance + `}[$__rate_interval]))`, legend: "{{reason}}"}),
		graph("Requests not sent", "A minute, by reason. Held: the API wants a pause. Deadline: the scrape's time was over before the exporter's own limits let them go. Unavailable: another request showed that the whole API fails.", 8, units.CountsPerMinute,
			query{expr: `60 * sum by (reason) (rate(browseruse_api_requests_not_sent_total{` + ofInstance + `}[$__rate_interval]))`, legend: "{{reason}}"}),
		graph("The project's budget of requests", "The share that is left in the API's own window by its last reply, production included. At 0% it answers 429 to everybody.", 8, units.PercentUnit,
			query{expr: `min by (job, project) (browseruse_api_rate_limit_remaining_requests{` + ofInstance + `} / (browseruse_api_rate_limit_requests{` + ofInstance + `} > 0))`, legend: "{{job}} {{project}}"}),
		graph("Latency of the API", "How long requests took: half of them were faster than the median, 99 of 100 faster than the 99th percentile.", 8, units.Seconds,
			quantiles("browseruse_api_request_duration_seconds", "$__rate_interval", "{{endpoint}} ")...),
		graph("Scrapes", "How long a reading of the API took, and the whole scrape as Prometheus saw it. It should stay well below the scrape timeout.", 8, units.Seconds,
			query{expr: `max by (instance) (browseruse_scrape_duration_seconds{` + ofInstance + `})`, legend: "reading, {{instance}}"},
			query{expr: `max by (instance) (scrape_duration_seconds{` + ofInstance + `})`, legend: "scrape, {{instance}}"}),
		exportersTable(),
	}}
}

func exportersTable() *table.PanelBuilder {
	each := func(expr, labels string) string {
		return `max by (job, project, instance` + labels + `) (` + expr + `{` + ofInstance + `})`
	}
	yesOrNo := func(name, expr, yes, no string) column {
		return column{name: name, unit: units.Short, expr: each(expr, ""), looks: worded(map[float64]word{1: {yes, green}, 0: {no, red}})}
	}
	return tablePanel("Exporters", "An address leads to the exporter's status page. If a file is bad or gone, its last good content stays in force, and the log says what is wrong.", 24, 6, "Up for",
		exporterColumn(),
		column{name: "Job", label: "job"},
		column{name: "Project", label: "project"},
		column{expr: each("browseruse_exporter_build_info", ", version")},
		column{name: "Version", label: "version"},
		yesOrNo("Scrape", "up", "up", "down"),
		yesOrNo("API", "browseruse_up", "answers", "does not answer"),
		yesOrNo("Session file", "browseruse_session_file_last_reload_successful", "in force", "bad or gone"),
		yesOrNo("Key file", "browseruse_key_file_last_reload_successful", "in force", "bad or gone"),
		column{name: "Up for", unit: units.DurationInHoursMinutesSeconds, expr: `time() - ` + each("process_start_time_seconds", "")},
		column{name: "Memory", unit: units.BytesIEC, expr: each("process_resident_memory_bytes", "")},
	)
}
