package browsertest

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
	"browseruse_exporter/web/statuspage"
)

// TestAThousandSessions checks that a refresh and a sort of a large table leave
// the rows in place, and logs how long both take.
func TestAThousandSessions(t *testing.T) {
	r := newRig(t, newAPI(1000))
	r.scrape()
	p := opened(t, r, "/")
	p.wantText("#count", "1,000 shown")
	// What is counted is all but the times that go on.
	p.do(`rows = new Set(document.querySelectorAll("tbody tr")); changes = [];
		new MutationObserver((all) => { for (const { target, type } of all) {
			const cell = (target.closest ? target : target.parentElement).closest("td");
			if (!["Age", "Last read"].includes(cell?.dataset.label) && !(cell?.dataset.label === "Time left" && type === "characterData")) changes.push(target.nodeName + type);
		} }).observe(document.querySelector("#table"), { subtree: true, childList: true, characterData: true, attributes: true })`)
	p.refresh()
	if got := eval[[]string](p, `changes`); len(got) > 0 {
		t.Errorf("a refresh that brings nothing new changed %d things, such as %s", len(got), got[0])
	}
	timed := func(statement string) float64 {
		return eval[float64](p, `(() => { const start = performance.now(); `+statement+`; document.body.offsetHeight; return performance.now() - start; })()`)
	}
	t.Logf("sorted and laid out in %.0f ms", timed(`document.querySelector("th[data-key=cost] button").click()`))
	t.Logf("filtered in %.0f ms", timed(`filter.value = "00007"; filter.dispatchEvent(new Event("input"))`))
	t.Logf("shown again in %.0f ms", timed(`filter.value = ""; filter.dispatchEvent(new Event("input"))`))
	t.Logf("grouped in %.0f ms", timed(`group.value = "agent"; group.dispatchEvent(new Event("change"))`))
	if !eval[bool](p, `[...document.querySelectorAll("tbody tr:not(.group)")].length === 1000 && [...document.querySelectorAll("tbody tr:not(.group)")].every((tr) => rows.has(tr))`) {
		t.Error("rows were made anew to sort, filter or group them")
	}
	p.choose("group", "")
	if got := p.shown(); !strings.HasPrefix(got, "00 99 98 97") {
		t.Errorf("by cost the table begins with %.20q; want the most expensive first", got)
	}
}

