// Package deploy tests what stands in this folder in real servers: Prometheus
// and Alertmanager, as Debian has them.
package deploy

import (
	"bytes"
	"encoding/json"
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
// and a webhook. It takes more than five minutes: so long a session's values
// hold after its last scrape.
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

	labels := map[string]string{"alertname": "BrowserUseSessionCostHigh", "session_id": dear}
	var fired *alert
	eventually(t, "the alert", func() bool {
		fired = hook.find("/tickets", "firing", labels)
		return fired != nil
	})
	if fired.Labels["agent_session_id"] != agent || fired.Labels["severity"] != "warning" {
		t.Errorf("the alert's labels are %v", fired.Labels)
	}
	if summary := fired.Annotations["summary"]; !strings.HasPrefix(summary, "Session "+dear+" has cost $1.") {
		t.Errorf("the summary is %q", summary)
	}
	if url := fired.Annotations["runbook_url"]; url != "deploy/RUNBOOK.md#browserusesessioncosthigh" {
		t.Errorf("the runbook is at %q", url)
	}

	api.Stop(dear)
	stopped := time.Now()
	for hook.find("/tickets", "resolved", labels) == nil {
		if time.Since(stopped) > 5*time.Minute+10*time.Second+patience {
			t.Fatal("the alert was not resolved after the session had lingered out")
		}
		<-time.After(time.Second)
	}
	if a := hook.find("/tickets", "firing", map[string]string{"session_id": cheap}); a != nil {
		t.Errorf("an alert fired for the cheap session: %v", a.Labels)
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
		"BrowserUseSessionOverdue", "BrowserUseProxyTrafficHigh", "BrowserUseSessionUnreadable",
	}
	for _, job := range []string{"a", "key", "blocked", "b", "pair", "fine"} {
		for _, name := range session {
			post(map[string]string{"alertname": name, "job": job, "session_id": "s", "agent_session_id": "agent", "severity": "warning"})
		}
		post(map[string]string{"alertname": "BrowserUseSessionTimingOutSoon", "job": job, "session_id": "s", "severity": "info"})
		post(map[string]string{"alertname": "BrowserUseCreditsLow", "job": job, "instance": job + ":1", "severity": "warning"})
		post(map[string]string{"alertname": "BrowserUseReloadFailed", "job": job, "instance": job + ":1", "severity": "warning"})
	}
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
		return others && firing("/log", "BrowserUseSessionTimingOutSoon", "fine")
	})
	for _, job := range []string{"a", "key", "blocked", "b"} {
		for _, name := range session {
			if firing("/tickets", name, job) {
				t.Errorf("%s was sent for job %s, of which nothing can be read", name, job)
			}
		}
	}
	if n := groups(hook, "/tickets", "agent"); n != 2 {
		t.Errorf("the alerts of one agent session in each of two jobs came in %d groups", n)
	}
}

// TestNoSessionAlertsWithoutAnyExporter is about the alert that has no job, as
// there is none.
func TestNoSessionAlertsWithoutAnyExporter(t *testing.T) {
	t.Parallel()
	hook := startWebhook(t)
	alertmanager := startAlertmanager(t, alertmanagerConfig(t, hook))
	postAlerts(t, alertmanager, map[string]string{"alertname": "BrowserUseExporterDown", "severity": "critical", "blind": "yes"})
	eventually(t, "the pager", func() bool {
		return hook.find("/pager", "firing", map[string]string{"alertname": "BrowserUseExporterDown"}) != nil
	})
	postAlerts(t, alertmanager,
		map[string]string{"alertname": "BrowserUseSessionOverdue", "job": "a", "session_id": "s", "severity": "warning"},
		map[string]string{"alertname": "BrowserUseDailySpendHigh", "job": "a", "severity": "warning"},
	)
	// They are of one group, and so would come together.
	eventually(t, "the other alert", func() bool {
		return hook.find("/tickets", "firing", map[string]string{"alertname": "BrowserUseDailySpendHigh"}) != nil
	})
	if a := hook.find("/tickets", "firing", map[string]string{"session_id": "s"}); a != nil {
		t.Errorf("an alert about a session was sent, though there is no exporter: %v", a.Labels)
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

// groups counts the groups of a receiver that have to do with an agent session.
func groups(hook *webhook, receiver, agent string) int {
	hook.mu.Lock()
	defer hook.mu.Unlock()
	seen := map[string]bool{}
	for _, n := range hook.received[receiver] {
		if n.GroupLabels["agent_session_id"] == agent {
			text, _ := json.Marshal(n.GroupLabels)
			seen[string(text)] = true
		}
	}
	return len(seen)
}
