package apiclient_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// megabyte is a text of a million characters.
var megabyte = strings.Repeat("abcdefghij", 100_000)

// anyField are values that any field can hold instead of what the API promises.
var anyField = map[string]any{
	"missing": simapi.Absent, "null": nil, "true": true, "7": 7, "a list": []int{1}, "an object": map[string]int{"a": 1}, "absurd": "absurd",
}

// someFields are values that are worth a try in some fields only.
var someFields = map[string]any{
	"the year 9999": "9999-12-31T23:59:59Z", "the year 1": "0001-01-01T00:00:00", "stopped": "stopped", "nothing": "", "1 MB": megabyte,
	"-1.5": "-1.5", "1E+300": "1E+300", "1E+309": "1E+309", "NaN": "NaN", "1 MB of digits": strings.Repeat("0", 1_000_000) + "7",
	"-5 as a number": -5, "2.5 as a number": 2.5, "1e300 as a number": 1e300, "1e999 as a number": json.RawMessage("1e999"),
	"labels": map[string]string{"team": "qa"}, "a plan": map[string]string{"planName": "absurd"}, "a plan of no name": map[string]any{"planName": nil}, "a plan of 7": map[string]any{"planName": 7},
}

// shown is what an exposition has or, with a minus before it, has not.
type shown string

func (s shown) check(t *testing.T, exposition string) {
	t.Helper()
	if prefix, not := strings.CutPrefix(string(s), "-"); not {
		exportertest.HasNot(t, exposition, prefix)
	} else if s != "" && !strings.Contains(exposition, "\n"+string(s)+"\n") {
		t.Errorf("no line %.200s", s)
	}
}

// value is a line of the first session, if it is of this agent session.
func value(name, agentSession, value string) shown {
	return shown(fmt.Sprintf(`browseruse_session_%s{agent_session_id="%s",session_id="%s"} %s`, name, agentSession, exportertest.SessionID(1), value))
}

