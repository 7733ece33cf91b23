package browsertest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
	"browseruse_exporter/web/statuspage"
)

// shown returns the last digits of the session IDs in the table, in its order.
func (p *tab) shown() string {
	p.t.Helper()
	ids := eval[[]string](p, `[...document.querySelectorAll("tbody tr:not(.group) > th")].map((th) => th.textContent.slice(-2))`)
	return strings.Join(ids, " ")
}

func (p *tab) wantShown(want string) {
	p.t.Helper()
	if got := p.shown(); got != want {
		p.t.Errorf("the table shows %q; want %q", got, want)
	}
}

func (p *tab) wantText(selector, want string) {
	p.t.Helper()
	if got := p.text(selector); !strings.Contains(got, want) {
		p.t.Errorf("%s says %q; want %q in it", selector, got, want)
	}
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, `document.querySelector("`+selector+`").innerText`)
}

// sortBy clicks on the header of a column.
func (p *tab) sortBy(column string) {
	p.t.Helper()
	p.run(chromedp.Click(chromedp.CSS(`th:is([data-key="` + column + `"], [data-label="` + column + `"]) button`)))
}

func TestSort(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	p := opened(t, r, "/")
	const byItself = "11 14 21 22 12 04 03 02 01 13" // what needs attention first
	p.wantShown(byItself)
	// What has no value goes last in both orders, what is alike stays as it was.
	for _, test := range []struct{ column, first, second string }{
		{"state", byItself, "13 04 03 02 01 12 14 21 22 11"},
		{"session_id", "01 02 03 04 11 12 13 14 21 22", "22 21 14 13 12 11 04 03 02 01"},
		{"agent_session_id", "04 02 11 12 14 21 22 03 01 13", "11 12 04 02 14 21 22 03 01 13"},
		{"age", "11 12 13 04 03 02 01 14 21 22", "01 02 03 04 13 12 11 14 21 22"},
		{"left", "11 12 04 03 02 01 14 21 22 13", "01 02 03 04 12 11 14 21 22 13"},
		{"usd_per_hour", byItself, byItself}, // nothing is known after one reading
		{"proxy_megabytes_per_minute", byItself, byItself},
		{"proxy_used_megabytes", "11 12 04 03 02 01 13 14 21 22", "13 01 02 03 04 12 11 14 21 22"},
		{"proxy_cost_usd", "11 12 04 03 02 01 13 14 21 22", "13 01 02 03 04 12 11 14 21 22"},
		{"browser_cost_usd", "11 12 13 04 03 02 01 14 21 22", "04 03 02 01 13 12 11 14 21 22"},
		{"cost", "11 12 04 03 02 13 01 14 21 22", "01 13 02 03 04 12 11 14 21 22"},
		{"read", p.byReading(r, -1), p.byReading(r, 1)},
		{"metadata_team", "04 03 02 01 13 11 12 14 21 22", "12 11 13 04 03 02 01 14 21 22"},
		{"metadata_customer", byItself, byItself}, // one session has it
	} {
		p.sortBy(test.column)
		p.wantShown(test.first)
		p.sortBy(test.column)
		p.wantShown(test.second)
		p.sortBy(test.column)
		p.wantShown(byItself)
	}
	if got := eval[int](p, `document.querySelectorAll("thead button").length`); got != 14 {
		t.Errorf("there are %d columns; want each to be tried", got)
	}
}

