package browsertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"browseruse_exporter/apiclient/apitest"
)

// TestAThousandSessions checks that a refresh and a sort of a large table leave
// the rows in place, and tells how long both take.
func TestAThousandSessions(t *testing.T) {
	r := newRig(t, newAPI(1000))
	r.scrape()
	p := opened(t, r, "/")
	p.wantText("#count", "1000 shown")
	p.do(`rows = new Set(document.querySelectorAll("tbody tr")); changes = 0;
		new MutationObserver((all) => { for (const one of all) changes += one.addedNodes.length + one.removedNodes.length; })
			.observe(document.querySelector("tbody"), { childList: true })`)
	p.refresh()
	if got := eval[int](p, `changes`); got != 0 {
		t.Errorf("a refresh that brings nothing new took %d rows in or out", got)
	}
	timed := func(statement string) float64 {
		return eval[float64](p, `(() => { const start = performance.now(); `+statement+`; document.body.offsetHeight; return performance.now() - start; })()`)
	}
	t.Logf("sorted and laid out in %.0f ms", timed(`document.querySelector("th[data-key=cost] button").click()`))
	t.Logf("filtered in %.0f ms", timed(`filter.value = "00007"; filter.dispatchEvent(new Event("input"))`))
	t.Logf("shown again in %.0f ms", timed(`filter.value = ""; filter.dispatchEvent(new Event("input"))`))
	t.Logf("grouped in %.0f ms", timed(`group.click()`))
	if !eval[bool](p, `[...document.querySelectorAll("tbody tr:not(.group)")].length === 1000 && [...document.querySelectorAll("tbody tr:not(.group)")].every((tr) => rows.has(tr))`) {
		t.Error("rows were made anew to sort, filter or group them")
	}
	p.do(`group.click()`)
	if got := p.shown(); !strings.HasPrefix(got, "00 99 98 97") {
		t.Errorf("by cost the table begins with %.20q; want the dearest first", got)
	}
}

// TestHostileMetadata checks that what a session's creator wrote is shown as
// text and does nothing.
func TestHostileMetadata(t *testing.T) {
	api := newAPI(0)
	hostile := `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>"'><svg/onload=window.pwned=1>`
	api.Add(apitest.Session{ID: sessionID(1), AgentSessionID: `"><script>window.pwned=1</script>`, StartedAt: time.Now(), Metadata: map[string]string{
		"team": hostile, "customer": "javascript:window.pwned=1//\u202e" + strings.Repeat("long", 500),
	}})
	r := newRig(t, api)
	r.scrape()
	for name, options := range map[string][]action{"with script": nil, "without script": {noScript()}} {
		t.Run(name, func(t *testing.T) {
			p := open(t, r, "/#filter=%3Cscript%3E&sort=%22%3E%3Cscript%3E", options...)
			p.until("the row", `document.querySelector("tbody tr") !== null`)
			if options == nil {
				p.refresh()
			}
			if got := eval[string](p, `document.querySelector("tbody tr").cells[10].textContent`); got != hostile {
				t.Errorf("the metadata is shown as %q; want it as it is", got)
			}
			if eval[bool](p, `window.pwned !== undefined || document.querySelector("tbody script, tbody img, tbody svg") !== null`) {
				t.Error("the metadata has become a part of the page")
			}
		})
	}
}

func TestKeyboard(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	p := opened(t, r, "/")
	focus := `(document.activeElement.closest("th")?.dataset.key ?? document.activeElement.id) || document.activeElement.className || document.activeElement.textContent`
	var passed []string
	for range 40 {
		p.run(chromedp.KeyEvent(kb.Tab))
		passed = append(passed, eval[string](p, focus))
		if passed[len(passed)-1] == "cost" {
			break
		}
	}
	order := strings.Join(passed, " ")
	for _, want := range []string{"skip Metrics JSON", sessionID(11), "filter group scroll state session_id agent_session_id age left"} {
		if !strings.Contains(order, want) {
			t.Fatalf("Tab leads through %s; want %s in it", order, want)
		}
	}
	p.run(chromedp.KeyEvent(kb.Enter))
	p.wantShown("11 12 04 03 02 13 01 14 21 22")
	if got := eval[string](p, focus); got != "cost" {
		t.Errorf("after Enter the focus is on %q; want it to stay", got)
	}
	p.run(chromedp.KeyEvent(" "))
	p.wantShown("01 13 02 03 04 12 11 14 21 22")
	p.refresh()
	if got := eval[string](p, focus); got != "cost" {
		t.Errorf("after a refresh the focus is on %q; want it to stay", got)
	}
	if !eval[bool](p, `getComputedStyle(document.activeElement).outlineStyle === "solid"`) {
		t.Error("the focus can't be seen")
	}
	// A link of what to look at first leads to the session's row, filter or not.
	p.do(`filter.value = "qa"; filter.dispatchEvent(new Event("input")); document.querySelector("#attention a").focus()`)
	p.run(chromedp.KeyEvent(kb.Enter))
	if got := eval[string](p, focus); got != "s-"+sessionID(11) {
		t.Errorf("the link leads to %q; want the row of the overdue session", got)
	}
}

