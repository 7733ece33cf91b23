package main

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/version"
	"go.uber.org/goleak"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

func TestMain(m *testing.M) {
	version.Version = "unknown" // as exporter.Run has it for a build that names none
	goleak.VerifyTestMain(m)
}

func TestGoldenSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := simapi.New(simapi.Options{Key: exportertest.Key})
		api.Add(exportertest.EveryKindOfSession(time.Now())...)
		args := append(exportertest.IDFlags(9), "--session.id="+strings.ToUpper(exportertest.SessionID(1))) // a double, written otherwise
		r := exportertest.New(t, api, args...)
		exportertest.Golden(t, "sessions", r.Scrape())
		r.Scrape()
		for _, status := range []string{"running", "archived"} {
			if got := strings.Count(r.Log.String(), "status="+status); got != 1 {
				t.Errorf("the unknown status %s was logged %d times in two scrapes; want once", status, got)
			}
		}
	})
}

func TestGoldenAgentSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := exportertest.NewAPI(0)
		now := time.Now()
		api.AddAgents(exportertest.EveryKindOfAgentSession(now)...)
		for n := 1; n <= 2; n++ {
			api.Add(simapi.Session{ID: exportertest.SessionID(n), StartedAt: now.Add(-10 * time.Minute), AgentSessionID: exportertest.AgentID, ProxyBytesPerSecond: 10_000})
		}
		r := exportertest.New(t, api, "--collector.agent-sessions", "--no-collector.account")
		exportertest.Golden(t, "agents", r.Scrape())
		r.Scrape()
		r.Logged(1, "level=warn", "Unknown status of an agent session", "status=archived")
		r.CheckNoSecrets()
	})
}

func TestGoldenFailures(t *testing.T) {
	exportertest.Bubble(t, "a missing session", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), exportertest.IDFlags(3)...)
		exportertest.Golden(t, "missing", r.Scrape())
	})
	exportertest.Bubble(t, "the API is down", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), exportertest.IDFlags(2)...)
		r.Network.Refuse(true)
		r.API.Inject(simapi.Fault{Handler: simapi.Reset()})
		got := r.Scrape()
		// How long the retries pause is drawn by chance.
		got = regexp.MustCompile(`(?m)^(browseruse_scrape_duration_seconds) .*$`).ReplaceAllString(got, "$1 0.3")
		exportertest.Golden(t, "down", got)
	})
	exportertest.Bubble(t, "a bad key", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), exportertest.IDFlags(2)...)
		r.API.SetKey("another")
		exportertest.Golden(t, "unauthorized", r.Scrape())
	})
	exportertest.Bubble(t, "rate limited", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(2), append(exportertest.IDFlags(2), "--api.concurrency=1", "--no-collector.account")...)
		r.API.Inject(simapi.Fault{Handler: simapi.Status(429, `{"error":"rate_limited"}`, "Retry-After", "5")})
		exportertest.Golden(t, "ratelimited", r.Scrape())
	})
}
