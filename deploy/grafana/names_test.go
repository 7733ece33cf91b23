package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestColumnsAreThere checks what a panel names of its own: the queries behind
// its columns, the columns that overrides and the sort order are about.
func TestColumnsAreThere(t *testing.T) {
	for _, p := range read(t).Panels {
		names := map[string]bool{}
		for _, target := range p.Targets {
			names[target.RefID] = true
		}
		withUnit := map[string]bool{}
		for _, override := range p.FieldConfig.Overrides {
			for _, property := range override.Properties {
				withUnit[override.Matcher.Options] = withUnit[override.Matcher.Options] || property.ID == "unit"
			}
		}
		for _, transformation := range p.Transformations {
			for column, name := range transformation.Options.RenameByName {
				names[name] = true
				ref, number := strings.CutPrefix(column, "Value #")
				if number && !names[ref] {
					t.Errorf("panel %q renames the column of query %s, which it does not have", p.Title, ref)
				}
				if number && !withUnit[name] {
					t.Errorf("panel %q shows numbers without a unit: %s", p.Title, name)
				}
			}
		}
		for _, override := range p.FieldConfig.Overrides {
			if !names[override.Matcher.Options] {
				t.Errorf("panel %q has an override for %q, which it does not have", p.Title, override.Matcher.Options)
			}
		}
		for _, sort := range p.Options.SortBy {
			if !names[sort.DisplayName] {
				t.Errorf("panel %q is sorted by %q, which it does not have", p.Title, sort.DisplayName)
			}
		}
	}
}

// TestVariablesAreThere looks at queries, other variables, and links.
func TestVariablesAreThere(t *testing.T) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"__all": true, "__range": true, "__rate_interval": true, "__url_time_range": true, "__value": true}
	for _, v := range read(t).Templating.List {
		known[v.Name] = true
	}
	for _, match := range regexp.MustCompile(`(?:\$\{?|var-)(\w+)`).FindAllStringSubmatch(string(text), -1) {
		if !known[match[1]] {
			t.Errorf("there is no variable %s", match[1])
		}
	}
}

// queries returns those of panels, annotations and variables, each with its place.
func queries(t *testing.T) map[string]string {
	t.Helper()
	m := read(t)
	all := map[string]string{}
	for _, p := range m.Panels {
		for _, target := range p.Targets {
			all[p.Title+" "+target.RefID] = target.Expr
		}
	}
	for _, a := range m.Annotations.List {
		all["annotation"] = a.Expr
	}
	for _, v := range m.Templating.List {
		if labelValues := regexp.MustCompile(`^label_values\((.*), \w+\)$`).FindStringSubmatch(v.Definition); labelValues != nil {
			all["variable "+v.Name] = labelValues[1]
		}
	}
	if len(all) < 70 {
		t.Errorf("only %d queries were found", len(all))
	}
	return all
}

// TestEverySelectorIsOfTheProject wants nothing of others in any panel. An alert may
// have no project, when there is no exporter.
func TestEverySelectorIsOfTheProject(t *testing.T) {
	for place, expr := range queries(t) {
		for _, selector := range regexp.MustCompile(`(\w+)\{[^}]*\}`).FindAllStringSubmatch(strings.ReplaceAll(expr, "${session}", ""), -1) {
			of := ofJob
			switch {
			case strings.HasPrefix(selector[1], "ALERTS"):
				of = `job=~"$job|",project=~"$project|"`
			case place == "variable project":
				of = `job=~"$job"`
			}
			if !strings.Contains(selector[0], of) {
				t.Errorf("%s is of other projects, too: %s", place, selector[0])
			}
		}
	}
}

// TestTheTopTenAreTheSameAllTheTime wants them chosen at the end of the chosen time:
// else there are ten at each moment, and dozens in a graph.
func TestTheTopTenAreTheSameAllTheTime(t *testing.T) {
	found := 0
	for place, expr := range queries(t) {
		tops := strings.Count(expr, "topk(")
		found += tops
		if tops > strings.Count(expr, "[$__range] @ end()") {
			t.Errorf("%s takes the largest of each moment: %s", place, expr)
		}
	}
	if found != 3 {
		t.Errorf("%d graphs of the largest, want those of cost, traffic and agents", found)
	}
}

// TestNoDollarCountsTwice wants no query that has both an agent session's total and
// one of its parts.
func TestNoDollarCountsTwice(t *testing.T) {
	for place, expr := range queries(t) {
		if strings.Contains(expr, "total_cost_usd") && regexp.MustCompile(`(llm|browser|proxy)_cost_usd|component`).MatchString(expr) {
			t.Errorf("%s: %s", place, expr)
		}
	}
}

// TestLinksLeadOn wants those within the dashboard to keep data source, project and
// time, and others to lead to the runbook or the exporter's page.
func TestLinksLeadOn(t *testing.T) {
	found := map[string]int{}
	for _, p := range read(t).Panels {
		for _, override := range p.FieldConfig.Overrides {
			for _, property := range override.Properties {
				if property.ID != "links" {
					continue
				}
				var links []struct{ Title, URL string }
				if err := json.Unmarshal(property.Value, &links); err != nil {
					t.Fatal(err)
				}
				for _, link := range links {
					kept := strings.HasPrefix(link.URL, sameDashboard+"&") && strings.HasSuffix(link.URL, "&${__url_time_range}")
					if link.Title == "" || !kept && link.URL != "${runbook}#${__value.raw}" && link.URL != "http://${__value.raw}/" {
						t.Errorf("panel %q has the link %q to %s", p.Title, link.Title, link.URL)
					}
					found[override.Matcher.Options]++
				}
			}
		}
	}
	for column, want := range map[string]int{"Alert": 1, "Session": 1, "Agent session": 2, "Exporter": 2} {
		if found[column] != want {
			t.Errorf("%d tables have links in the column %s, want %d", found[column], column, want)
		}
	}
}

// TestTheAlertsLeadHere looks for the dashboard's address in the rules.
func TestTheAlertsLeadHere(t *testing.T) {
	text, err := os.ReadFile("../prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`dashboard_url: "?http[^ "]*/d/` + uid + `\b[^-]`).Match(text) {
		t.Errorf("the rules do not link to /d/%s", uid)
	}
}

// metricNames matches the exporter's metrics and what the rules record of them.
var metricNames = regexp.MustCompile(`\b(?:[a-z_]+:)?browseruse[_:][a-z_]+(?::[a-z0-9_]+)?\b`)

// TestMetricsAreKnown wants every metric to be one of docs/metrics.md or the rules.
func TestMetricsAreKnown(t *testing.T) {
	known := map[string]bool{}
	for path, declared := range map[string]string{
		"../../docs/metrics.md":   "(?m)^\\| `(browseruse_\\w+)`",
		"../prometheus/rules.yml": `(?m)^ *- record: (\S+)$`,
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(declared).FindAllStringSubmatch(string(text), -1) {
			known[match[1]] = true
		}
	}
	for place, expr := range queries(t) {
		for _, name := range metricNames.FindAllString(expr, -1) {
			if !known[strings.TrimSuffix(name, "_bucket")] {
				t.Errorf("%s: there is no metric %s: %s", place, name, expr)
			}
		}
	}
}
