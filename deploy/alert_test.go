// Package deploy tests what stands in this folder in real servers: Prometheus
// and Alertmanager, as Debian has them.
package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/internal/simapi"
)

// key is what the exporter of these tests shows the simulated API.
const key = "bu_key_of_the_tests_of_deploy"

// alertmanagerConfig is the shipped configuration at a higher pace, whose
// receivers are the webhook.
func alertmanagerConfig(t *testing.T, hook *webhook) string {
	t.Helper()
	replacements := map[string]string{
		"group_wait: 30s":    "group_wait: 1s",
		"group_wait: 10s":    "group_wait: 1s",
		"group_interval: 5m": "group_interval: 1s",
	}
	for _, receiver := range []string{"pager", "tickets", "log"} {
		empty := "  - name: " + receiver + "\n"
		replacements[empty] = empty + "    webhook_configs: [{url: 'http://" + hook.address + "/" + receiver + "'}]\n"
	}
	return adapted(t, "alertmanager/alertmanager.yml", replacements)
}

// TestADearSessionReachesTheWebhook runs the built exporter over the simulated
// API, Prometheus with the shipped rules, Alertmanager with the shipped routes,
// and a webhook. It takes more than five minutes: so long an alert holds.
func TestADearSessionReachesTheWebhook(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than five minutes")
	}
	t.Parallel()
	now := time.Now()
	api := simapi.New(simapi.Options{Key: key, RateLimit: simapi.RealRateLimit})
	const agent = "0b8c3c7a-2f6e-4a51-8a1d-6f1e2d3c4b5a"
	ids := api.Add(
		// 20 MB a second cost a dollar in ten seconds.
		simapi.Session{StartedAt: now, AgentSessionID: agent, ProxyBytesPerSecond: 20 << 20},
		simapi.Session{StartedAt: now, AgentSessionID: agent, ProxyBytesPerSecond: 1 << 10},
	)
	dear, cheap := ids[0], ids[1]
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)

	hook := startWebhook(t)
	alertmanager := startAlertmanager(t, alertmanagerConfig(t, hook))
	target := startExporter(t,
		"--api.url="+server.URL+"/api/v3", "--api.key-file="+write(t, "key", key),
		"--session.linger=10s", "--session.settle=5s")
	address := freeAddress(t)
	startPrometheus(t, address, prometheusConfig(t, address, target, alertmanager))

	labels := map[string]string{"alertname": "BrowserUseSessionCostHigh"}
	var fired *alert
	eventually(t, "the alert", func() bool {
		fired = hook.find("/tickets", "firing", labels)
		return fired != nil
	})
	if fired.Labels["job"] != "browseruse" || fired.Labels["severity"] != "warning" || fired.Labels["times"] != "1" {
		t.Errorf("the alert's labels are %v", fired.Labels)
	}
	if summary := fired.Annotations["summary"]; !strings.HasPrefix(summary, "Session "+dear+" has cost $1.") {
		t.Errorf("the summary is %q", summary)
	}
	if text := fired.Annotations["description"]; !strings.Contains(text, "\n- "+dear+" of agent session "+agent+": $1.") || strings.Contains(text, cheap) {
		t.Errorf("the description is %q", text)
	}
	if url := fired.Annotations["runbook_url"]; url != "deploy/RUNBOOK.md#browserusesessioncosthigh" {
		t.Errorf("the runbook is at %q", url)
	}
	if url := fired.Annotations["exporter_url"]; url != "http://"+target+"/" {
		t.Errorf("the exporter's page is at %q", url)
	}

	api.Stop(dear)
	stopped := time.Now()
	for hook.find("/tickets", "resolved", labels) == nil {
		if time.Since(stopped) > 5*time.Minute+10*time.Second+patience {
			t.Fatal("the alert was not resolved after the session had lingered out")
		}
		<-time.After(time.Second)
	}
}

