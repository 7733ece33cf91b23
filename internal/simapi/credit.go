package simapi

import (
	"math"
	"time"
)

// The demo's account buys credit by itself, as the vendor's automatic recharge does.
const (
	rechargeBelow = 5.0 // USD
	recharge      = 50.0
)

// credits returns the account's balances. Those of a demo fall by what its sessions
// have cost since its start. s.mu is held.
func (s *Server) credits(now time.Time) (monthly, additional float64) {
	monthly, additional = s.account.MonthlyCreditsUSD, s.account.AdditionalCreditsUSD
	if s.grow == nil {
		return monthly, additional
	}
	spent := math.Round(1e4*(s.cost(now)-s.uncharged)) / 1e4
	additional -= max(0, spent-monthly)
	if additional < rechargeBelow {
		additional += recharge * math.Ceil((rechargeBelow-additional)/recharge)
	}
	return max(0, monthly-spent), additional
}

// cost returns what all sessions have cost, agent sessions included. s.mu is held.
func (s *Server) cost(now time.Time) (usd float64) {
	for _, session := range s.fleet.every() {
		usd += session.cost(now)
	}
	for _, a := range s.agents {
		usd += a.LLMCost(now)
	}
	return usd
}
