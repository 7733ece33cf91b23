package apiclient

import "errors"

// Account is the account of the key's project, as GET /billing/account
// describes it in the types of the official SDK.
type Account struct {
	ProjectID            string
	Plan                 string // "" where the API names none
	MonthlyCreditsUSD    float64
	AdditionalCreditsUSD float64

	// nil where the API does not say:
	ConcurrentSessionsLimit *float64
	ActiveSessions          *float64
}

// decodeAccount takes a reply apart that is an account. Credits are required,
// since alerts hang on them; what the API documents elsewhere only is not.
func decodeAccount(body []byte) (Account, error) {
	var wire struct {
		Monthly                *float64 `json:"monthlyCreditsBalanceUsd"`
		Additional             *float64 `json:"additionalCreditsBalanceUsd"`
		RateLimit              *float64 `json:"rateLimit"` // legacy name of the next one
		ConcurrentSessionLimit *float64 `json:"concurrentSessionLimit"`
		ActiveSessionCount     *float64 `json:"activeSessionCount"`
		ProjectID              string   `json:"projectId"`
		PlanInfo               *struct {
			PlanName string `json:"planName"`
		} `json:"planInfo"`
	}
	if err := decodeObject(body, &wire); err != nil {
		return Account{}, err
	}
	switch {
	case wire.Monthly == nil:
		return Account{}, errors.New("monthlyCreditsBalanceUsd: not a number")
	case wire.Additional == nil:
		return Account{}, errors.New("additionalCreditsBalanceUsd: not a number")
	}
	account := Account{
		ProjectID:               wire.ProjectID,
		MonthlyCreditsUSD:       *wire.Monthly,
		AdditionalCreditsUSD:    *wire.Additional,
		ConcurrentSessionsLimit: wire.ConcurrentSessionLimit,
		ActiveSessions:          wire.ActiveSessionCount,
	}
	if account.ConcurrentSessionsLimit == nil {
		account.ConcurrentSessionsLimit = wire.RateLimit
	}
	if wire.PlanInfo != nil {
		account.Plan = wire.PlanInfo.PlanName
	}
	return account, nil
}
