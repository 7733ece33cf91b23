package collector_test

import (
	"flag"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// fleet returns a project with n active sessions, 1 to n, that run for long.
func fleet(n int) *simapi.Server {
	api := simapi.New(simapi.Options{Key: exportertest.Key})
	for i := 1; i <= n; i++ {
		api.Add(simapi.Session{ID: exportertest.SessionID(i), StartedAt: time.Now(), Timeout: 4 * time.Hour})
	}
	return api
}

// stopped adds sessions that finished so long ago.
func stopped(api *simapi.Server, from, to int, ago time.Duration) {
	for i := from; i <= to; i++ {
		api.Add(simapi.Session{ID: exportertest.SessionID(i), StartedAt: time.Now().Add(-ago - time.Minute), StopAt: time.Now().Add(-ago)})
	}
}

// TestRequestsOfAScrape counts what a scrape costs in steady state: the second
// one, and the third.
func TestRequestsOfAScrape(t *testing.T) {
	many := 3000
	if exportertest.Thorough() {
		many = 10_000
	}
	for name, test := range map[string]struct {
		api      func() *simapi.Server
		args     []string
		sessions int // with values
		requests map[string]int
	}{
		"1,000 active, discovered": {
			api: func() *simapi.Server { return fleet(1000) }, sessions: 1000, requests: map[string]int{"browsers": 10, "stopped": 1, "account": 1},
		},
		"300 configured and active in a project of 300, 40 more configured and final": {
			api: func() *simapi.Server {
				api := fleet(300)
				stopped(api, 301, 340, time.Hour)
				return api
			}, args: append(exportertest.IDFlags(340), "--no-collector.account"), sessions: 340, requests: map[string]int{"browsers": 3},
		},
		"3 configured in a project of 1,000": {
			api: func() *simapi.Server { return fleet(1000) }, args: append(exportertest.IDFlags(3), "--no-collector.account"), sessions: 3, requests: map[string]int{"browser": 3},
		},
		"500 configured, all final": {
			api: func() *simapi.Server {
				api := fleet(0)
				stopped(api, 1, 500, time.Hour)
				return api
			}, args: append(exportertest.IDFlags(500), "--no-collector.account"), sessions: 500, requests: map[string]int{},
		},
		"20 configured in a project of many": {
			api: func() *simapi.Server { return fleet(many) }, args: append(exportertest.IDFlags(many)[many-20:], "--no-collector.account"), sessions: 20, requests: map[string]int{"browsers": 1, "browser": 20},
		},
		"many active, discovered": {
			api: func() *simapi.Server { return fleet(many) }, args: []string{"--no-collector.account"}, sessions: many, requests: map[string]int{"browsers": many / 100, "stopped": 1},
		},
		"none at all, discovered": {
			api: func() *simapi.Server { return fleet(0) }, args: []string{"--no-collector.account"}, requests: map[string]int{"browsers": 1, "stopped": 1},
		},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			r := exportertest.New(t, test.api(), test.args...)
			r.Scrape("120")
			for range 2 {
				time.Sleep(15 * time.Second)
				r.API.ResetRequests()
				got := r.Scrape("120")
				if n := exportertest.Values(got); n != test.sessions {
					t.Errorf("%d sessions have values; want %d", n, test.sessions)
				}
				if diff := cmp.Diff(test.requests, r.API.Requests()); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestManyScrapesAtOnceCostAsMuchAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, fleet(300))
		r.API.SetLatency(100 * time.Millisecond)
		r.Scrape("60")
		time.Sleep(15 * time.Second)
		r.API.ResetRequests()
		var scrapes sync.WaitGroup
		for range 100 {
			scrapes.Go(func() {
				if n := exportertest.Values(r.Scrape()); n != 300 {
					t.Errorf("%d sessions have values; want 300", n)
				}
			})
		}
		scrapes.Wait()
		if diff := cmp.Diff(map[string]int{"browsers": 3, "stopped": 1, "account": 1}, r.API.Requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

func TestAScrapeTakesOneRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, fleet(1000))
		r.API.SetLatency(100 * time.Millisecond)
		r.Scrape("60")
		time.Sleep(15 * time.Second)
		start := time.Now()
		r.Scrape()
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("a scrape of ten pages, the stopped ones and the account took %v at 100ms a request; want one round trip", took)
		}
	})
}