// TestSortAgents checks that the agent sessions are sorted apart from the sessions, and
// stay so.
func TestSortAgents(t *testing.T) {
	api, now := newAPI(2), time.Now()
	id := func(n int) string { return agentOne[:len(agentOne)-2] + fmt.Sprintf("%02d", n) }
	api.AddAgents(
		simapi.AgentSession{ID: id(1), Model: "slow", CreatedAt: now.Add(-time.Minute), TokensPerSecond: 10},
		simapi.AgentSession{ID: id(2), Model: "fast", CreatedAt: now.Add(-2 * time.Minute), TokensPerSecond: 1000},
		simapi.AgentSession{ID: id(3), Model: "fast", CreatedAt: now.Add(-3 * time.Minute), TokensPerSecond: 100},
		simapi.AgentSession{ID: id(4), Model: "slow", CreatedAt: now.Add(-30 * time.Minute), TokensPerSecond: 1000, MaxCost: 1.5},
		simapi.AgentSession{ID: id(5), CreatedAt: now.Add(-4 * time.Minute), Override: map[string]any{"llmCostUsd": nil, "totalCostUsd": nil}},
	)
	r := newRigAt(t, time.Now, api, apiclient.Options{AgentSessions: true})
	r.scrape()
	p := opened(t, r, "/")
	ids := func(table string) string {
		return strings.Join(eval[[]string](p, `[...document.querySelectorAll("#`+table+` > tbody th")].map((th) => th.textContent.slice(-2))`), " ")
	}
	const byItself = "04 02 03 01 05"
	for _, test := range []struct{ column, first, second string }{
		{"state", byItself, "02 03 01 05 04"}, // the budget of 04 is low
		{"agent_session_id", "01 02 03 04 05", "05 04 03 02 01"},
		{"age", "04 05 03 02 01", "01 02 03 05 04"},
		{"input_tokens", "04 02 03 01 05", "05 01 03 02 04"},
		{"llm_cost_usd", "04 02 03 01 05", "01 03 02 04 05"}, // what is not known goes last
		{"total_cost_usd", "04 02 03 01 05", "01 03 02 04 05"},
		{"browsers", "04 02 03 05 01", "01 04 02 03 05"},
	} {
		for _, want := range []string{test.first, test.second, byItself} {
			p.run(chromedp.Click(chromedp.CSS(`#agents th[data-key="` + test.column + `"] button`)))
			if got := ids("agents"); got != want {
				t.Errorf("by %s the agent sessions are %s; want %s", test.column, got, want)
			}
		}
	}
	p.sortBy("session_id")
	p.run(chromedp.Click(chromedp.CSS(`#agents th[data-key="age"] button`)))
	p.refresh()
	p.run(chromedp.Reload())
	p.until("the script has drawn the page again", `document.querySelector("#count").textContent !== ""`)
	if got, want := ids("agents")+", "+ids("table"), "04 05 03 02 01, 01 02"; got != want {
		t.Errorf("after a reload the page has %s; want %s", got, want)
	}
	p.do(`document.querySelector("#agents td a").click()`)
	if got := eval[string](p, `document.activeElement.id`); got != "s-"+sessionID(2) {
		t.Errorf("the link to a browser leads to %q", got)
	}
}

// byReading is the order of the sessions by when they were read, which no test
// knows beforehand.
func (p *tab) byReading(r *rig, sign int) string {
	var read, unread []*statuspage.Session
	for _, s := range r.status().Sessions {
		if s.Up {
			read = append(read, s)
		} else {
			unread = append(unread, s)
		}
	}
	slices.SortStableFunc(read, func(a, b *statuspage.Session) int {
		return sign * cmp.Compare(a.ReadTimestamp.UnixMilli(), b.ReadTimestamp.UnixMilli())
	})
	ids := make([]string, 0, len(read)+len(unread))
	for _, s := range append(read, unread...) {
		ids = append(ids, s.SessionID[len(s.SessionID)-2:])
	}
	return strings.Join(ids, " ")
}

func TestFilter(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	p := opened(t, r, "/")
	for filter, want := range map[string]string{
		"000003":             "03",
		agentTwo:             "11 12",
		"RESEARCH":           "11",
		"stopped":            "13",
		"another project":    "21 22",
		"crawler aaaaaaaa":   "04 02", // each word
		"no such text":       "",
		"  ":                 "11 14 21 22 12 04 03 02 01 13",
		"unreadable invalid": "14",
	} {
		p.do(`filter.value = "` + filter + `"; filter.dispatchEvent(new Event("input"))`)
		p.wantShown(want)
		if want == "" {
			p.wantText("#no-match", "No session matches")
		}
	}
}

