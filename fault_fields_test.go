package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"browseruse_exporter/apiclient/apitest"
)

// TestFaultyFields gives one session, the first page and the account each a
// field that is missing or other than the API promises. The rest of the page
// is read all the same where only one item of it is bad.
func TestFaultyFields(t *testing.T) {
	const absurd = "absurd"
	values := map[string]any{
		"missing": apitest.Absent, "null": nil, "true": true, "7": 7, "a list": []int{1}, "an object": map[string]int{"a": 1}, absurd: absurd,
	}
	// What the contract allows of these.
	fine := map[string][]string{
		"status": {absurd}, "finishedAt": {"missing", "null"}, "agentSessionId": {"missing", "null", absurd}, "metadata": {"missing", "null"},
		"proxyUsedMb": {"missing"}, "proxyCost": {"missing"}, "browserCost": {"missing"},
		"totalItems": {"7"}, "projectId": {absurd, "missing", "null"}, "planInfo": {"missing", "null", "an object"}, "monthlyCreditsBalanceUsd": {"7"}, "additionalCreditsBalanceUsd": {"7"},
	}
	for _, target := range []struct {
		victim string
		fields []string
	}{
		{"one session", []string{"id", "status", "startedAt", "timeoutAt", "finishedAt", "proxyUsedMb", "proxyCost", "browserCost", "agentSessionId", "metadata"}},
		{"the list", []string{"items", "totalItems", "pageNumber", "pageSize"}},
		{"the account", []string{"monthlyCreditsBalanceUsd", "additionalCreditsBalanceUsd", "projectId", "planInfo"}},
	} {
		v := victims()[target.victim]
		for _, field := range target.fields {
			for name, value := range values {
				if field == "items" && name == "a list" {
					continue // its item is what is bad: see TestAListThatLies
				}
				bubble(t, target.victim+"/"+field+"/"+name, func(t *testing.T) {
					change := func(good string) http.HandlerFunc { return apitest.Status(200, changed(t, good, field, value)) }
					if !contains(fine[field], name) {
						testFault(t, fault{answer: change, reason: "invalid_response", tries: 1}, v, 60)
						return
					}
					r := newRig(t, newAPI(v.sessions), v.args...)
					v.fault.Handler = change(goodAnswer(t, r.api, v.path))
					r.api.Inject(v.fault)
					got := r.scrape("60")
					if kinds := failureKinds.FindAllString(got, -1); len(kinds) != 0 {
						t.Errorf("failures counted: %q", kinds)
					}
				})
			}
		}
	}
	bubble(t, "one item of the list", func(t *testing.T) {
		r := newRig(t, newAPI(3), "--no-collector.account")
		r.scrape()
		r.api.Add(apitest.Session{ID: sessionID(2), StartedAt: time.Now(), Override: map[string]any{"browserCost": "1e999"}})
		got := r.scrape()
		has(t, got, up(1, 1), up(2, 0), up(3, 1), "browseruse_up 1", failures("browsers", "invalid_response", 1))
		hasNot(t, got, `browseruse_session_active{agent_session_id="",session_id="`+sessionID(2))
	})
}

// changed is a JSON object with another value of a field.
func changed(t *testing.T, object, field string, value any) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		t.Fatal(err)
	}
	if fields[field] = value; value == apitest.Absent {
		delete(fields, field)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}