// TestSessionsThatStopCostNoRequest finds the final costs of ten sessions on the
// page of stopped ones, or reads each once by ID without that page.
func TestSessionsThatStopCostNoRequest(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want []map[string]int
	}{
		"on the page":      {nil, []map[string]int{{"browsers": 10, "stopped": 1}, {"browsers": 10, "stopped": 1}}},
		"without the page": {[]string{"--no-session.short-lived"}, []map[string]int{{"browsers": 10, "browser": 10}, {"browsers": 10}}},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			r := exportertest.New(t, fleet(1000), append(test.args, "--no-collector.account")...)
			r.Scrape("60")
			time.Sleep(15 * time.Second)
			for i := 1; i <= 10; i++ {
				r.API.Stop(exportertest.SessionID(i * 100))
			}
			for n, want := range test.want {
				r.API.ResetRequests()
				got := r.Scrape()
				exportertest.Has(t, got, fmt.Sprintf(`browseruse_session_active{agent_session_id="",session_id="%s"} 0`, exportertest.SessionID(500)))
				if n := exportertest.Values(got); n != 1000 {
					t.Errorf("%d sessions have values; want 1000", n)
				}
				if diff := cmp.Diff(want, r.API.Requests()); diff != "" {
					t.Errorf("requests of scrape %d after the stop (-want +got):\n%s", n+1, diff)
				}
				time.Sleep(15 * time.Second)
			}
		})
	}
}

// TestLinger follows discovered sessions out of the exposition.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, fleet(3), "--session.linger=10m", "--no-collector.account")
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Up(2, 1), exportertest.Up(3, 1))
		r.API.Stop(exportertest.SessionID(1))
		r.API.Delete(exportertest.SessionID(2))
		got := r.Scrape()
		exportertest.Has(t, got, exportertest.Up(1, 1), exportertest.Up(2, 0), exportertest.Up(3, 1), `browseruse_session_active{agent_session_id="",session_id="`+exportertest.SessionID(1)+`"} 0`)
		time.Sleep(10*time.Minute - time.Second)
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Up(2, 0), exportertest.Up(3, 1))
		time.Sleep(time.Second)
		got = r.Scrape()
		exportertest.HasNot(t, got, `browseruse_session_up{session_id="`+exportertest.SessionID(1), `browseruse_session_up{session_id="`+exportertest.SessionID(2))
		exportertest.Has(t, got, exportertest.Up(3, 1))
	})
	exportertest.Bubble(t, "an outage longer than that", func(t *testing.T) {
		r := exportertest.New(t, fleet(2), "--session.linger=10m", "--no-collector.account")
		r.Scrape()
		r.API.Stop(exportertest.SessionID(1))
		r.Network.Refuse(true)
		remove := r.API.Inject(simapi.Fault{Handler: simapi.Reset()})
		for range 8 {
			time.Sleep(5 * time.Minute)
			exportertest.Has(t, r.Scrape(), exportertest.Up(1, 0), exportertest.Up(2, 0), "browseruse_up 0")
		}
		remove()
		r.Network.Refuse(false)
		for range 10 { // five minutes of the final cost, for whoever scrapes
			exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Up(2, 1))
			time.Sleep(30 * time.Second)
		}
		got := r.Scrape()
		exportertest.Has(t, got, exportertest.Up(2, 1))
		exportertest.HasNot(t, got, `browseruse_session_up{session_id="`+exportertest.SessionID(1))
	})
}

func TestAMissingSessionIsAskedForNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, fleet(0), "--session.id="+exportertest.SessionID(1), "--no-collector.account")
		for range 4 * 60 {
			exportertest.Has(t, r.Scrape(), exportertest.Up(1, 0), "browseruse_up 1")
			time.Sleep(15 * time.Second)
		}
		if n := r.API.Requests()["browser"]; n < 8 || n > 13 {
			t.Errorf("%d requests in an hour of 240 scrapes for a session that does not exist; want about 10", n)
		}
		r.API.Add(simapi.Session{ID: exportertest.SessionID(1), StartedAt: time.Now()})
		time.Sleep(9 * time.Minute)
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1))
	})
}