// choose picks an option.
func (p *tab) choose(id, value string) {
	p.t.Helper()
	p.do(id + `.value = "` + value + `"; ` + id + `.dispatchEvent(new Event("change"))`)
}

func TestGroup(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	p := opened(t, r, "/")
	p.choose("group", "agent")
	groups := eval[[]string](p, `[...document.querySelectorAll("tr.group > th")].map((th) => th.textContent)`)
	want := []string{agentTwo + " 2 sessions, 2 active", "Unreadable 3 sessions, 0 active", agentOne + " 2 sessions, 2 active", "No agent session 3 sessions, 2 active"}
	if !slices.Equal(groups, want) {
		t.Errorf("groups %q; want %q", groups, want)
	}
	sums := eval[bool](p, `[...document.querySelectorAll("tr.group")].every((group) => [1, 2, 3, 4, 5, 6].every((column) => {
		let sum = 0, rounded = 1;
		for (let tr = group.nextElementSibling; tr && tr.className !== "group"; tr = tr.nextElementSibling, rounded++)
			sum += Number((tr.cells[column + 4]?.textContent ?? "0").replace(/[$,–]/g, ""));
		const shown = Number(group.cells[column].textContent.replace(/[$,–]/g, ""));
		return Math.abs(sum - shown) <= rounded * ([2, 3].includes(column) ? 0.05 : 0.005) + 1e-9;
	}))`)
	if !sums {
		t.Error("the sums of a group are not those of its sessions")
	}
	p.choose("group", "metadata_team")
	groups = eval[[]string](p, `[...document.querySelectorAll("tr.group > th")].map((th) => th.textContent)`)
	want = []string{"research 1 session, 1 active", "Unreadable 3 sessions, 0 active", "support 1 session, 1 active", "crawler 4 sessions, 4 active", "qa 1 session, 0 active"}
	if !slices.Equal(groups, want) {
		t.Errorf("teams %q; want %q", groups, want)
	}
	p.choose("group", "")
	p.run(chromedp.Click(chromedp.CSS("#active")))
	p.wantShown("11 14 21 22 12 04 03 02 01")
}

// TestTheAddressKeepsTheView presses the links that lead to parts of the page, and
// Reload.
func TestTheAddressKeepsTheView(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	const view = "#sort=cost&order=descending&filter=unreadable&group=agent"
	for name, press := range map[string]func(p *tab){
		"skip":     func(p *tab) { p.run(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)) },
		"Sessions": func(p *tab) { p.run(chromedp.Click(chromedp.CSS(`nav a[href="#sessions"]`))) },
		"Exporter": func(p *tab) { p.run(chromedp.Click(chromedp.CSS(`nav a[href="#exporter"]`))) },
		"Reload": func(p *tab) {
			p.do(`before = true`)
			p.run(chromedp.Click(chromedp.CSS("#reload")))
			p.until("the reload", `window.before === undefined && document.querySelector("#count")?.textContent > ""`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := opened(t, r, "/"+view)
			press(p)
			p.until("the address of the view", `location.hash === "`+view+`"`)
			p.wantShown("14 21 22")
			if got := eval[string](p, `filter.value + group.value + document.querySelector("th[aria-sort=descending]").dataset.key`); got != "unreadableagentcost" {
				t.Errorf("the view is %s", got)
			}
		})
	}
	p := opened(t, r, "/"+view)
	p.do(`location.hash = "#s-` + sessionID(13) + `"`)
	p.until("the session that the address names", `document.activeElement.id === "s-`+sessionID(13)+`"`)
	p.do(`location.hash = "#filter=qa"`)
	p.until("another view", `filter.value === "qa"`)
	p.wantShown("13")
}