// TestWithoutScript checks that the page is whole where no script runs, and that
// the script draws the same.
func TestWithoutScript(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	plain, scripted := open(t, r, "/", noScript()), opened(t, r, "/")
	plain.wantShown("11 14 21 22 12 04 03 02 01 13")
	plain.wantText("body", "Without JavaScript")
	if !eval[bool](plain, `document.querySelector("#controls").hidden && document.querySelector("thead button") === null`) {
		t.Error("there is something to click on that does nothing")
	}
	// Ages go on between the two, so digits before a unit of time are not compared.
	content := `["#health", "#tiles", "#attention", "#facts", "#failures", "#empty", "#read", "tbody"].map((selector) => {
		const node = document.querySelector(selector), texts = [];
		const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
		while (!node.hidden && walker.nextNode()) texts.push(walker.currentNode.data.replace(/\b\d+(\.\d+)?(d|h|m|s|ms|µs)\b/g, "0").trim());
		return selector + ": " + texts.filter((text) => text).join("|");
	}).join("\n")`
	if a, b := eval[string](plain, content), eval[string](scripted, content); a != b {
		t.Errorf("the page without script says\n%s\nand with it\n%s", a, b)
	}
}

func TestNothingIsWiderThanAPhone(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	for _, width := range []int64{320, 375, 768, 1280} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			p := opened(t, r, "/#group=agent", size(width, 800))
			if got := eval[int64](p, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("the page is %d wide in a window of %d", got, width)
			}
			if width > 400 {
				return
			}
			if cut := eval[[]string](p, `[...document.querySelectorAll("main *:not(.unseen)")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + " " + e.textContent.slice(0, 40))`); len(cut) > 0 {
				t.Errorf("cut off: %q", cut)
			}
		})
	}
}

// TestTheExportersClock checks that times go by the exporter's clock, whatever
// the browser's own is.
func TestTheExportersClock(t *testing.T) {
	var c clock
	c.pass(30 * time.Minute)
	api := apitest.New(apitest.Options{Now: c.now})
	api.Add(apitest.Session{ID: sessionID(1), StartedAt: c.now().Add(-10 * time.Minute)})
	r := newRigAt(t, c.now, api, nil)
	r.scrape()
	p := opened(t, r, "/")
	p.until("a second that passes on the page", `/^10m 0[1-9]s$/.test(document.querySelector("tbody tr").cells[3].textContent)`)
	if got := eval[string](p, `document.querySelector("tbody tr").cells[4].textContent`); !strings.HasPrefix(got, "49m 5") {
		t.Errorf("%s are left; want a little less than 50 minutes", got)
	}
}

// TestStatesGoOnByThemselves checks that a session that times out is shown as
// such though nothing new has been read.
func TestStatesGoOnByThemselves(t *testing.T) {
	api := newAPI(0)
	api.Add(apitest.Session{ID: sessionID(1), StartedAt: time.Now().Add(-time.Hour), Timeout: 4 * time.Hour,
		Override: map[string]any{"timeoutAt": time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339Nano)}})
	r := newRig(t, api)
	r.scrape()
	p := opened(t, r, "/")
	r.gone.Store(true) // so no refresh does it
	p.until("the end of its time", `document.querySelector("tbody .state").textContent === "overdue"`)
	p.until("a negative time left", `document.querySelector("tbody tr").cells[4].textContent.startsWith("-")`)
	p.forgive()
}
