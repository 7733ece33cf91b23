package browsertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"browseruse_exporter/apiclient/apitest"
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
func (p *tab) sortBy(key string) {
	p.t.Helper()
	p.run(chromedp.Click(chromedp.CSS(`th[data-key="` + key + `"] button`)))
}

func TestSort(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	p := opened(t, r, "/")
	p.wantShown("11 14 21 22 12 04 03 02 01 13") // what needs attention first
	for _, test := range []struct{ key, first, second string }{
		{"session_id", "01 02 03 04 11 12 13 14 21 22", "22 21 14 13 12 11 04 03 02 01"},
		{"cost", "11 12 04 03 02 13 01 14 21 22", "01 13 02 03 04 12 11 14 21 22"}, // unreadable ones go last in both
		{"left", "11 12 04 03 02 01 14 21 22 13", "01 02 03 04 12 11 14 21 22 13"},
		{"info", "04 03 02 01 13 11 12 14 21 22", "12 11 13 04 03 02 01 14 21 22"},
	} {
		p.sortBy(test.key)
		p.wantShown(test.first)
		p.sortBy(test.key)
		p.wantShown(test.second)
		p.sortBy(test.key)
		p.wantShown("11 14 21 22 12 04 03 02 01 13")
	}
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
			p.wantText("#empty", "No session matches")
		}
	}
}

func TestGroup(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	p := opened(t, r, "/")
	p.run(chromedp.Click(chromedp.CSS("#group")))
	groups := eval[[]string](p, `[...document.querySelectorAll("tr.group > th")].map((th) => th.textContent)`)
	want := []string{agentTwo + " 2 sessions, 2 active", "Unreadable 3 sessions, 0 active", agentOne + " 2 sessions, 2 active", "No agent session 3 sessions, 2 active"}
	if !slices.Equal(groups, want) {
		t.Errorf("groups %q; want %q", groups, want)
	}
	sums := eval[bool](p, `[...document.querySelectorAll("tr.group")].every((group) => [1, 2, 3, 4].every((column) => {
		let sum = 0;
		for (let tr = group.nextElementSibling; tr && !tr.matches(".group"); tr = tr.nextElementSibling)
			sum += Number((tr.cells[column + 4]?.textContent ?? "0").replace(/[$,]/g, ""));
		const shown = Number(group.cells[column].textContent.replace(/[$,]/g, ""));
		return Math.abs(sum - shown) < 0.11;
	}))`)
	if !sums {
		t.Error("the sums of a group are not those of its sessions")
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
	r.api.Add(apitest.Session{ID: sessionID(81), StartedAt: r.api.Sessions()[0].StartedAt, Metadata: map[string]string{"team": "crawler"}})
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
		"the deleted one up": `document.getElementById("s-` + sessionID(80) + `").innerText.includes("deleted")`,
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
		p.wantText("#attention", "2 sessions are unreadable")
		p.wantText("#tiles", "Active now\n–")
		p.wantText("#failures", "browsers 3 ×")
		r.net.Refuse(false)
		r.scrape()
		p.refresh()
		p.wantText("#health", "The API answers")
		p.wantText("#tiles", "Active now\n2")
	})
	t.Run("a rate limit", func(t *testing.T) {
		r := newRig(t, newAPI(2), sessionID(1))
		r.api.Inject(apitest.Fault{Handler: apitest.Status(429, "", "Retry-After", "300")})
		r.scrape()
		p := opened(t, r, "/")
		p.wantText("#health", "Rate limited: the API wants no request until")
		p.wantText("#health", "5m from now")
		p.wantText("#facts", "Pause after a 429\nuntil")
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