// TestRefreshKeepsWhatToLookAt checks that what is selected or focused among what
// to look at stays so.
func TestRefreshKeepsWhatToLookAt(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	p := opened(t, r, "/")
	p.do(`link = (key, n) => document.querySelector('[data-key="' + key + ' "]').querySelectorAll("a")[n];
		kept = link("most_expensive", 1); getSelection().selectAllChildren(kept); link("running_long", 0).focus()`)
	r.api.Add(simapi.Session{ID: sessionID(40), StartedAt: time.Now().Add(-2 * time.Hour), Timeout: 4 * time.Hour, ProxyBytesPerSecond: 2 << 20})
	r.scrape()
	p.refresh()
	p.until("the most expensive one", `link("most_expensive", 0).textContent === "`+sessionID(40)+`"`)
	if got := eval[string](p, `kept.isConnected && getSelection().toString()`); got != sessionID(12) {
		t.Errorf("%q is selected; want it to stay %s", got, sessionID(12))
	}
	if got := eval[string](p, `document.activeElement.textContent`); got != sessionID(11) {
		t.Errorf("the focus is on %q; want it to stay on %s", got, sessionID(11))
	}
	r.api.Stop(sessionID(11)) // it is overdue in this project all the same, so it is deleted
	r.api.Delete(sessionID(11))
	r.scrape()
	p.refresh()
	p.until("the end of it", `!document.querySelector("#attention").textContent.includes("past the timeout")`)
	if got := eval[string](p, `document.activeElement.closest("[data-key] > ul > li")?.parentElement.parentElement.dataset.key ?? document.activeElement.tagName`); got != "running_long " {
		t.Errorf("the focus is in %q; want it near where it was", got)
	}
}

// TestRefreshKeepsTheView checks that what is new comes in, while everything
// that the reader has set stays.
func TestRefreshKeepsTheView(t *testing.T) {
	r := newRig(t, newAPI(80))
	r.scrape()
	p := opened(t, r, "/", size(900, 500))
	p.sortBy("session_id")
	p.run(chromedp.SendKeys(chromedp.CSS("#filter"), "0000-4000"))
	p.do(`rows = [...document.querySelectorAll("tbody tr")]; rows[45].scrollIntoView({ block: "center" }); place = rows[45].getBoundingClientRect().top; getSelection().selectAllChildren(rows[40].cells[1])`)
	r.api.Stop(sessionID(1))
	r.api.Delete(sessionID(80))
	r.api.Add(simapi.Session{ID: sessionID(81), StartedAt: r.api.Sessions()[0].StartedAt, Metadata: map[string]string{"team": "crawler"}})
	r.scrape()
	p.refresh()
	p.until("the stopped session", `document.getElementById("s-`+sessionID(1)+`").innerText.startsWith("stopped")`)
	for what, expression := range map[string]string{
		"the order":          `document.querySelector("th[aria-sort=ascending]")?.dataset.key === "session_id"`,
		"the first row":      `document.querySelector("tbody tr") === rows[0]`,
		"every row":          `rows.every((tr) => tr.isConnected)`,
		"the filter":         `filter.value === "0000-4000"`,
		"the focus":          `document.activeElement === filter`,
		"the scroll":         `place > 0 && place < innerHeight && Math.abs(rows[45].getBoundingClientRect().top - place) < 2`,
		"the selection":      `getSelection().toString() === rows[40].cells[1].textContent`,
		"the new session":    `document.getElementById("s-` + sessionID(81) + `") !== null`,
		"the address":        `location.hash === "#sort=session_id&order=ascending&filter=0000-4000"`,
		"the deleted one up": `document.getElementById("s-` + sessionID(80) + `").innerText.includes("UTC, not found")`,
	} {
		if !eval[bool](p, expression) {
			t.Errorf("%s is lost", what)
		}
	}
	p.run(chromedp.Reload())
	p.until("the script has drawn the page again", `document.querySelector("#count").textContent !== ""`)
	if got := eval[string](p, `filter.value + document.querySelector("th[aria-sort]").dataset.key`); got != "0000-4000session_id" {
		t.Errorf("after a reload the view is %q", got)
	}
}

