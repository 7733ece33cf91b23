package statuspage_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/web/statuspage"
)

// answer returns what a path answers about a reading.
func answer(t *testing.T, now time.Time, r *collector.Reading, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	page := statuspage.New(statuspage.Options{
		Projects: func() []statuspage.Project {
			return []statuspage.Project{{MetricsPath: "/metrics", Last: func() *collector.Reading { return r }, Settings: []statuspage.Setting{}}}
		},
		TelemetryPath: "/metrics", Version: "1.2.3", Now: func() time.Time { return now },
	})
	request := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	page.Handlers()[path].ServeHTTP(recorder, request)
	return recorder
}

func amount(value float64) apiclient.Amount { return apiclient.Amount{Value: value, Known: true} }

// TestOneOddSessionSpoilsNoOther gives a session values for which JSON has no form.
func TestOneOddSessionSpoilsNoOther(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	good := apiclient.Session{Record: apiclient.Record{ID: "good", Status: "active", StartedAt: now}, TimeoutAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), ProxyCost: amount(1), BrowserCost: amount(2), ProxyUsedMB: amount(0)}
	odd := good
	odd.ID, odd.ProxyCost, odd.ProxyUsedMB = "odd", amount(math.NaN()), apiclient.Amount{}
	odd.StartedAt, odd.TimeoutAt = now.AddDate(9000, 0, 0), now.AddDate(9000, 0, 0)
	r := &collector.Reading{Start: now, Up: true, Complete: true, Sessions: []collector.SessionReading{
		{ID: "good", Session: &good, ReadAt: now}, {ID: "odd", Session: &odd, ReadAt: now},
	}}
	var status statuspage.Status
	if err := json.Unmarshal(answer(t, now, r, "/api/v1/sessions").Body.Bytes(), &status); err != nil {
		t.Fatal(err)
	}
	if len(status.Sessions) != 2 || status.Sessions[0].SessionID != "good" || status.Totals.CostUSD != 5 {
		t.Fatalf("the JSON has the sessions %+v, of %v dollars", status.Sessions, status.Totals.CostUSD)
	}
	if got, want := *status.Sessions[0].TimeoutRemaining, float64(good.TimeoutAt.Unix()-now.Unix()); got != want {
		t.Errorf("%v seconds are left until the year 10000; want %v", got, want)
	}
	if s := status.Sessions[1]; s.ProxyCostUSD != nil || s.ProxyUsedMB != nil || *s.BrowserCostUSD != 2 {
		t.Errorf("the odd session has the amounts %v, %v, %v; want the last alone", s.ProxyUsedMB, s.ProxyCostUSD, *s.BrowserCostUSD)
	}
	page := answer(t, now, r, "/").Body.String()
	for _, want := range []string{`data-label="Proxy cost">–</td>`, `data-label="Total">–</td>`, `data-label="Total" data-value="3">$3.00</td>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

// TestAmountsBeyondReason gives a session and the account amounts whose sums no float64
// holds.
func TestAmountsBeyondReason(t *testing.T) {
	now, most := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxFloat64
	session := apiclient.Session{Record: apiclient.Record{ID: "1", Status: "active", StartedAt: now}, TimeoutAt: now.Add(time.Hour), ProxyCost: amount(most), BrowserCost: amount(most)}
	r := &collector.Reading{
		Start: now, Up: true, Complete: true, Sessions: []collector.SessionReading{{ID: "1", Session: &session, ReadAt: now}},
		Account: &apiclient.Account{MonthlyCreditsUSD: &most, AdditionalCreditsUSD: &most},
	}
	var status statuspage.Status
	if err := json.Unmarshal(answer(t, now, r, "/api/v1/sessions").Body.Bytes(), &status); err != nil || status.Totals.CostUSD != 0 {
		t.Errorf("the totals are %+v: %v", status.Totals, err)
	}
	if page := answer(t, now, r, "/").Body.String(); strings.Contains(page, "Inf") {
		t.Error("the page shows an infinite amount")
	}
}

// TestTheCauseGoesBeforeItsConsequences checks that the page blames what was
// asked for, not what was not asked for because of it.
func TestTheCauseGoesBeforeItsConsequences(t *testing.T) {
	failed := func(reason apiclient.Reason, notSent apiclient.NotSent) *apiclient.Error {
		return &apiclient.Error{Endpoint: apiclient.EndpointBrowser, Reason: reason, NotSent: notSent, Err: errors.New("test")}
	}
	r := &collector.Reading{Complete: true, Sessions: []collector.SessionReading{
		{ID: "1", Err: failed(apiclient.ReasonTimeout, apiclient.NotSentDeadline)}, {ID: "2", Err: failed(apiclient.ReasonTimeout, apiclient.NotSentDeadline)}, {ID: "3", Err: failed(apiclient.ReasonServerError, "")},
	}}
	if page := answer(t, time.Time{}, r, "/").Body.String(); !strings.Contains(page, "The API gave no usable answer: server error: the API itself fails") {
		t.Error("the page does not blame the API")
	}
}
