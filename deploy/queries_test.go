package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// TestEveryQueryAnswers runs each query of the rules, the dashboard, the runbook
// and the documentation in a real Prometheus that has scraped the demo for a while.
// Each has to parse, every metric in it has to exist, and it has to find
// something, but for those that look for trouble that the demo does not have.
// A Prometheus 3 can scrape native histograms alone, without any bucket.
func TestEveryQueryAnswers(t *testing.T) {
	t.Parallel()
	for name, global := range map[string]string{"buckets": "", "native histograms": "  scrape_native_histograms: true\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			version, err := exec.CommandContext(t.Context(), program(t, "prometheus"), "--version").Output()
			if err != nil {
				t.Fatal(err)
			}
			if global != "" && strings.Contains(string(version), "version 2.") {
				t.Skip("Prometheus 2 takes native histograms in no configuration")
			}
			everyQueryAnswers(t, global)
		})
	}
}

func everyQueryAnswers(t *testing.T, global string) {
	once, err := exec.CommandContext(t.Context(), exporter, "--demo", "--once").Output()
	if err != nil {
		t.Fatal(err)
	}
	// The same sessions are in each demo.
	active := regexp.MustCompile(`browseruse_session_active\{.*session_id="(.*)"\} 1`).FindSubmatch(once)
	target := startExporter(t, "--demo", "--session.metadata-label=team", "--session.discover",
		"--session.file="+write(t, "sessions", string(active[1])))
	address := freeAddress(t)
	prometheus := startPrometheus(t, address, adapted(t, prometheusConfig(t, address, target, freeAddress(t)),
		map[string]string{"global:\n": "global:\n" + global}))

	// The alerts come last, so when there is one everything before it was evaluated.
	// The demo has a browser that was forgotten hours ago.
	eventually(t, "the demo's forgotten browser to be noticed", func() bool {
		return len(query(t, prometheus, `ALERTS{alertname="BrowserUseSessionRunningLong"}`)) > 0
	})
	eventually(t, "a while to be over", func() bool {
		return len(query(t, prometheus, `count_over_time(browseruse_up[1m]) >= 15`)) > 0
	})

	names, _, _, err := prometheus.LabelValues(t.Context(), model.MetricNameLabel, nil, time.Now().Add(-time.Hour), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, name := range names {
		known[strings.TrimSuffix(string(name), "_bucket")] = true // native histograms have none
	}
	for _, r := range rules(t) {
		known[r.Record] = true
	}
	for _, name := range []string{
		"browseruse_session_finish_timestamp_seconds",                                        // of a session that finishes while the demo runs
		"browseruse_key_file_last_reload_successful",                                         // of a key, which the demo does not need
		"browseruse_api_rate_limit_requests", "browseruse_api_rate_limit_remaining_requests", // of an API that says so
	} {
		known[name] = true
	}

	sources := queries(t)
	if len(sources) < 60 {
		t.Errorf("only %d queries were found", len(sources))
	}
	for _, q := range sources {
		found := query(t, prometheus, q.expr)
		if len(found) == 0 && !q.mayBeEmpty {
			t.Errorf("%s: found nothing:\n%s", q.source, q.expr)
		}
		for _, name := range metricNames.FindAllString(q.expr, -1) {
			if !known[strings.TrimSuffix(name, "_bucket")] {
				t.Errorf("%s: there is no metric %s:\n%s", q.source, name, q.expr)
			}
		}
	}
}

// metricNames matches the exporter's metrics and what is recorded from them.
var metricNames = regexp.MustCompile(`\b(?:[a-z_]+:)?browseruse[_:][a-z_]+(?::[a-z0-9_]+)?\b`)

func query(t *testing.T, api promv1.API, expr string) model.Vector {
	t.Helper()
	value, _, _, err := api.Query(t.Context(), expr, time.Now())
	if err != nil {
		t.Errorf("%v:\n%s", err, expr)
		return nil
	}
	switch value := value.(type) {
	case model.Vector:
		return value
	case *model.Scalar:
		return model.Vector{{Value: value.Value}}
	default:
		t.Fatalf("an unexpected %s:\n%s", value.Type(), expr)
		return nil
	}
}

type sourcedQuery struct {
	source, expr string
	mayBeEmpty   bool // it looks for what the demo does not have
}

// trouble matches queries, and names of recorded series, about what went wrong, or about
// what takes ten minutes or more to know.
var trouble = regexp.MustCompile(`failures_total|not_sent_total| unless |session_file|key_file|alertstate="firing"|agent_session:|` +
	`cost_high|overdue|timeout_near|timing_out|traffic_high|unreadable|month_forecast|pace|rate10m|offset 10m`)

func queries(t *testing.T) []sourcedQuery {
	t.Helper()
	var all []sourcedQuery
	for _, r := range rules(t) {
		all = append(all, sourcedQuery{source: "rules.yml: " + r.Record + r.Alert, expr: r.Expr, mayBeEmpty: r.Alert != "" || trouble.MatchString(r.Record)})
	}
	for _, path := range []string{"RUNBOOK.md", "../README.md", "../docs/metrics.md", "../docs/questions.md"} {
		for _, expr := range promql(t, path) {
			all = append(all, sourcedQuery{source: path, expr: expr, mayBeEmpty: trouble.MatchString(expr)})
		}
	}
	return append(all, dashboardQueries(t)...)
}

// promql returns the queries of a text: those in fences.
func promql(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	matches := regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllSubmatch(text, -1)
	found := make([]string, 0, len(matches))
	for _, match := range matches {
		found = append(found, string(match[1]))
	}
	if len(found) == 0 {
		t.Errorf("%s has no queries", path)
	}
	return found
}

// variables are what Grafana puts in for the dashboard's variables when all is
// chosen.
var variables = regexp.MustCompile(`\$\{?(\w+)(?::\w+)?\}?`)

func substitute(expr string) string {
	return variables.ReplaceAllStringFunc(expr, func(name string) string {
		switch strings.Trim(name, "${}") {
		case "__rate_interval", "__interval":
			return "1m"
		case "__range":
			return "1h"
		case "holder":
			return "metadata_team"
		default:
			return ".*"
		}
	})
}

// dashboardQueries returns the queries of all panels and variables.
func dashboardQueries(t *testing.T) []sourcedQuery {
	t.Helper()
	text, err := os.ReadFile("grafana/browseruse.json")
	if err != nil {
		t.Fatal(err)
	}
	type panel struct {
		Title   string `json:"title"`
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
		Panels []panel `json:"panels"`
	}
	var dashboard struct {
		Panels      []panel `json:"panels"`
		Annotations struct {
			List []struct {
				Expr string `json:"expr"`
			} `json:"list"`
		} `json:"annotations"`
		Templating struct {
			List []struct {
				Name       string `json:"name"`
				Definition string `json:"definition"`
			} `json:"list"`
		} `json:"templating"`
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	var found []sourcedQuery
	add := func(source, expr string) {
		expr = substitute(expr)
		found = append(found, sourcedQuery{source: "dashboard: " + source, expr: expr, mayBeEmpty: trouble.MatchString(expr)})
	}
	var collect func([]panel)
	collect = func(panels []panel) {
		for _, p := range panels {
			for _, target := range p.Targets {
				add(p.Title, target.Expr)
			}
			collect(p.Panels)
		}
	}
	collect(dashboard.Panels)
	for _, a := range dashboard.Annotations.List {
		add("annotations", a.Expr)
	}
	for _, v := range dashboard.Templating.List {
		// label_values(series, label) has a value for each that this finds.
		if match := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(v.Definition); match != nil {
			add("variable "+v.Name, "group by ("+match[2]+") ("+match[1]+")")
		}
	}
	return found
}