func TestStates(t *testing.T) {
	t.Run("before the first scrape", func(t *testing.T) {
		r := newRig(t, newAPI(1))
		p := opened(t, r, "/")
		p.wantText("#health", "No scrape yet")
		p.wantText("#empty", "/metrics")
		if got := r.api.Requests(); len(got) != 0 {
			t.Errorf("requests to the API: %v; want none", got)
		}
	})
	t.Run("an empty project", func(t *testing.T) {
		r := newRig(t, newAPI(0))
		r.scrape()
		p := opened(t, r, "/")
		p.wantText("#health", "The API answers")
		p.wantText("#empty", "No session")
		p.wantText("#attention", "Nothing")
		p.wantText("#tiles", "Active now\n0")
	})
	t.Run("an API that is down", func(t *testing.T) {
		r := newRig(t, newAPI(2), sessionID(1), sessionID(2))
		r.net.Refuse(true)
		r.scrape()
		p := opened(t, r, "/")
		p.wantText("#health", "can't be reached")
		p.wantText("#attention", "Not known: the API gave no usable answer.")
		p.wantText("#table", "never read")
		p.wantText("#tiles", "Active now\n–")
		p.wantText("#failures", "Endpoint browsers: 3 failures, the last")
		r.net.Refuse(false)
		r.scrape()
		p.refresh()
		p.wantText("#health", "The API answers")
		p.wantText("#tiles", "Active now\n2")
		at := r.status().Reading.StartTimestamp
		r.api.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		r.scrape()
		p.refresh()
		p.wantText("#tiles", "Active now\n2")
		p.wantText("#health", "What is grey was read before that")
		p.wantText("#s-"+sessionID(2), "was active")
		p.wantText("#s-"+sessionID(2), at.UTC().Format("15:04"))
		p.wantText("#attention", "Most expensive when they were read last")
	})
	// With no IDs given, nothing is known while the list can't be read.
	for name, test := range map[string]struct {
		breakage func(r *rig)
		want     string
	}{
		"nothing read yet, and no IDs":    {func(*rig) {}, "Not known: nothing has been read yet."},
		"an API that is down, and no IDs": {func(r *rig) { r.net.Refuse(true); r.scrape() }, "Not known: the API gave no usable answer."},
		"a list that fails, and no IDs":   {func(r *rig) { r.failList(); r.scrape() }, "Not known: the list of active sessions could not be read whole."},
		"nothing active, and all well":    {func(r *rig) { r.api.Delete(sessionID(1)); r.scrape() }, "Nothing: no session is active, and none is unreadable."},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, newAPI(1))
			test.breakage(r)
			plain, p := open(t, r, "/", noScript()), opened(t, r, "/")
			p.wantText("#attention", test.want)
			plain.wantText("#attention", test.want)
			p.wantSame(plain)
			if got := eval[bool](p, `document.title.includes("1 active")`); got {
				t.Error("the title has a number that is not known")
			}
		})
	}
	t.Run("a rate limit", func(t *testing.T) {
		r := newRig(t, newAPI(2), sessionID(1))
		r.api.Inject(simapi.Fault{Handler: simapi.Status(429, "", "Retry-After", "300")})
		r.scrape()
		p := opened(t, r, "/")
		p.wantText("#health", "Rate limited. The API wants no request until")
		p.wantText("#facts", "left until")
	})
	t.Run("a wrong key", func(t *testing.T) {
		r := newRig(t, newAPI(1))
		r.api.SetKey("another")
		r.scrape()
		p := opened(t, r, "/")
		p.wantText("#health", "the other region")
	})
	t.Run("an exporter that is gone", func(t *testing.T) {
		r := newRig(t, newAPI(1))
		r.scrape()
		p := opened(t, r, "/")
		r.gone.Store(true)
		p.do(`document.dispatchEvent(new Event("visibilitychange"))`)
		p.until("the notice", `!document.getElementById("offline").hidden`)
		p.wantText("#offline", "does not answer since")
		p.wantShown("01") // old, and said to be
		r.gone.Store(false)
		p.refresh()
		p.until("the end of the notice", `document.getElementById("offline").hidden`)
		p.forgive()
	})
}
