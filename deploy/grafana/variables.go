package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// What the queries select by. In a recorded series there is no instance: a
// session is the same one whichever exporter shows it.
const (
	ofJob          = `job=~"$job"`
	ofInstance     = `job=~"$job",instance=~"$instance"`
	ofAgentSession = `job=~"$job",agent_session_id=~"$agent_session"`
	ofRecorded     = ofAgentSession + `,session_id=~"${session}.*"`
	ofSession      = ofRecorded + `,instance=~"$instance"`
)

func variables() []cog.Builder[dashboard.VariableModel] {
	return []cog.Builder[dashboard.VariableModel]{
		dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus"),
		choice("job", "Job", `label_values(browseruse_up, job)`),
		// All of them match one that came to a new address meanwhile.
		choice("instance", "Exporter", `label_values(browseruse_up{`+ofJob+`}, instance)`).AllValue(".*"),
		// All of them match the sessions that have none, too.
		choice("agent_session", "Agent session", `label_values(browseruse_session_active{`+ofInstance+`}, agent_session_id)`).AllValue(".*"),
		dashboard.NewTextBoxVariableBuilder("session").Label("Session").Description("ID of a session, or how it begins; empty for all"),
	}
}

// choice is a variable with the values of a label, of which all are chosen.
func choice(name, label, query string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).
		Label(label).
		Datasource(source).
		Query(dashboard.StringOrMap{String: &query}).
		Definition(query).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).
		Multi(true).
		IncludeAll(true).
		Current(dashboard.VariableOption{
			Text:  dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
			Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
		})
}