// TestDiscoveryWithIDs combines all three ways to a session, and doubles.
func TestDiscoveryWithIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(5)
		stopped(api, 6, 8, time.Hour)
		r := exportertest.New(t, api, "--session.discover", "--session.id="+exportertest.SessionID(1), "--session.id="+exportertest.SessionID(6), "--session.file="+exportertest.File(t, exportertest.SessionID(6)+"\n"+exportertest.SessionID(7)), "--no-collector.account")
		got := r.Scrape()
		exportertest.Has(t, got, exportertest.Up(1, 1), exportertest.Up(5, 1), exportertest.Up(6, 1), exportertest.Up(7, 1))
		if n := exportertest.Values(got); n != 7 {
			t.Errorf("%d sessions have values; want 7, each once", n)
		}
		if diff := cmp.Diff(map[string]int{"browsers": 1, "stopped": 1}, api.Requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// page returns a page of the list, with these items.
func page(number, total int, items ...string) http.HandlerFunc {
	return simapi.Status(http.StatusOK, fmt.Sprintf(`{"items":[%s],"totalItems":%d,"pageNumber":%d,"pageSize":100}`, strings.Join(items, ","), total, number))
}

// TestAListThatLies checks that whatever the list says costs a bounded number of
// requests, and that what can be told is told.
func TestAListThatLies(t *testing.T) {
	for name, test := range map[string]struct {
		fault    func(t *testing.T, api *simapi.Server) []simapi.Fault
		most     int // requests for the list
		lines    []string
		sessions int
	}{
		"an absurd total, and no more than one page": {fault: func(t *testing.T, api *simapi.Server) []simapi.Fault {
			return []simapi.Fault{{Endpoint: "browsers", Page: 1, Handler: page(1, 2_000_000_000, detail(t, api))}}
		}, most: 11, lines: []string{exportertest.Up(1, 1)}, sessions: 1},
		"the same page for ever": {fault: func(t *testing.T, api *simapi.Server) []simapi.Fault {
			return []simapi.Fault{{Endpoint: "browsers", Handler: page(1, 2_000_000_000, detail(t, api))}}
		}, most: 11, lines: []string{exportertest.Up(1, 1)}, sessions: 1},
		"a negative total": {fault: func(*testing.T, *simapi.Server) []simapi.Fault {
			return []simapi.Fault{{Endpoint: "browsers", Handler: page(1, -5)}}
		}, most: 1, lines: []string{exportertest.Failures("browsers", "invalid_response", 1)}},
		"an item twice, and one that is no session": {fault: func(t *testing.T, api *simapi.Server) []simapi.Fault {
			return []simapi.Fault{{Endpoint: "browsers", Handler: page(1, 4, detail(t, api), `7`, exportertest.Changed(t, exportertest.Changed(t, detail(t, api), "id", exportertest.SessionID(2)), "browserCost", "free"), detail(t, api))}}
		}, most: 1, lines: []string{exportertest.Up(1, 1), exportertest.Up(2, 0), `browseruse_api_invalid_items_total{endpoint="browsers"} 2`, exportertest.Failures("browsers", "invalid_response", 0)}, sessions: 1},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			r := exportertest.New(t, fleet(1), "--no-collector.account")
			for _, fault := range test.fault(t, r.API) {
				r.API.Inject(fault)
			}
			got := r.Scrape()
			exportertest.Has(t, got, test.lines...)
			if n := exportertest.Values(got); n != test.sessions {
				t.Errorf("%d sessions have values; want %d", n, test.sessions)
			}
			if n := r.API.Requests()["browsers"]; n > test.most {
				t.Errorf("%d requests for the list; want %d at most", n, test.most)
			}
		})
	}
}

// TestALongReadingIsNotJoinedLate has a scrape with little time come when another,
// with much, has long read. What that read first is no value of now.
func TestALongReadingIsNotJoinedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sessions = 20
		api := fleet(sessions)
		api.Inject(simapi.Fault{Endpoint: "browsers", Handler: page(1, 0)}) // so they are read one by one
		r := exportertest.New(t, api, append(exportertest.IDFlags(sessions), "--no-collector.account", "--api.concurrency=1")...)
		api.SetLatency(4 * time.Second)
		patient := make(chan string)
		go func() { patient <- r.Scrape("600") }()
		time.Sleep(50 * time.Second)
		if n := exportertest.Values(r.Scrape("10")); n > 2 {
			t.Errorf("%d sessions have values after 10 s; the API answers one in 4 s", n)
		}
		if n := exportertest.Values(<-patient); n != sessions {
			t.Errorf("%d sessions have values for the scrape that had time; want all %d", n, sessions)
		}
	})
}

