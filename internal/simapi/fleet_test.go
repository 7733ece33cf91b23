package simapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"browseruse_exporter/internal/simapi"
)

func TestOverride(t *testing.T) {
	clock := newClock()
	for name, test := range map[string]struct {
		value any
		want  string // part of the detail and of the list
	}{
		"another value":            {7, `"browserCost":7,`},
		"null":                     {nil, `"browserCost":null,`},
		"JSON, verbatim":           {json.RawMessage(`"0.10" `), `"browserCost":"0.10" ,`},
		"what is no JSON":          {json.RawMessage(`NaN`), `"browserCost":NaN,`},
		"a value with its own key": {map[string]string{"a": "b"}, `"browserCost":{"a":"b"},`},
	} {
		t.Run(name, func(t *testing.T) {
			api := simapi.New(simapi.Options{Now: clock.Now})
			api.Add(simapi.Session{ID: id1, StartedAt: clock.now, Override: map[string]any{"browserCost": test.value}})
			for _, path := range []string{"/browsers/" + id1, "/browsers"} {
				if got := ask(api, path).Body.String(); !strings.Contains(got, test.want) {
					t.Errorf("%s is %s; want %s in it", path, got, test.want)
				}
			}
		})
	}
	t.Run("fields absent and new", func(t *testing.T) {
		api := simapi.New(simapi.Options{Now: clock.Now})
		api.Add(simapi.Session{ID: id1, StartedAt: clock.now, Override: map[string]any{"browserCost": simapi.Absent, "new": true}})
		got := decode(t, ask(api, "/browsers/"+id1))
		if _, ok := got["browserCost"]; ok || got["new"] != true || len(got) != 14 {
			t.Errorf("fields %v", got)
		}
	})
}

