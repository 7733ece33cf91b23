package collector_test

import (
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestMetadataThatAreNoTextCostNothingElse gives sessions metadata of other types,
// of which one is configured to be a label.
func TestMetadataThatAreNoTextCostNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(0)
		for n, metadata := range []any{map[string]any{"attempt": 3, "team": "qa"}, map[string]any{"team": 7}, []int{1}, 7} {
			api.Add(simapi.Session{ID: exportertest.SessionID(n + 1), StartedAt: time.Now(), Override: map[string]any{"metadata": metadata}})
		}
		r := exportertest.New(t, api, "--session.metadata-label=team")
		got := r.Scrape()
		for n, team := range []string{"qa", "", "", ""} {
			id := exportertest.SessionID(n + 1)
			exportertest.Has(t, got, exportertest.Up(n+1, 1), `browseruse_session_browser_cost_usd{agent_session_id="",session_id="`+id+`"} 0.0003333333333333333`,
				`browseruse_session_info{agent_session_id="",metadata_team="`+team+`",session_id="`+id+`"} 1`)
		}
	})
}