// TestAListThatGotShorter does not ask for long for what the list once had, or
// once said that it had.
func TestAListThatGotShorter(t *testing.T) {
	requests := func(r *exportertest.Rig) int {
		r.API.ResetRequests()
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1))
		return r.API.Requests()["browsers"]
	}
	exportertest.Bubble(t, "a total that was wrong once", func(t *testing.T) {
		r := exportertest.New(t, fleet(1), "--no-collector.account")
		r.API.Inject(simapi.Fault{Endpoint: "browsers", Page: 1, Times: 1, Handler: page(1, 50_000, detail(t, r.API))})
		r.Scrape()
		for range 3 {
			time.Sleep(time.Minute)
			if n := requests(r); n != 1 {
				t.Errorf("%d requests for the list of one session", n)
			}
		}
	})
	exportertest.Bubble(t, "a fleet that is gone", func(t *testing.T) {
		r := exportertest.New(t, fleet(3000), "--no-collector.account", "--session.linger=0s")
		if got := exportertest.Values(r.Scrape()); got != 3000 {
			t.Fatalf("%d sessions have values", got)
		}
		for n := 2; n <= 3000; n++ {
			r.API.Delete(exportertest.SessionID(n))
		}
		time.Sleep(time.Minute)
		if n := requests(r); n > 16 { // in flight at once, before the first answer
			t.Errorf("%d requests for a list that says at once that it has one page", n)
		}
		r.Scrape("600") // reads what became of the others
		time.Sleep(time.Minute)
		if n := requests(r); n != 1 {
			t.Errorf("%d requests for the list of one session", n)
		}
	})
}

func TestAPageThatFails(t *testing.T) {
	exportertest.Bubble(t, "with the whole API", func(t *testing.T) {
		r := exportertest.New(t, fleet(250), "--no-collector.account")
		r.Scrape()
		r.API.ResetRequests()
		remove := r.API.Inject(simapi.Fault{Endpoint: "browsers", Page: 2, Handler: simapi.Status(500, "")})
		got := r.Scrape()
		if n := exportertest.Values(got); n != 150 {
			t.Errorf("%d sessions have values; want the 150 of the other pages", n)
		}
		exportertest.Has(t, got, "browseruse_up 1", exportertest.Failures("browsers", "server_error", 1))
		if diff := cmp.Diff(map[string]int{"browsers": 3, "stopped": 1}, r.API.Requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		remove()
		if n := exportertest.Values(r.Scrape()); n != 250 {
			t.Errorf("%d sessions have values afterwards; want 250", n)
		}
	})
	exportertest.Bubble(t, "alone", func(t *testing.T) {
		r := exportertest.New(t, fleet(250), "--no-collector.account")
		r.Scrape()
		r.API.Inject(simapi.Fault{Endpoint: "browsers", Page: 2, Handler: simapi.Status(200, "nonsense")})
		if n := exportertest.Values(r.Scrape("60")); n != 250 {
			t.Errorf("%d sessions have values; want all, those of the page by ID", n)
		}
	})
}

func TestAReadingThatWasCutShortIsNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, fleet(1), "--scrape.max-age=1m")
		remove := r.API.Inject(simapi.Fault{Endpoint: "browsers", Handler: simapi.Hang()})
		exportertest.HasNot(t, r.Scrape("2"), exportertest.Up(1, 1))
		remove()
		exportertest.Has(t, r.Scrape("2"), exportertest.Up(1, 1))
	})
}

func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, fleet(1), "--scrape.max-age=10s")
		remaining := func(seconds int) string {
			return fmt.Sprintf(`browseruse_session_timeout_remaining_seconds{agent_session_id="",session_id="%s"} %d`, exportertest.SessionID(1), seconds)
		}
		for _, step := range []struct{ requests, remaining int }{
			{1, 14400}, {1, 14395}, {1, 14390}, {2, 14385}, {2, 14380},
		} {
			exportertest.Has(t, r.Scrape(), remaining(step.remaining))
			if n := r.API.Requests()["browsers"]; n != step.requests {
				t.Errorf("%d requests for the list after %ds; want %d", n, 14400-step.remaining, step.requests)
			}
			time.Sleep(5 * time.Second)
		}
	})
}

func TestMetadataLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(0)
		api.Add(
			simapi.Session{ID: exportertest.SessionID(1), StartedAt: time.Now(), Metadata: map[string]string{"team": "a\n\"b\"\\", "cost-center.é": "7"}},
			simapi.Session{ID: exportertest.SessionID(2), StartedAt: time.Now(), AgentSessionID: exportertest.AgentID},
		)
		r := exportertest.New(t, api, "--session.metadata-label=team", "--session.metadata-label=cost-center.é", "--session.metadata-label=team")
		exportertest.Has(t, r.Scrape(),
			`browseruse_session_info{agent_session_id="",metadata_cost_center__="7",metadata_team="a\n\"b\"\\",session_id="`+exportertest.SessionID(1)+`"} 1`,
			`browseruse_session_info{agent_session_id="`+exportertest.AgentID+`",metadata_cost_center__="",metadata_team="",session_id="`+exportertest.SessionID(2)+`"} 1`)
	})
}

