package deploy

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// rule is one of rules.yml.
type rule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	decode(t, "prometheus/rules.yml", &file)
	var all []rule
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

func alerts(t *testing.T) []rule {
	t.Helper()
	return slices.DeleteFunc(rules(t), func(r rule) bool { return r.Alert == "" })
}

func decode(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestTheAlertsAreThose that others route, silence and write about by name.
func TestTheAlertsAreThose(t *testing.T) {
	want := []string{
		"BrowserUseAPIBlocked", "BrowserUseAPIDown", "BrowserUseAPIKeyRejected", "BrowserUseAccountUnreadable",
		"BrowserUseAgentSessionCostHigh", "BrowserUseConcurrencyNearLimit", "BrowserUseCostUnknown", "BrowserUseCreditsLow",
		"BrowserUseCreditsRunningOut", "BrowserUseDailySpendHigh", "BrowserUseExporterDown", "BrowserUseHourlySpendHigh",
		"BrowserUseListIncomplete", "BrowserUseProxyTrafficHigh", "BrowserUseRateLimited", "BrowserUseReloadFailed",
		"BrowserUseSessionCostHigh", "BrowserUseSessionOverdue", "BrowserUseSessionRunningLong",
		"BrowserUseSessionTimingOutSoon", "BrowserUseSessionUnreadable",
	}
	all := alerts(t)
	got := make([]string, 0, len(all))
	for _, a := range all {
		got = append(got, a.Alert)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("rules.yml has %v, want %v", got, want)
	}
}

// TestTheRulesDoWhatTheyShould has promtool run rules_test.yml, and sees to it
// that this has a case in which each alert fires and one in which it does not.
func TestTheRulesDoWhatTheyShould(t *testing.T) {
	var file struct {
		Tests []struct {
			Alerts []struct {
				Name string `yaml:"alertname"`
				Want []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
	decode(t, "prometheus/rules_test.yml", &file)
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, a := range test.Alerts {
			fires[a.Name] = fires[a.Name] || len(a.Want) > 0
			silent[a.Name] = silent[a.Name] || len(a.Want) == 0
		}
	}
	for _, a := range alerts(t) {
		if !fires[a.Alert] || !silent[a.Alert] {
			t.Errorf("rules_test.yml lacks a case in which %s fires, or one in which it does not", a.Alert)
		}
	}

	run(t, program(t, "promtool"), "test", "rules", "prometheus/rules_test.yml")
}

// TestTheConfigurationsAreValid asks the servers' own tools, of the README's
// scrape configuration, too.
func TestTheConfigurationsAreValid(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)<!-- scrape configuration -->\n```yaml\n(.*?)```").FindSubmatch(readme)
	if example == nil {
		t.Fatal("the README has no scrape configuration")
	}
	run(t, program(t, "promtool"), "check", "config", write(t, "prometheus.yml", string(example[1])))
	run(t, program(t, "promtool"), "check", "config", "prometheus/prometheus.yml")
	run(t, program(t, "amtool"), "check-config", "alertmanager/alertmanager.yml")
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
}

// TestEachAlertHasASectionOfTheRunbook also wants what whoever is called needs:
// a severity that is routed, a summary, and what to do.
func TestEachAlertHasASectionOfTheRunbook(t *testing.T) {
	runbook, err := os.ReadFile("RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^## (\S+)$`).FindAllSubmatch(runbook, -1) {
		headings[string(match[1])] = true
	}
	for _, a := range alerts(t) {
		if !headings[a.Alert] {
			t.Errorf("RUNBOOK.md has no section on %s", a.Alert)
		}
		delete(headings, a.Alert)
		if !strings.HasSuffix(a.Annotations["runbook_url"], "#"+strings.ToLower(a.Alert)) {
			t.Errorf("the runbook link of %s is %q", a.Alert, a.Annotations["runbook_url"])
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, a.Labels["severity"]) {
			t.Errorf("the severity of %s is %q", a.Alert, a.Labels["severity"])
		}
		if a.Annotations["summary"] == "" || a.Annotations["description"] == "" {
			t.Errorf("%s lacks a summary or a description", a.Alert)
		}
	}
	for heading := range headings {
		t.Errorf("RUNBOOK.md has a section %s, but there is no such alert", heading)
	}
	for _, link := range regexp.MustCompile(`\]\(#([a-z]+)\)`).FindAllSubmatch(runbook, -1) {
		if !strings.Contains(strings.ToLower(string(runbook)), "\n## "+string(link[1])+"\n") {
			t.Errorf("RUNBOOK.md links to #%s, which is not there", link[1])
		}
	}
	for _, name := range regexp.MustCompile("threshold_[a-z_]+").FindAllString(string(runbook), -1) {
		if !slices.ContainsFunc(rules(t), func(r rule) bool { return r.Record == "browseruse:"+name }) {
			t.Errorf("RUNBOOK.md names %s, which rules.yml does not have", name)
		}
	}
}
