package apiclient

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Account is the account of the key's project, as GET /billing/account describes
// it in the types of the official SDK. Its fields are independent: one that the
// API leaves out, or that is odd, is nil or "".
type Account struct {
	ProjectID            string
	Plan                 string
	MonthlyCreditsUSD    *float64
	AdditionalCreditsUSD *float64
	// ConcurrentSessionsLimit is how many sessions may be active at once. The API
	// also has it as rateLimit, a legacy name; it limits no requests.
	ConcurrentSessionsLimit *float64
	ActiveSessions          *float64

	Odd []string // fields that are there but no value of their kind, as the API names them
}

// Account reads the credits and limits of the key's project. The error, if any, is an
// *Error.
func (b *Batch) Account(ctx context.Context) (Account, error) {
	return get(ctx, b, EndpointAccount, "/billing/account", maxDetailBytes, decodeAccount)
}

// wireAccount is an account as the API sends it.
type wireAccount struct {
	Monthly                number   `json:"monthlyCreditsBalanceUsd"`
	Additional             number   `json:"additionalCreditsBalanceUsd"`
	RateLimit              number   `json:"rateLimit"`
	ConcurrentSessionLimit number   `json:"concurrentSessionLimit"`
	ActiveSessionCount     number   `json:"activeSessionCount"`
	ProjectID              text     `json:"projectId"`
	PlanInfo               wirePlan `json:"planInfo"`
}

// decodeAccount decodes a response that is an account. Without any credit it is not one:
// alerts depend on the credit.
func decodeAccount(body []byte) (Account, error) {
	var wire wireAccount
	if err := decodeObject(body, &wire); err != nil {
		return Account{}, err
	}
	account := Account{ProjectID: wire.ProjectID.value, Plan: wire.PlanInfo.name.value}
	optional := func(field string, n number, state state) *float64 {
		if state == invalid {
			account.Odd = append(account.Odd, field)
		}
		if state != valid {
			return nil
		}
		return &n.value
	}
	account.MonthlyCreditsUSD = optional("monthlyCreditsBalanceUsd", wire.Monthly, wire.Monthly.state)
	account.AdditionalCreditsUSD = optional("additionalCreditsBalanceUsd", wire.Additional, wire.Additional.state)
	account.ConcurrentSessionsLimit = optional("concurrentSessionLimit", wire.ConcurrentSessionLimit, wire.ConcurrentSessionLimit.positive())
	if legacy := optional("rateLimit", wire.RateLimit, wire.RateLimit.positive()); account.ConcurrentSessionsLimit == nil {
		account.ConcurrentSessionsLimit = legacy
	}
	account.ActiveSessions = optional("activeSessionCount", wire.ActiveSessionCount, wire.ActiveSessionCount.state)
	if account.MonthlyCreditsUSD == nil && account.AdditionalCreditsUSD == nil {
		return Account{}, errors.New("monthlyCreditsBalanceUsd and additionalCreditsBalanceUsd: not a number")
	}
	return account, nil
}

// positive returns the state of a number that means something only above 0: a
// limit of none would read as one that is exceeded for ever.
func (n number) positive() state {
	if n.state == valid && n.value <= 0 {
		return invalid
	}
	return n.state
}

// wirePlan is the name of the plan; "" if planInfo is null or odd.
type wirePlan struct{ name text }

// UnmarshalJSONFrom never fails for what is valid JSON.
func (w *wirePlan) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil || raw.Kind() != '{' {
		return err
	}
	var plan struct {
		PlanName text `json:"planName"`
	}
	err = json.Unmarshal(raw, &plan, lenient)
	w.name = plan.PlanName
	return err
}
