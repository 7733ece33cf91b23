package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// noAgents is what a panel says without agent sessions.
const noAgents = "no agent session; they need --collector.agent-sessions"

// agentGauge is a gauge of each agent session, whichever exporter shows it.
func agentGauge(name string) string {
	return `max by (agent_session_id) (browseruse_agent_session_` + name + `{` + ofAgentSession + `})`
}

// agentsRow says what agents cost. An agent session's total contains its browsers,
// so no query adds the two.
func agentsRow() row {
	return row{"What do agents cost?", []cog.Builder[dashboard.Panel]{
		bars("The bill by component", "What all sessions cost in the chosen time. Most of an agent's bill is its LLM, which is only known with --collector.agent-sessions.", 8, units.Dollars, from(plain),
			query{expr: `sum by (component) (increase(job:browseruse_spend_usd:total{` + ofJob + `}[$__range]))`, legend: "{{component}}"}).
			NoValue("rules not loaded"),
		graph("The most expensive agent sessions", "What the ten most expensive agent sessions of the chosen time have cost: LLM, browsers and proxy.", 16, units.Dollars,
			query{expr: agentGauge("total_cost_usd") + ` and on (agent_session_id) topk(10, max by (agent_session_id) (last_over_time(browseruse_agent_session_total_cost_usd{` + ofAgentSession + `}[$__range] @ end())))`, legend: "{{agent_session_id}}"}).
			NoValue(noAgents),
		agentSessionsTable(),
	}}
}

func agentSessionsTable() *table.PanelBuilder {
	browsersCost := `agent_session:browseruse_cost_usd:sum{` + ofJob + `,agent_session_id=~"$agent_session"}`
	count := func(name, expr string) column { return column{name: name, unit: units.Short, expr: expr} }
	return tablePanel("Agent sessions", "The most expensive first. The total contains the LLM and the browsers with their proxy, so don't add them. Above 100% of the threshold BrowserUseAgentSessionCostHigh fires. An agent session filters the dashboard: the table of sessions then has its browsers.", 24, 12, "Total",
		agentSessionColumn(),
		column{expr: `max by (agent_session_id, model, status) (browseruse_agent_session_info{` + ofAgentSession + `})`},
		column{name: "Model", label: "model"},
		column{name: "Status", label: "status"},
		usd("Total", agentGauge("total_cost_usd")),
		usd("LLM", agentGauge("llm_cost_usd")),
		usd("Budget", agentGauge("max_cost_usd")),
		share("Of budget", agentGauge("total_cost_usd")+` / (`+agentGauge("max_cost_usd")+` > 0)`),
		share("Of threshold", `max by (agent_session_id) ((max by (job, project, agent_session_id) (browseruse_agent_session_total_cost_usd{`+ofAgentSession+`}) or `+browsersCost+`) / on (job, project) group_left () `+thresholds("agent_session_cost_usd")+`)`),
		count("Input tokens", agentGauge("input_tokens")),
		count("Output tokens", agentGauge("output_tokens")),
		count("Steps", agentGauge("steps")),
		count("Browsers", `count by (agent_session_id) (max by (session_id, agent_session_id) (browseruse_session_active{`+ofSession+`,agent_session_id!=""}))`),
		usd("Browsers' cost", `sum by (agent_session_id) (`+browsersCost+`)`),
	).NoValue(noAgents)
}
