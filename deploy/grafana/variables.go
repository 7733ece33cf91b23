package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// What the queries select by. In a recorded series there is no instance: a
// session is the same one whichever exporter shows it. All projects match the
// series that have no such label, too.
const (
	ofJob          = `job=~"$job",project=~"$project"`
	ofInstance     = ofJob + `,instance=~"$instance"`
	ofAgentSession = ofInstance + `,agent_session_id=~"$agent_session"`
	ofSession      = ofAgentSession + `,session_id=~"${session}.*"`
	ofRecorded     = ofJob + `,agent_session_id=~"$agent_session",session_id=~"${session}.*"`
)

// runbook is the address at which the rules have it.
const runbook = "${runbook}"

func variables() []cog.Builder[dashboard.VariableModel] {
	return []cog.Builder[dashboard.VariableModel]{
		dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus"),
		several("job", "Job", `label_values(browseruse_up, job)`),
		several("project", "Project", `label_values(browseruse_up{job=~"$job"}, project)`).AllValue(".*"),
		// All of them match one that came to a new address meanwhile.
		several("instance", "Exporter", `label_values(browseruse_up{`+ofJob+`}, instance)`).AllValue(".*"),
		// All of them match the sessions that have none, too.
		several("agent_session", "Agent session", `label_values({__name__=~"browseruse_session_active|browseruse_agent_session_active",`+ofInstance+`}, agent_session_id)`).AllValue(".*"),
		dashboard.NewTextBoxVariableBuilder("session").Label("Session").Description("ID of a session, or its beginning; empty for all"),
		// The labels of --session.metadata-label come first, and the agent session is always there.
		choice("holder", "Slots and cost by", `label_names()`).Regex(`/^(metadata_.+|agent_session_id)$/`).Sort(dashboard.VariableSortAlphabeticalDesc),
		choice("runbook", "Runbook", `label_values(browseruse:links_info, runbook_url)`).Hide(dashboard.VariableHideHideVariable),
	}
}

// choice is a variable with the values of a label.
func choice(name, label, query string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).
		Label(label).
		Datasource(source).
		Query(dashboard.StringOrMap{String: &query}).
		Definition(query).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc)
}

// several is a choice of several values, all of them at first.
func several(name, label, query string) *dashboard.QueryVariableBuilder {
	return choice(name, label, query).
		Multi(true).
		IncludeAll(true).
		Current(dashboard.VariableOption{
			Text:  dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
			Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
		})
}
