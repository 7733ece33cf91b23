package collector_test

import (
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

func TestAccount(t *testing.T) {
	exportertest.Bubble(t, "a terse one", func(t *testing.T) {
		api := simapi.New(simapi.Options{Key: exportertest.Key, Account: simapi.Account{
			MonthlyCreditsUSD: 1.5, AdditionalCreditsUSD: -0.25, ConcurrentSessions: 7, ProjectID: "p", NoPlan: true, Terse: true,
		}})
		got := exportertest.New(t, api, "--session.file="+exportertest.File(t, exportertest.SessionID(1))).Scrape()
		exportertest.Has(t, got, `browseruse_account_credits_usd{source="monthly"} 1.5`, `browseruse_account_credits_usd{source="additional"} -0.25`,
			`browseruse_account_concurrent_sessions_limit 7`, `browseruse_account_info{plan="",project_id="p"} 1`)
		exportertest.HasNot(t, got, "browseruse_account_active_sessions")
	})
	for name, body := range map[string]string{
		"no credits": `{"projectId":"p"}`, "credits in words": `{"monthlyCreditsBalanceUsd":"much","additionalCreditsBalanceUsd":{}}`, "a list": `[]`,
	} {
		exportertest.Bubble(t, "unreadable: "+name, func(t *testing.T) {
			r := exportertest.New(t, exportertest.NewAPI(1), exportertest.IDFlags(1)...)
			remove := r.API.Inject(simapi.Fault{Endpoint: "account", Handler: simapi.Status(200, body)})
			got := r.Scrape()
			exportertest.Has(t, got, exportertest.Up(1, 1), "browseruse_up 1", exportertest.Failures("account", "invalid_response", 1))
			exportertest.HasNot(t, got, "browseruse_account_")
			remove()
			exportertest.Has(t, r.Scrape(), `browseruse_account_credits_usd{source="monthly"} 87.5`)
		})
	}
	exportertest.Bubble(t, "an odd field costs itself alone", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1), exportertest.IDFlags(1)...)
		r.API.Inject(simapi.Fault{Endpoint: "account", Handler: simapi.Status(200, `{"monthlyCreditsBalanceUsd":"2.5","additionalCreditsBalanceUsd":[],"rateLimit":0}`)})
		got := r.Scrape()
		exportertest.Has(t, got, `browseruse_account_credits_usd{source="monthly"} 2.5`, exportertest.Failures("account", "invalid_response", 0))
		exportertest.HasNot(t, got, `browseruse_account_credits_usd{source="additional"}`, "browseruse_account_concurrent_sessions_limit")
		r.Scrape()
		r.Logged(1, "level=warn", "Account could not be read", "additionalCreditsBalanceUsd, rateLimit")
	})
	exportertest.Bubble(t, "turned off", func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1), append(exportertest.IDFlags(1), "--no-collector.account")...)
		exportertest.HasNot(t, r.Scrape(), "browseruse_account_")
		if n := r.API.Requests()["account"]; n != 0 {
			t.Errorf("%d requests for the account; want none", n)
		}
	})
	exportertest.Bubble(t, "nothing to ask for is up", func(t *testing.T) {
		api := exportertest.NewAPI(0)
		api.Add(simapi.Session{ID: exportertest.SessionID(1), StartedAt: time.Now().Add(-2 * time.Hour), StopAt: time.Now().Add(-time.Hour)})
		r := exportertest.New(t, api, "--no-collector.account", "--session.file="+exportertest.File(t, exportertest.SessionID(1)))
		r.Scrape()
		api.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		exportertest.Has(t, r.Scrape(), "browseruse_up 1", exportertest.Up(1, 1))
		if n := r.API.Requests()["browser"]; n != 1 {
			t.Errorf("%d requests for a session that is final; want the first alone", n)
		}
	})
}
