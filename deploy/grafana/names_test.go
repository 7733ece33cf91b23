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
	known := map[string]bool{"__all": true, "__rate_interval": true, "__url_time_range": true, "__value": true}
	for _, v := range read(t).Templating.List {
		known[v.Name] = true
	}
	for _, match := range regexp.MustCompile(`(?:\$\{?|var-)(\w+)`).FindAllStringSubmatch(string(text), -1) {
		if !known[match[1]] {
			t.Errorf("there is no variable %s", match[1])
		}
	}
}

// TestAlertsAreThoseOfTheJob wants those that have a job to be of the chosen ones.
func TestAlertsAreThoseOfTheJob(t *testing.T) {
	found := 0
	for _, p := range read(t).Panels {
		for _, target := range p.Targets {
			for _, selector := range regexp.MustCompile(`ALERTS(?:_FOR_STATE)?\{[^}]*\}`).FindAllString(target.Expr, -1) {
				found++
				if !strings.Contains(selector, `job=~"$job|"`) {
					t.Errorf("panel %q shows alerts of every job: %s", p.Title, selector)
				}
			}
		}
	}
	if found < 4 {
		t.Errorf("%d selections of alerts, want those of two numbers and a table", found)
	}
}

// TestLinksStayOnTheDashboard wants the same dashboard, data source and time.
func TestLinksStayOnTheDashboard(t *testing.T) {
	found := 0
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
					found++
					if link.Title == "" || !strings.HasPrefix(link.URL, "/d/"+uid+"?${datasource:queryparam}&") || !strings.HasSuffix(link.URL, "&${__url_time_range}") {
						t.Errorf("panel %q has the link %q to %s", p.Title, link.Title, link.URL)
					}
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("%d links, want those of sessions and agent sessions in three tables", found)
	}
}

// TestMetricsAreKnown wants every metric to be one of docs/metrics.md, the rules, or
// what Prometheus and its client libraries add.
func TestMetricsAreKnown(t *testing.T) {
	known := map[string]bool{"up": true, "scrape_duration_seconds": true, "process_resident_memory_bytes": true, "ALERTS": true, "ALERTS_FOR_STATE": true}
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
	m := read(t)
	var queries []string
	for _, p := range m.Panels {
		for _, target := range p.Targets {
			queries = append(queries, target.Expr)
		}
	}
	for _, v := range m.Templating.List {
		if labelValues := regexp.MustCompile(`^label_values\((.*), \w+\)$`).FindStringSubmatch(v.Definition); labelValues != nil {
			queries = append(queries, labelValues[1])
		}
	}
	for _, expr := range queries {
		names := metrics(expr)
		if len(names) == 0 {
			t.Errorf("no metric in %s", expr)
		}
		for _, name := range names {
			if !known[name] && !known[strings.TrimSuffix(name, "_bucket")] {
				t.Errorf("there is no metric %s: %s", name, expr)
			}
		}
	}
}

var (
	noMetrics  = regexp.MustCompile(`\{[^}]*\}|\[[^]]*\]|\b(?:by|without|on|ignoring|group_left|group_right) *\([^)]*\)`)
	identifier = regexp.MustCompile(`([a-zA-Z_:][\w:]*)( *\()?`)
	keywords   = map[string]bool{"and": true, "or": true, "unless": true, "bool": true, "offset": true}
)

// metrics returns the names in a query that are neither of labels nor functions.
func metrics(expr string) []string {
	// Strings go first: one may have a brace in it.
	expr = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(expr, "")
	expr = noMetrics.ReplaceAllString(expr, "")
	var names []string
	for _, match := range identifier.FindAllStringSubmatch(expr, -1) {
		if match[2] == "" && !keywords[match[1]] {
			names = append(names, match[1])
		}
	}
	return names
}