// TestAForgottenFleetIsOneNotification has a deploy forget 300 browsers, each of
// an agent session of its own.
func TestAForgottenFleetIsOneNotification(t *testing.T) {
	t.Parallel()
	sessions := make([]simapi.Session, 300)
	for i := range sessions {
		sessions[i] = simapi.Session{
			StartedAt:      time.Now().Add(-50*time.Minute + time.Duration(i)*time.Second/10),
			AgentSessionID: fmt.Sprintf("0b8c3c7a-2f6e-4a51-8a1d-%012d", i),
		}
	}
	api := simapi.New(simapi.Options{Key: key})
	ids := api.Add(sessions...)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)

	hook := startWebhook(t)
	alertmanager := startAlertmanager(t, alertmanagerConfig(t, hook))
	target := startExporter(t, "--api.url="+server.URL+"/api/v3", "--api.key-file="+write(t, "key", key))
	address := freeAddress(t)
	prometheus := startPrometheus(t, address, prometheusConfig(t, address, target, alertmanager))
	var fired *alert
	eventually(t, "the alert", func() bool {
		fired = hook.find("/tickets", "firing", map[string]string{"alertname": "BrowserUseSessionRunningLong"})
		return fired != nil
	})
	if summary := fired.Annotations["summary"]; !strings.HasPrefix(summary, "Session "+ids[0]+" has run for 50m ") || !strings.Contains(summary, ", the first of 300 (browseruse)") {
		t.Errorf("the summary is %q", summary)
	}
	if n := strings.Count(fired.Annotations["description"], "\n- "); n != 10 {
		t.Errorf("the description names %d sessions: %q", n, fired.Annotations["description"])
	}
	eventually(t, "a while to be over", func() bool {
		return len(query(t, prometheus, `count_over_time(browseruse_up[1m]) >= 20`)) > 0
	})
	if n := hook.count(); n > 2 {
		t.Errorf("a fleet that was forgotten was %d notifications", n)
	}
}

// TestNoSessionAlertsWhileNothingCanBeRead hands alerts to Alertmanager as
// Prometheus would.
func TestNoSessionAlertsWhileNothingCanBeRead(t *testing.T) {
	t.Parallel()
	hook := startWebhook(t)
	alertmanager := startAlertmanager(t, alertmanagerConfig(t, hook))
	post := func(alerts ...map[string]string) {
		t.Helper()
		postAlerts(t, alertmanager, alerts...)
	}
	firing := func(receiver, name, job string) bool {
		return hook.find(receiver, "firing", map[string]string{"alertname": name, "job": job}) != nil
	}

	post(
		map[string]string{"alertname": "BrowserUseAPIDown", "job": "a", "instance": "a:1", "severity": "critical", "blind": "yes"},
		map[string]string{"alertname": "BrowserUseAPIDown", "job": "key", "instance": "key:1", "severity": "critical", "blind": "yes"},
		map[string]string{"alertname": "BrowserUseAPIKeyRejected", "job": "key", "instance": "key:1", "severity": "critical"},
		map[string]string{"alertname": "BrowserUseAPIDown", "job": "blocked", "instance": "blocked:1", "severity": "critical", "blind": "yes"},
		map[string]string{"alertname": "BrowserUseAPIBlocked", "job": "blocked", "instance": "blocked:1", "severity": "critical"},
		map[string]string{"alertname": "BrowserUseExporterDown", "job": "b", "instance": "b:1", "severity": "critical", "blind": "yes"},
		// One of a pair: the other goes on.
		map[string]string{"alertname": "BrowserUseAPIDown", "job": "pair", "instance": "pair:1", "severity": "critical"},
		map[string]string{"alertname": "BrowserUseExporterDown", "job": "pair", "instance": "pair:1", "severity": "critical"},
	)
	eventually(t, "the pager", func() bool {
		return firing("/pager", "BrowserUseAPIDown", "a") && firing("/pager", "BrowserUseAPIKeyRejected", "key") && firing("/pager", "BrowserUseAPIBlocked", "blocked") &&
			firing("/pager", "BrowserUseExporterDown", "b") && firing("/pager", "BrowserUseAPIDown", "pair") &&
			firing("/pager", "BrowserUseExporterDown", "pair")
	})
	if firing("/pager", "BrowserUseAPIDown", "key") || firing("/pager", "BrowserUseAPIDown", "blocked") {
		t.Error("the pager was told that the API does not answer, though another alert gives the reason")
	}

	session := []string{
		"BrowserUseSessionCostHigh", "BrowserUseAgentSessionCostHigh", "BrowserUseSessionRunningLong",
		"BrowserUseSessionOverdue", "BrowserUseSessionUnreadable",
	}
	for _, job := range []string{"a", "key", "blocked", "b", "pair", "fine"} {
		for _, name := range session {
			post(map[string]string{"alertname": name, "job": job, "severity": "warning"})
		}
		post(map[string]string{"alertname": "BrowserUseSessionTimingOutSoon", "job": job, "severity": "info"})
		post(map[string]string{"alertname": "BrowserUseCreditsLow", "job": job, "severity": "warning"})
		post(map[string]string{"alertname": "BrowserUseReloadFailed", "job": job, "instance": job + ":1", "severity": "warning"})
	}
	// Of another project of the same exporter.
	post(map[string]string{"alertname": "BrowserUseSessionOverdue", "job": "a", "project": "other", "severity": "warning"})
	// Alertmanager tells the groups in the order in which they are due, so when
	// the last one has come the others would have, too.
	eventually(t, "the alerts of what can be read", func() bool {
		for _, name := range session {
			if !firing("/tickets", name, "fine") || !firing("/tickets", name, "pair") {
				return false
			}
		}
		others := firing("/tickets", "BrowserUseCreditsLow", "a") && firing("/tickets", "BrowserUseCreditsLow", "b") &&
			firing("/tickets", "BrowserUseReloadFailed", "a")
		return others && firing("/log", "BrowserUseSessionTimingOutSoon", "fine") &&
			hook.find("/tickets", "firing", map[string]string{"alertname": "BrowserUseSessionOverdue", "project": "other"}) != nil
	})
	for _, job := range []string{"a", "key", "blocked", "b"} {
		for _, name := range session {
			if hook.find("/tickets", "firing", map[string]string{"alertname": name, "job": job, "project": ""}) != nil {
				t.Errorf("%s was sent for job %s, of which nothing can be read", name, job)
			}
		}
	}
}

