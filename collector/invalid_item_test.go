package collector_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// withAnItemWithoutID returns a project whose list has one good session, and two
// items that don't say which session they are.
func withAnItemWithoutID() *simapi.Server {
	api := exportertest.NewAPI(1)
	for n, id := range []any{simapi.Absent, simapi.Credential} {
		api.Add(simapi.Session{ID: exportertest.SessionID(n + 2), StartedAt: time.Now(), Override: map[string]any{"id": id}})
	}
	return api
}

// TestAnItemWithoutIDIsSeenEverywhere though it is nothing that could have series.
func TestAnItemWithoutIDIsSeenEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, withAnItemWithoutID(), "--no-collector.account")
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), "browseruse_up 1", `browseruse_api_invalid_items_total{endpoint="browsers"} 2`,
			exportertest.Failures("browsers", "invalid_response", 0))
		r.CheckNoSecrets()
		failures := r.Collector.Last().Failures()
		if len(failures) != 1 || failures[0].What != collector.FailedListItems || failures[0].Count != 2 || failures[0].Reason != apiclient.ReasonInvalidResponse {
			t.Errorf("failures %+v; want the two items", failures)
		}
		r.Logged(1, "level=warn", "Items of the lists of sessions could not be read", "reason=invalid_response")
		var status struct {
			Health []struct{ Level, Text string }
		}
		if err := json.Unmarshal(r.Get("/api/v1/sessions").Body.Bytes(), &status); err != nil {
			t.Fatal(err)
		}
		if first := status.Health[0]; first.Level != "warning" || !strings.Contains(first.Text, "items of the lists of sessions could not be read") {
			t.Errorf("the page says first %+v", first)
		}
	})
	exportertest.SetKey(t, exportertest.Key)
	var stdout, stderr bytes.Buffer
	status := exporter.Run([]string{"--once", "--api.url=" + exportertest.ServeAPI(t, withAnItemWithoutID())}, &stdout, &stderr)
	if want := "2 items of the lists of sessions could not be read: "; status != 1 || !strings.Contains(stderr.String(), want) {
		t.Errorf("--once: exit status %d, %q; want 1, and %q in it", status, &stderr, want)
	}
}

// TestAYearThatHasNoFormSpoilsItselfAlone gives one session of two a time in the
// year 10000, of which there is no JSON.
func TestAYearThatHasNoFormSpoilsItselfAlone(t *testing.T) {
	for _, field := range []string{"startedAt", "timeoutAt", "finishedAt"} {
		exportertest.Bubble(t, field, func(t *testing.T) {
			api := exportertest.NewAPI(2)
			api.Add(simapi.Session{ID: exportertest.SessionID(2), StartedAt: time.Now(), Override: map[string]any{field: "9999-12-31T23:59:59-01:00"}})
			r := exportertest.New(t, api)
			exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Up(2, 0))
			var status struct{ Sessions []struct{ Up bool } }
			if err := json.Unmarshal(r.Get("/api/v1/sessions").Body.Bytes(), &status); err != nil || len(status.Sessions) != 2 {
				t.Errorf("the JSON has %+v, error %v; want both sessions", status, err)
			}
		})
	}
}
