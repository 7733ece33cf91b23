package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// exporterRow says how the exporter itself does.
func exporterRow() row {
	latency := func(quantile string) string {
		return `histogram_quantile(` + quantile + `, sum by (le, endpoint) (rate(browseruse_api_request_duration_seconds_bucket{` + ofInstance + `}[$__rate_interval])))`
	}
	return row{"How does the exporter do?", []cog.Builder[dashboard.Panel]{
		stacked(graph(text{"Requests to the API", "By endpoint and status, retries included. All keys of a project share some 25 a second; the exporter keeps below --api.rate-limit."}, 12, units.RequestsPerSecond,
			query{expr: `sum by (endpoint, code) (rate(browseruse_api_requests_total{` + ofInstance + `}[$__rate_interval]))`, legend: "{{endpoint}} {{code}}"})),
		graph(text{"Failures", "Requests that were sent and failed, a minute, by reason. The README says what each reason means, the runbook what to do. While the whole API fails there are few: a scrape then begins with a single request."}, 12, units.CountsPerMinute,
			query{expr: `60 * sum by (reason) (rate(browseruse_api_request_failures_total{` + ofInstance + `}[$__rate_interval]))`, legend: "{{reason}}"}),
		graph(text{"Requests not sent", "A minute, by reason: held, as the API wants a pause; deadline, as the scrape's time was over before the exporter's own limits let them go; unavailable, as another request had shown that the whole API fails."}, 12, units.CountsPerMinute,
			query{expr: `60 * sum by (reason) (rate(browseruse_api_requests_not_sent_total{` + ofInstance + `}[$__rate_interval]))`, legend: "{{reason}}"}),
		graph(text{"The project's budget of requests", "The share that is left in the API's own window, as its last reply said, production included. At 0% it answers 429 to everybody."}, 12, units.PercentUnit,
			query{expr: `min by (instance) (browseruse_api_rate_limit_remaining_requests{` + ofInstance + `} / (browseruse_api_rate_limit_requests{` + ofInstance + `} > 0))`, legend: "{{instance}}"}),
		graph(text{"Latency of the API", "How long requests took: half of them were faster than the median, 99 of 100 faster than the 99th percentile."}, 8, units.Seconds,
			query{expr: latency("0.5"), legend: "{{endpoint}} median"},
			query{expr: latency("0.99"), legend: "{{endpoint}} 99%"}),
		graph(text{"Scrapes", "How long a reading of the API took, and the whole scrape as Prometheus saw it. It should stay well below the scrape timeout."}, 8, units.Seconds,
			query{expr: `max by (instance) (browseruse_scrape_duration_seconds{` + ofInstance + `})`, legend: "reading, {{instance}}"},
			query{expr: `max by (instance) (scrape_duration_seconds{` + ofInstance + `})`, legend: "scrape, {{instance}}"}),
		answer(text{"Session file", "Whether the session file is in force as it is now. If it is bad or gone, its last good content is used, and the log says what is wrong."}, 4,
			`min(browseruse_session_file_last_reload_successful{`+ofInstance+`})`, "in force", "bad or gone").Height(8).NoValue("not used"),
		numberPanel(text{"Memory", "What the exporter's process has of the machine's memory."}, 4, units.BytesIEC, from(plain),
			`max(process_resident_memory_bytes{`+ofInstance+`})`).Height(8),
	}}
}