// TestHostileMetadata checks that what a session's creator wrote is shown as
// text and does nothing.
func TestHostileMetadata(t *testing.T) {
	r := newRig(t, newHostile())
	r.scrape()
	row := `document.getElementById("s-` + sessionID(31) + `")`
	for name, options := range map[string][]action{"with script": nil, "without script": {noScript()}} {
		t.Run(name, func(t *testing.T) {
			p := open(t, r, "/#filter=%3Cscript%3E&sort=%22%3E%3Cscript%3E", options...)
			p.until("the row", row+` !== null`)
			if options == nil {
				p.refresh()
			}
			if got := eval[string](p, row+`.querySelector("[data-label=team]").textContent`); got != hostileText {
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
	for _, want := range []string{"skip Sessions Exporter Metrics JSON reload ", sessionID(11), "filter active group scroll state session_id agent_session_id age left usd_per_hour"} {
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

// TestWithoutScript checks that the page is whole where no script runs.
func TestWithoutScript(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	plain := open(t, r, "/", noScript())
	plain.wantShown("11 14 21 22 12 04 03 02 01 13")
	plain.wantText("body", "Without JavaScript")
	if !eval[bool](plain, `document.querySelector("#controls").hidden && document.querySelector("thead button") === null`) {
		t.Error("there is something to click on that does nothing")
	}
	opened(t, r, "/").wantSame(plain)
}

// written is what stands on the page, elements and their attributes included, but
// for times, which go on.
const written = `(() => {
	const write = (node) => node.nodeType === Node.TEXT_NODE ? node.data.trim() : "<" + [node.localName,
		...[...node.attributes].map((a) => a.name + "=" + a.value).sort()].join(" ") + ">" + [...node.childNodes].map(write).join("");
	return ["#read", "#health", "#tiles", "#attention", "tbody", "#empty", "#facts", "#failures"].map((selector) => write(document.querySelector(selector))).join("\n")
		.replace(/data-value=\d{4,}\b/g, "").replace(/\d+(d|h|m|s|ms)\b( \d\d(h|m|s))?/g, "0");
})()`

// wantSame checks that the script has drawn what stands on the page without it.
func (p *tab) wantSame(plain *tab) {
	p.t.Helper()
	if without, with := eval[string](plain, written), eval[string](p, written); without != with {
		p.t.Errorf("the page without script is\n%s\nand with it\n%s", without, with)
	}
}

// TestTimes checks each time in the table against the JSON.
func TestTimes(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	sessions := map[string]*statuspage.Session{}
	for _, session := range r.status().Sessions {
		sessions[session.SessionID] = session
	}
	before := time.Now()
	cells := eval[[][]string](open(t, r, "/"), `[...document.querySelectorAll("tbody tr")].flatMap((tr) => [...tr.querySelectorAll("td")].filter((td) => /^-?\d+[dhms]|^ended/.test(td.textContent))
		.map((td) => [tr.id.slice(2), td.dataset.label, td.textContent]))`)
	after := time.Now()
	if len(cells) != 6*3+3 {
		t.Errorf("%d times; want three of each session that was read", len(cells))
	}
	for _, cell := range cells {
		session, label := sessions[cell[0]], cell[1]
		text, ended := strings.CutPrefix(cell[2], "ended ")
		at := map[string]time.Time{"Age": session.StartTimestamp, "Time left": session.TimeoutTimestamp, "Last read": session.ReadTimestamp}[label]
		least, most := before.Sub(at), after.Sub(at)
		switch {
		case ended:
			least, most = before.Sub(session.FinishTimestamp), after.Sub(session.FinishTimestamp)
		case label == "Time left":
			least, most = -most, -least
		case label == "Age" && !session.FinishTimestamp.IsZero():
			least = session.FinishTimestamp.Sub(at)
			most = least
		}
		// A text leaves out what is smaller than its last unit.
		if got, unit := parseDuration(t, text); got > most || got+unit < least {
			t.Errorf("%v says %v; want %v to %v", cell, got, least, most)
		}
	}
}

// parseDuration reads what the page writes, and says in which unit it ends.
func parseDuration(t *testing.T, text string) (d, unit time.Duration) {
	text, _ = strings.CutSuffix(text, " ago")
	text, negative := strings.CutPrefix(text, "-")
	units := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}
	for part := range strings.FieldsSeq(text) {
		n, err := strconv.Atoi(part[:len(part)-1])
		unit = units[part[len(part)-1]]
		if err != nil || unit == 0 {
			t.Fatalf("%q is no duration", text)
		}
		d += time.Duration(n) * unit
	}
	if negative {
		return -d - unit, 2 * unit // cut off towards zero
	}
	return d, unit
}

// TestTheExportersClock checks that times go by the exporter's clock, whatever
// the browser's own is.
func TestTheExportersClock(t *testing.T) {
	var c clock
	c.pass(30 * time.Minute)
	api := simapi.New(simapi.Options{Now: c.now})
	api.Add(simapi.Session{ID: sessionID(1), StartedAt: c.now().Add(-10 * time.Minute)})
	api.Add(simapi.Session{ID: sessionID(2), StartedAt: c.now(), Override: map[string]any{"startedAt": c.now().Add(10 * time.Minute).UTC().Format(time.RFC3339)}})
	r := newRigAt(t, c.now, api, apiclient.Options{})
	r.scrape()
	p := opened(t, r, "/")
	row := `document.getElementById("s-` + sessionID(1) + `").cells`
	p.until("a second that passes", `/^10m (0[1-9]|1\d)s$/.test(`+row+`[3].textContent)`)
	if got := eval[string](p, row+`[4].textContent`); !strings.HasPrefix(got, "49m ") {
		t.Errorf("%s are left; want a little less than 50 minutes", got)
	}
	if got := eval[string](p, `document.getElementById("s-`+sessionID(2)+`").cells[3].textContent`); got != "0s" {
		t.Errorf("a session that starts later by the API's clock is %s old; want 0s", got)
	}
}

// TestBehindAProxy checks that the page works where a proxy serves it at a path
// without a slash at its end.
func TestBehindAProxy(t *testing.T) {
	r := newRig(t, newAPI(1))
	r.scrape()
	p := opened(t, r, proxiedPath+"#sort=cost&order=descending")
	if got := eval[string](p, `getComputedStyle(document.body).margin`); got != "0px" {
		t.Errorf("the body's margin is %s: the page has no style", got)
	}
	r.api.Add(newAPI(2).Sessions()[1])
	r.scrape()
	p.refresh()
	p.wantShown("02 01")
}

// TestStatesGoOn checks that a session that times out is shown as such though
// nothing new has been read.
func TestStatesGoOn(t *testing.T) {
	api := newAPI(0)
	api.Add(simapi.Session{ID: sessionID(1), StartedAt: time.Now().Add(-time.Hour), Timeout: 4 * time.Hour,
		Override: map[string]any{"timeoutAt": time.Now().Add(3*time.Second - 2*time.Minute).UTC().Format(time.RFC3339Nano)}})
	r := newRig(t, api)
	r.scrape()
	p := opened(t, r, "/")
	p.until("the end of its time", `document.querySelector("tbody .state").textContent === "overdue"`)
	p.until("a negative time left", `document.querySelector("tbody tr").cells[4].textContent.startsWith("-")`)
}
