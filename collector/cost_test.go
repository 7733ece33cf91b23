package collector_test

import (
	"encoding/json"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

var amounts = map[string]string{
	"proxyUsedMb": "browseruse_session_proxy_used_megabytes", "proxyCost": "browseruse_session_proxy_cost_usd", "browserCost": "browseruse_session_browser_cost_usd",
}

// TestTheFormsOfACost has all three amounts null, a number, or absent, in a session
// that is active, which the list shows, and after its stop, when it is read by ID.
func TestTheFormsOfACost(t *testing.T) {
	for name, test := range map[string]struct {
		value any
		want  string // "": no series
	}{
		"null": {nil, ""}, "a number": {0.25, "0.25"}, "absent": {simapi.Absent, "0"}, "a text": {"0.75", "0.75"},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			change := map[string]any{}
			for field := range amounts {
				change[field] = test.value
			}
			api := fleet(2)
			start, id := time.Now().Add(-time.Minute), exportertest.SessionID(1)
			r := exportertest.New(t, api, "--no-collector.account")
			r.Scrape()
			for _, active := range []string{"1", "0"} {
				session := simapi.Session{ID: id, StartedAt: start, Override: change}
				if active == "0" {
					session.StopAt = start.Add(2 * time.Minute)
				}
				time.Sleep(time.Minute)
				api.Add(session)
				got := r.Scrape()
				labels := `{agent_session_id="",session_id="` + id + `"} `
				exportertest.Has(t, got, exportertest.Up(1, 1), exportertest.Up(2, 1), "browseruse_session_active"+labels+active,
					`browseruse_api_invalid_items_total{endpoint="browsers"} 0`)
				if active == "0" {
					exportertest.Has(t, got, "browseruse_session_finish_timestamp_seconds"+labels+"9.4668486e+08")
				}
				for _, metric := range amounts {
					if test.want == "" {
						exportertest.HasNot(t, got, metric+labels)
					} else {
						exportertest.Has(t, got, metric+labels+test.want)
					}
				}
				if kinds := exportertest.FailureKinds.FindAllString(got, -1); len(kinds) != 0 {
					t.Errorf("failures counted: %q", kinds)
				}
				var status struct {
					Sessions []struct {
						SessionID string   `json:"session_id"`
						Cost      *float64 `json:"proxy_cost_usd"`
					}
				}
				if err := json.Unmarshal(r.Get("/api/v1/sessions").Body.Bytes(), &status); err != nil {
					t.Fatal(err)
				}
				for _, s := range status.Sessions {
					if s.SessionID == id && (s.Cost == nil) != (test.want == "") {
						t.Errorf("the JSON has the cost %v; want %q", s.Cost, test.want)
					}
				}
			}
		})
	}
}