// TestOneCauseIsOneTicket hands Alertmanager what one expensive session sets off.
func TestOneCauseIsOneTicket(t *testing.T) {
	t.Parallel()
	hook := startWebhook(t)
	alertmanager := startAlertmanager(t, alertmanagerConfig(t, hook))
	postAlerts(t, alertmanager, map[string]string{"alertname": "BrowserUseHourlySpendHigh", "job": "a", "severity": "critical", "times": "1"})
	eventually(t, "the pager", func() bool {
		return hook.find("/pager", "firing", map[string]string{"alertname": "BrowserUseHourlySpendHigh"}) != nil
	})
	for _, name := range []string{"BrowserUseDailySpendHigh", "BrowserUseSessionCostHigh", "BrowserUseAgentSessionCostHigh", "BrowserUseProxyTrafficHigh"} {
		postAlerts(t, alertmanager, map[string]string{"alertname": name, "job": "a", "severity": "warning", "times": "1"})
	}
	// These come all the same, and so last.
	ten := map[string]string{"alertname": "BrowserUseSessionCostHigh", "job": "a", "severity": "warning", "times": "10"}
	month := map[string]string{"alertname": "BrowserUseMonthSpendHigh", "job": "a", "severity": "warning"}
	postAlerts(t, alertmanager, ten, month)
	eventually(t, "ten times the threshold and the month", func() bool {
		return hook.find("/tickets", "firing", ten) != nil && hook.find("/tickets", "firing", month) != nil
	})
	if n := hook.count(); n != 3 {
		t.Errorf("one expensive session was %d notifications", n)
	}
}

// postAlerts hands alerts to Alertmanager.
func postAlerts(t *testing.T, alertmanager string, alerts ...map[string]string) {
	t.Helper()
	type labelled struct {
		Labels map[string]string `json:"labels"`
	}
	body := make([]labelled, len(alerts))
	for i, labels := range alerts {
		body[i].Labels = labels
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post("http://"+alertmanager+"/api/v2/alerts", "application/json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("Alertmanager answered %s", response.Status)
	}
}
