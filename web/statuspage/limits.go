package statuspage

import "time"

// The shipped defaults of the alerts' thresholds: what the page points out is what
// raises an alert, unless the rules in force have others.
const (
	sessionCostUSD          = 1
	agentSessionCostUSD     = 5
	agentSessionBudgetRatio = 0.9
	proxyMegabytesPerMinute = 20               // over collector.SpendWindow
	endedFor                = 15 * time.Minute // for which the cost of a session that has ended matters
	runningLong             = 45 * time.Minute
	timingOutSoon           = 5 * time.Minute // of one that has run for as long
	overdueAfter            = 2 * time.Minute
)

// Thresholds returns them by their names in the rules.
func Thresholds() map[string]float64 {
	return map[string]float64{
		"session_cost_usd":           sessionCostUSD,
		"agent_session_cost_usd":     agentSessionCostUSD,
		"agent_session_budget_ratio": agentSessionBudgetRatio,
		"proxy_megabytes_per_minute": proxyMegabytesPerMinute,
		"ended_seconds":              endedFor.Seconds(),
		"running_long_seconds":       runningLong.Seconds(),
		"timing_out_soon_seconds":    timingOutSoon.Seconds(),
		"overdue_seconds":            overdueAfter.Seconds(),
	}
}