// fields are those that the exporter reads, the other values that each is tried
// with, and what is exposed of those that the contract allows. All else makes an
// answer invalid.
var fields = []struct {
	victim, field string
	also          []string
	fine          map[string]shown
}{
	{"one session", "id", []string{"nothing", "1 MB"}, nil},
	{"one session", "status", []string{"nothing"}, map[string]shown{
		"absurd": value("active", "", "1"), "1 MB": value("active", "", "1"), "stopped": value("active", "", "0"),
	}},
	{"one session", "startedAt", []string{"1 MB"}, map[string]shown{
		"the year 9999": value("start_timestamp_seconds", "", "2.53402300799e+11"), "the year 1": value("start_timestamp_seconds", "", "-6.21355968e+10"),
	}},
	{"one session", "timeoutAt", nil, map[string]shown{
		"the year 9999": value("timeout_remaining_seconds", "", "2.52455615999e+11"), "the year 1": value("timeout_remaining_seconds", "", "-6.30822816e+10"),
	}},
	{"one session", "finishedAt", []string{"nothing"}, map[string]shown{
		"missing": "-browseruse_session_finish_", "null": "-browseruse_session_finish_", "the year 9999": value("finish_timestamp_seconds", "", "2.53402300799e+11"),
	}},
	{"one session", "proxyUsedMb", decimalsRefused, decimals("proxy_used_megabytes")},
	{"one session", "proxyCost", decimalsRefused, decimals("proxy_cost_usd")},
	{"one session", "browserCost", decimalsRefused, decimals("browser_cost_usd")},
	{"one session", "agentSessionId", nil, map[string]shown{
		"missing": value("active", "", "1"), "null": value("active", "", "1"), "nothing": value("active", "", "1"),
		"absurd": value("active", "absurd", "1"), "1 MB": value("active", megabyte, "1"),
		"7": value("active", "", "1"), "true": value("active", "", "1"), "a list": value("active", "", "1"), "an object": value("active", "", "1"),
	}},
	{"one session", "metadata", nil, map[string]shown{
		"missing": value("active", "", "1"), "null": value("active", "", "1"), "labels": value("active", "", "1"),
		"7": value("active", "", "1"), "true": value("active", "", "1"), "absurd": value("active", "", "1"),
		"a list": value("active", "", "1"), "an object": value("active", "", "1"),
	}},
	{"the list", "items", nil, nil},
	{"the list", "totalItems", numbers, map[string]shown{"7": value("active", "", "1")}},
	{"the list", "pageNumber", numbers, nil},
	{"the list", "pageSize", numbers, map[string]shown{"7": value("active", "", "1")}}, // fewer than asked for
	{"one agent session", "id", []string{"nothing", "1 MB"}, nil},
	{"one agent session", "status", []string{"nothing"}, map[string]shown{ // one that is not known is an end
		"absurd": agentValue("active", "0"), "stopped": agentValue("active", "0"), "1 MB": agentValue("active", "0"),
	}},
	{"one agent session", "model", nil, override(allShow(agentValue("active", "1")), map[string]shown{
		"1 MB": shown(fmt.Sprintf(`browseruse_agent_session_info{agent_session_id="%s",model="%s…",status="running"} 1`, exportertest.AgentID, megabyte[:61])),
	})},
	{"one agent session", "createdAt", nil, map[string]shown{
		"the year 9999": agentValue("start_timestamp_seconds", "2.53402300799e+11"), "the year 1": agentValue("start_timestamp_seconds", "-6.21355968e+10"),
	}},
	{"one agent session", "updatedAt", nil, map[string]shown{"the year 9999": agentValue("active", "1"), "the year 1": agentValue("active", "1")}},
	{"one agent session", "llmCostUsd", decimalsRefused, agentDecimals("llm_cost_usd")},
	{"one agent session", "totalCostUsd", decimalsRefused, agentDecimals("total_cost_usd")},
	{"one agent session", "maxCostUsd", decimalsRefused, override(agentDecimals("max_cost_usd"), map[string]shown{"missing": "-browseruse_agent_session_max_cost_usd"})},
	{"one agent session", "totalInputTokens", decimalsRefused, agentDecimals("input_tokens")},
	{"one agent session", "totalOutputTokens", decimalsRefused, agentDecimals("output_tokens")},
	{"one agent session", "stepCount", decimalsRefused, agentDecimals("steps")},
	{"the agent sessions", "sessions", nil, nil},
	{"the agent sessions", "total", numbers, map[string]shown{"7": agentValue("active", "1")}},
	{"the agent sessions", "page", numbers, nil},
	{"the agent sessions", "pageSize", numbers, map[string]shown{"7": agentValue("active", "1")}},
	{"the account", "monthlyCreditsBalanceUsd", nil, balance("monthly")},
	{"the account", "additionalCreditsBalanceUsd", nil, balance("additional")},
	{"the account", "rateLimit", numbersRefused, allShow(limit("250"))}, // the other name comes first
	{"the account", "concurrentSessionLimit", nil, override(allShow(limit("250")), map[string]shown{ // which rateLimit says, too
		"7": limit("7"), "2.5 as a number": limit("2.5"), "1e300 as a number": limit("1e+300"), "-5 as a number": limit("250"),
	})},
	{"the account", "activeSessionCount", nil, override(allShow("-browseruse_account_active_sessions"), map[string]shown{
		"7": "browseruse_account_active_sessions 7", "1e300 as a number": "browseruse_account_active_sessions 1e+300",
	})},
	{"the account", "projectId", nil, override(allShow(accountInfo("Business", "")), map[string]shown{
		"absurd": accountInfo("Business", "absurd"), "1 MB": accountInfo("Business", shown(megabyte)),
	})},
	{"the account", "planInfo", nil, override(allShow(accountInfo("", project)), map[string]shown{
		"a plan": accountInfo("absurd", project), "a plan of no name": accountInfo("", project), "a plan of 7": accountInfo("", project),
	})},
}

// allShow is what any value of anyField shows.
func allShow(want shown) map[string]shown {
	all := map[string]shown{"1e999 as a number": want}
	for name := range anyField {
		all[name] = want
	}
	return all
}

func override(all, some map[string]shown) map[string]shown {
	maps.Copy(all, some)
	return all
}

const project = "11111111-2222-4333-8444-555555555555"

var (
	numbers         = []string{"-5 as a number", "2.5 as a number", "1e300 as a number"}
	numbersRefused  = []string{"1e999 as a number"}
	decimalsRefused = []string{"nothing", "1E+309", "NaN", "1 MB", "1e999 as a number"}
)

func decimals(name string) map[string]shown {
	return map[string]shown{
		"missing": value(name, "", "0"), "-1.5": value(name, "", "-1.5"), "1E+300": value(name, "", "1e+300"), "1 MB of digits": value(name, "", "7"),
		"7": value(name, "", "7"), "2.5 as a number": value(name, "", "2.5"), "null": shown("-browseruse_session_" + name + `{agent_session_id="",session_id="` + exportertest.SessionID(1)),
	}
}

// agentValue is a line of the agent session.
func agentValue(name, value string) shown {
	return shown(fmt.Sprintf(`browseruse_agent_session_%s{agent_session_id="%s"} %s`, name, exportertest.AgentID, value))
}

func agentDecimals(name string) map[string]shown {
	return map[string]shown{
		"missing": agentValue(name, "0"), "-1.5": agentValue(name, "-1.5"), "1E+300": agentValue(name, "1e+300"), "1 MB of digits": agentValue(name, "7"),
		"7": agentValue(name, "7"), "2.5 as a number": agentValue(name, "2.5"), "null": shown("-browseruse_agent_session_" + name),
	}
}

