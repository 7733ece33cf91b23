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
		"BrowserUseAPIBlocked", "BrowserUseAPIBudgetLow", "BrowserUseAPIDown", "BrowserUseAPIKeyRejected",
		"BrowserUseAccountUnreadable", "BrowserUseAgentSessionBudgetNearlyUsed", "BrowserUseAgentSessionCostHigh",
		"BrowserUseConcurrencyNearLimit", "BrowserUseCostUnknown", "BrowserUseCreditsBought", "BrowserUseCreditsLow",
		"BrowserUseCreditsRunningOut", "BrowserUseDailySpendHigh", "BrowserUseExporterDown", "BrowserUseHourlySpendHigh",
		"BrowserUseListIncomplete", "BrowserUseMonthSpendHigh", "BrowserUseProxyTrafficHigh", "BrowserUseRateLimited",
		"BrowserUseReloadFailed", "BrowserUseSessionCostHigh", "BrowserUseSessionOverdue", "BrowserUseSessionRunningLong",
		"BrowserUseSessionTimingOutSoon", "BrowserUseSessionUnreadable", "BrowserUseSessionsUnseen",
		"BrowserUseSlotsUnaccounted",
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

// TestTheRulesDoWhatTheyShould has promtool run their tests, and checks that these
// have a case in which each alert fires and one in which it does not.
func TestTheRulesDoWhatTheyShould(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, path := range []string{"prometheus/rules_test.yml", "prometheus/rules_month_test.yml"} {
		var file struct {
			Tests []struct {
				Alerts []struct {
					Name string `yaml:"alertname"`
					Want []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			} `yaml:"tests"`
		}
		decode(t, path, &file)
		for _, test := range file.Tests {
			for _, a := range test.Alerts {
				fires[a.Name] = fires[a.Name] || len(a.Want) > 0
				silent[a.Name] = silent[a.Name] || len(a.Want) == 0
			}
		}
		run(t, program(t, "promtool"), "test", "rules", path)
	}
	for _, a := range alerts(t) {
		if !fires[a.Alert] || !silent[a.Alert] {
			t.Errorf("there is no case in which %s fires, or none in which it does not", a.Alert)
		}
	}
}

// thresholds are the names of those at the top of rules.yml.
func thresholds(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, r := range rules(t) {
		if r.Record == "browseruse_threshold" {
			names = append(names, r.Labels["threshold"])
		}
	}
	return names
}

// TestEveryThresholdIsUsed wants each to be one of those that projects have, and
// an alert to go by it; and numbers to be quoted, as Kubernetes takes none with a
// fraction in their place.
func TestEveryThresholdIsUsed(t *testing.T) {
	text, err := os.ReadFile("prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	names := thresholds(t)
	if len(names) < 15 {
		t.Errorf("rules.yml has only the thresholds %v", names)
	}
	for _, name := range names {
		if !strings.Contains(string(text), `"threshold", "`+name+`"`) || !strings.Contains(string(text), `job:browseruse_threshold{threshold="`+name+`"}`) {
			t.Errorf("no project has the threshold %s, or no rule goes by it", name)
		}
	}
	for _, match := range regexp.MustCompile(`job:browseruse_threshold\{threshold="(\w+)"\}`).FindAllSubmatch(text, -1) {
		if !slices.Contains(names, string(match[1])) {
			t.Errorf("a rule goes by a threshold %s, which is not at the top", match[1])
		}
	}
	if bare := regexp.MustCompile(`(?m)expr: *[0-9.]+ *([,}].*)?$`).Find(text); bare != nil {
		t.Errorf("rules.yml has a number without quotes: %s", bare)
	}
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
	for _, match := range regexp.MustCompile(`(?m)^## (BrowserUse\S+)$`).FindAllSubmatch(runbook, -1) {
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
		if a.Annotations["dashboard_url"] == "" || a.Annotations["exporter_url"] == "" {
			t.Errorf("%s does not lead on to the dashboard or the exporter's page", a.Alert)
		}
		section := regexp.MustCompile(`(?s)\n## ` + a.Alert + `\n(.*?)(\n## |$)`).FindSubmatch(runbook)
		if section != nil && !strings.HasPrefix(string(section[1]), "\n**"+strings.ToUpper(a.Labels["severity"][:1])+a.Labels["severity"][1:]+".** ") {
			t.Errorf("RUNBOOK.md does not say that %s is %s", a.Alert, a.Labels["severity"])
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
	for _, match := range regexp.MustCompile("threshold `([a-z_]+)`").FindAllSubmatch(runbook, -1) {
		if !slices.Contains(thresholds(t), string(match[1])) {
			t.Errorf("RUNBOOK.md names a threshold %s, which rules.yml does not have", match[1])
		}
	}
}