// TestLongMetadataIsCut keeps a value that somebody made long from exceeding the
// limit of labels that a Prometheus has.
func TestLongMetadataIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fleet(0)
		for n, task := range map[int]string{1: strings.Repeat("x", 300), 2: strings.Repeat("é", 60), 3: strings.Repeat("é", 61), 4: "short"} {
			api.Add(simapi.Session{ID: exportertest.SessionID(n), StartedAt: time.Now(), Metadata: map[string]string{"task": task}})
		}
		r := exportertest.New(t, api, "--session.metadata-label=task", "--session.metadata-max-length=120")
		got := r.Scrape()
		for n, want := range map[int]string{1: strings.Repeat("x", 117) + "…", 2: strings.Repeat("é", 60), 3: strings.Repeat("é", 58) + "…", 4: "short"} {
			exportertest.Has(t, got, fmt.Sprintf(`browseruse_session_info{agent_session_id="",metadata_task="%s",session_id="%s"} 1`, want, exportertest.SessionID(n)))
		}
		exportertest.Has(t, got, "browseruse_session_info_cut_values 2")
	})
}

// The size of TestSessionsComeAndGo. A day of 10,000 sessions is
//
//	go test ./collector -run TestSessionsComeAndGo -v -fleet 10000 -hours 24
var (
	fleetSize  = flag.Int("fleet", 60, "how many sessions TestSessionsComeAndGo starts")
	fleetHours = flag.Int("hours", 1, "in how many hours it starts them")
)

// TestSessionsComeAndGo lets a fleet live under two servers that scrape every
// 15 s, and checks what alerts on cost need: no final cost missed, the real
// limit kept, and nothing kept of what is over.
func TestSessionsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := simapi.New(simapi.Options{Key: exportertest.Key, RateLimit: simapi.RealRateLimit})
		start := time.Now()
		length := time.Duration(*fleetHours) * time.Hour
		longest := min(240, 60**fleetHours) // minutes that a session runs
		plans := make([]simapi.Session, *fleetSize)
		for i := range plans {
			began := start.Add(time.Duration(i) * length / time.Duration(len(plans)))
			plans[i] = simapi.Session{
				ID: exportertest.SessionID(i + 1), StartedAt: began, Timeout: 4 * time.Hour, ProxyBytesPerSecond: 1000,
				StopAt: began.Add(time.Duration(1+i*37%longest)*time.Minute - time.Duration(i%60)*time.Second),
			}
		}
		r := exportertest.New(t, api)
		memoryBefore := heapInUse()
		final := map[string]bool{} // sessions whose cost was exposed after their stop
		exposition, next, peak := "", 0, 0
		for end := start.Add(length + time.Duration(longest+30)*time.Minute); time.Now().Before(end); time.Sleep(25 * time.Second) {
			for next < len(plans) && !plans[next].StartedAt.After(time.Now()) {
				api.Add(plans[next])
				next++
			}
			for range 2 { // the second server is five seconds late
				exposition = r.Scrape()
				peak = max(peak, strings.Count(exposition, "\nbrowseruse_session_"))
				noteStopped(final, exposition)
				time.Sleep(2500 * time.Millisecond)
			}
		}
		if missed := len(plans) - len(final); missed != 0 {
			t.Errorf("the final cost of %d sessions was never exposed", missed)
		}
		exportertest.HasNot(t, exposition, "browseruse_session_up", `browseruse_api_requests_total{code="429"`)
		total := 0
		for _, n := range api.Requests() {
			total += n
		}
		hours := time.Since(start).Hours()
		scrapes := int(hours * 240)
		pages := *fleetSize*longest/2/(*fleetHours*60)/apiclient.PageSize + 2
		if most := scrapes*(pages+1) + 6**fleetSize; total > most {
			t.Errorf("%d requests; want %d at most: pages and account for each scrape, and six readings of each session that ended", total, most)
		}
		t.Logf("%d sessions in %.1f hours, %d scrapes: %.0f requests an hour, at most %d in a window of 5s, %d series of sessions at the peak, heap %d KiB before and %d KiB after",
			len(plans), hours, scrapes, float64(total)/hours, api.BusiestWindow(), peak, memoryBefore>>10, heapInUse()>>10)
	})
}

// noteStopped notes the sessions that an exposition shows as stopped.
func noteStopped(final map[string]bool, exposition string) {
	for line := range strings.Lines(exposition) {
		rest, ok := strings.CutPrefix(line, `browseruse_session_active{agent_session_id="",session_id="`)
		if ok && strings.HasSuffix(rest, "} 0\n") {
			final[rest[:len(exportertest.SessionID(0))]] = true
		}
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