func TestAccount(t *testing.T) {
	clock := newClock()
	plan := map[string]any{"planName": "Scale", "subscriptionStatus": "active", "subscriptionId": nil, "subscriptionCurrentPeriodEnd": nil, "subscriptionCanceledAt": nil}
	whole := simapi.Account{MonthlyCreditsUSD: 1.5, AdditionalCreditsUSD: 2, ConcurrentSessions: 3, ProjectID: id1, Plan: "Scale"}
	noPlan, terse := whole, whole
	noPlan.NoPlan, terse.Terse = true, true
	for name, test := range map[string]struct {
		account simapi.Account
		changed map[string]any // against the whole answer
	}{
		"whole":   {whole, nil},
		"no plan": {noPlan, map[string]any{"planInfo": nil}},
		"terse":   {terse, map[string]any{"concurrentSessionLimit": simapi.Absent, "activeSessionCount": simapi.Absent}},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]any{
				"name": "Simulated project", "projectId": id1, "isFreeTier": false, "planInfo": plan, "rateLimit": 3.0,
				"totalCreditsBalanceUsd": 3.5, "monthlyCreditsBalanceUsd": 1.5, "additionalCreditsBalanceUsd": 2.0,
				"concurrentSessionLimit": 3.0, "activeSessionCount": 1.0,
			}
			for field, value := range test.changed {
				want[field] = value
				if value == simapi.Absent {
					delete(want, field)
				}
			}
			api := simapi.New(simapi.Options{Now: clock.Now, Account: test.account})
			api.Add(simapi.Session{StartedAt: clock.now}, simapi.Session{StartedAt: clock.now, StopAt: clock.now})
			if diff := cmp.Diff(want, decode(t, ask(api, "/billing/account"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSomeSessionsLeaveARecording(t *testing.T) {
	clock := newClock()
	api := simapi.New(simapi.Options{Now: clock.Now})
	recordings := 0
	for i := range 20 {
		id := fmt.Sprintf("00000000-0000-4000-8000-%012x", i)
		api.Add(simapi.Session{ID: id, StartedAt: clock.now, StopAt: clock.now})
		got := decode(t, ask(api, "/browsers/"+id))
		if got["recordingAvailable"] != (got["recordingUrl"] != nil) {
			t.Errorf("recordingAvailable %v, recordingUrl %v", got["recordingAvailable"], got["recordingUrl"])
		}
		if got["recordingUrl"] != nil {
			recordings++
		}
	}
	if recordings != 10 {
		t.Errorf("%d of 20 sessions have a recording; want half of them", recordings)
	}
}

func TestFleet(t *testing.T) {
	clock := newClock()
	start := clock.now
	api := simapi.New(simapi.Options{Now: clock.Now})
	active := func() []string {
		items := decode(t, ask(api, "/browsers?filterBy=active&pageSize=100"))["items"].([]any)
		ids := make([]string, 0, len(items))
		for _, item := range items {
			ids = append(ids, item.(map[string]any)["id"].(string))
		}
		return ids
	}
	upper := strings.ToUpper(strings.Replace(id1, "0000-4", "abcd-4", 1))
	ids := api.Add(
		simapi.Session{StartedAt: start},
		simapi.Session{ID: upper, StartedAt: start.Add(-time.Minute), StopAt: start.Add(time.Minute)},
		simapi.Session{StartedAt: start.Add(time.Second)},
	)
	if want := []string{ids[2], ids[0], upper}; !slices.Equal(active(), want) {
		t.Errorf("active are %v; want %v, the newest start first", active(), want)
	}
	if got := ask(api, "/browsers/"+upper).Code; got != http.StatusOK {
		t.Errorf("status %d for an ID in upper case", got)
	}

	clock.now = start.Add(2 * time.Minute)
	if want := []string{ids[2], ids[0]}; !slices.Equal(active(), want) {
		t.Errorf("active are %v after one stopped; want %v", active(), want)
	}
	api.Stop(upper)
	if got := decode(t, ask(api, "/browsers/"+upper))["finishedAt"]; got != "2026-11-24T12:01:00.000000Z" {
		t.Errorf("finishedAt moved to %v by a second stop", got)
	}
	api.Stop("unknown")
	clock.now = start.Add(30 * time.Second)
	if want := []string{ids[2], ids[0], upper}; !slices.Equal(active(), want) {
		t.Errorf("active are %v after the clock went back; want %v", active(), want)
	}

	api.Add(simapi.Session{ID: upper, StartedAt: start, StopAt: start})
	if want := []string{ids[2], ids[0]}; !slices.Equal(active(), want) {
		t.Errorf("active are %v after one was replaced; want %v", active(), want)
	}
	if got := len(api.Sessions()); got != 3 {
		t.Errorf("%d sessions; want 3", got)
	}
}

func TestMadeUpIDsAreTheSameInEveryRun(t *testing.T) {
	first := simapi.New(simapi.Options{}).Add(make([]simapi.Session, 3)...)
	second := simapi.New(simapi.Options{}).Add(make([]simapi.Session, 3)...)
	if !slices.Equal(first, second) || first[0] == first[1] {
		t.Errorf("%v and %v", first, second)
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	api := simapi.NewDemo(time.Now)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				id := api.Add(simapi.Session{StartedAt: time.Now(), Metadata: map[string]string{"team": "a"}})[0]
				ask(api, "/browsers?pageSize=100")
				api.Stop(id)
				ask(api, "/browsers/"+id)
				ask(api, "/billing/account")
				api.Inject(simapi.Fault{ID: id, Times: 1, Handler: simapi.Status(500, "")})()
				api.Sessions()
				api.Delete(id)
			}
		})
	}
	group.Wait()
	if got := api.Requests(); got["browsers"] != 160 || got["browser"] != 160 || got["account"] != 160 {
		t.Errorf("requests %v; want 160 of each", got)
	}
}

// BenchmarkPage asks for a page of 100 active sessions, in a project where many
// more have stopped.
func BenchmarkPage(b *testing.B) {
	clock := newClock()
	api := simapi.New(simapi.Options{Now: clock.Now})
	for i := range 10_000 {
		s := simapi.Session{StartedAt: clock.now.Add(-time.Duration(i) * time.Second), Timeout: 4 * time.Hour, ProxyBytesPerSecond: 123_456}
		if i%20 != 0 {
			s.StopAt = s.StartedAt
		}
		api.Add(s)
	}
	b.ReportAllocs()
	for b.Loop() {
		ask(api, "/browsers?filterBy=active&pageSize=100&pageNumber=3")
	}
}