func balance(source string) map[string]shown {
	line := func(value string) shown {
		return shown(fmt.Sprintf(`browseruse_account_credits_usd{source="%s"} %s`, source, value))
	}
	return override(allShow(shown(fmt.Sprintf(`-browseruse_account_credits_usd{source="%s"}`, source))), map[string]shown{
		"7": line("7"), "-5 as a number": line("-5"), "2.5 as a number": line("2.5"), "1e300 as a number": line("1e+300"),
	})
}

func limit(n string) shown { return shown("browseruse_account_concurrent_sessions_limit " + n) }

func accountInfo(plan string, project shown) shown {
	return shown(fmt.Sprintf(`browseruse_account_info{plan="%s",project_id="%s"} 1`, plan, project))
}

// TestFaultyFields gives one session, the list and the account each a field that
// is missing or other than usual. Where the contract allows it, it is exposed as
// it is.
func TestFaultyFields(t *testing.T) {
	refused := 0 // cases so far
	for _, f := range fields {
		v := exportertest.Victims()[f.victim]
		values := maps.Clone(anyField)
		for _, name := range slices.AppendSeq(f.also, maps.Keys(f.fine)) {
			if _, any := anyField[name]; !any {
				values[name] = someFields[name]
			}
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			value := values[name]
			if _, fine := f.fine[name]; !fine {
				if refused++; refused%3 > 0 && !exportertest.Thorough() {
					continue
				}
			}
			if (f.field == "items" || f.field == "sessions") && name == "a list" {
				continue // it is its item that is bad: see TestAListThatLies
			}
			exportertest.Bubble(t, f.victim+"/"+f.field+"/"+name, func(t *testing.T) {
				change := func(good string) http.HandlerFunc {
					return simapi.Status(200, exportertest.Changed(t, good, f.field, value))
				}
				if want, fine := f.fine[name]; fine {
					want.check(t, scrapeWith(t, v, change))
				} else {
					exportertest.CheckFault(t, exportertest.Fault{Answer: change, Reason: "invalid_response", Tries: 1}, v, 60)
				}
			})
		}
	}
}

// scrapeWith returns what is exposed while a victim's answer is another, which
// must not count as a failure.
func scrapeWith(t *testing.T, v exportertest.Victim, answer func(good string) http.HandlerFunc) string {
	t.Helper()
	r := exportertest.New(t, v.API(), v.Args...)
	v.Fault.Handler = answer(exportertest.GoodAnswer(t, r.API, v.Path))
	r.API.Inject(v.Fault)
	got := r.Scrape("60")
	if kinds := exportertest.FailureKinds.FindAllString(got, -1); len(kinds) != 0 {
		t.Errorf("failures counted: %q", kinds)
	}
	if n := exportertest.Values(got); n != v.Sessions {
		t.Errorf("%d sessions have values; want all %d", n, v.Sessions)
	}
	return got
}

// TestCredentialsCanBeAnything changes the fields that are not even read.
func TestCredentialsCanBeAnything(t *testing.T) {
	for victim, fields := range map[string][]string{
		"one session": {"liveUrl", "cdpUrl", "recordingUrl"},
		"one agent session": {
			"title", "output", "outputSchema", "lastStepSummary", "liveUrl", "recordingUrls", "screenshotUrl", "agentmailEmail", "isTaskSuccessful",
			"proxyCostUsd", "browserCostUsd", "proxyUsedMb",
		},
	} {
		v := exportertest.Victims()[victim]
		var same string
		exportertest.Bubble(t, victim, func(t *testing.T) {
			same = scrapeWith(t, v, func(good string) http.HandlerFunc { return simapi.Status(200, good) })
		})
		for _, field := range fields {
			for name, value := range anyField {
				exportertest.Bubble(t, field+"/"+name, func(t *testing.T) {
					other := func(good string) http.HandlerFunc {
						return simapi.Status(200, exportertest.Changed(t, good, field, value))
					}
					if diff := cmp.Diff(same, scrapeWith(t, v, other)); diff != "" {
						t.Errorf("it is not ignored (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

func TestOneItemOfTheListIsBad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(3), "--no-collector.account")
		good := r.Scrape()
		r.API.Add(simapi.Session{ID: exportertest.SessionID(2), StartedAt: time.Now(), Override: map[string]any{"browserCost": "1e999"}})
		got := r.Scrape()
		exportertest.SameSessions(t, got, good, func(n int) bool { return n == 2 })
		exportertest.Has(t, got, "browseruse_up 1", `browseruse_api_invalid_items_total{endpoint="browsers"} 1`, exportertest.Failures("browsers", "invalid_response", 0))
	})
}
