package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"browseruse_exporter/internal/simapi"
)

// heard is a part of the page as a screen reader has it.
type heard struct {
	role, name string
	children   []heard
}

// heard returns the page as a screen reader has it.
func (p *tab) heard() heard {
	p.t.Helper()
	tree, err := chromedp.Run(p.ctx, func(ctx context.Context, target *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		p.t.Fatal(err)
	}
	nodes := map[accessibility.NodeID]*accessibility.Node{}
	for _, node := range tree.Nodes {
		nodes[node.NodeID] = node
	}
	return heard{children: listen(nodes, tree.Nodes[0])}
}

// listen returns a node, or what is below one that is not heard.
func listen(nodes map[accessibility.NodeID]*accessibility.Node, node *accessibility.Node) []heard {
	var children []heard
	for _, id := range node.ChildIDs {
		if child := nodes[id]; child != nil && textOf(child.Role) != "InlineTextBox" { // a line of a text, as it is drawn
			children = append(children, listen(nodes, child)...)
		}
	}
	if node.Ignored {
		return children
	}
	return []heard{{textOf(node.Role), textOf(node.Name), children}}
}

func textOf(value *accessibility.Value) string {
	var text string
	if value != nil {
		_ = json.Unmarshal(value.Value, &text) // other than a text it is nothing to hear
	}
	return text
}

// all returns the parts with one of these roles.
func (h heard) all(roles ...string) []heard {
	var found []heard
	if slices.Contains(roles, h.role) {
		found = append(found, h)
	}
	for _, child := range h.children {
		found = append(found, child.all(roles...)...)
	}
	return found
}

// text is all that is heard of h.
func (h heard) text() string {
	if len(h.children) == 0 {
		return h.name
	}
	var texts []string
	for _, child := range h.children {
		texts = append(texts, child.text())
	}
	return strings.Join(texts, " ")
}

// TestTheTableIsHeardAsOne checks that the table is one for screen readers, with
// each cell in its column, where it is drawn as a table and where as cards.
func TestTheTableIsHeardAsOne(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	for _, width := range []int64{390, 1280} {
		for name, options := range map[string][]action{"with script": {size(width, 800)}, "without script": {size(width, 800), noScript()}} {
			t.Run(fmt.Sprint(width, " ", name), func(t *testing.T) {
				p := open(t, r, "/", options...)
				if name == "with script" {
					p.until("the script has drawn the page", `document.querySelector("#count").textContent !== ""`)
				}
				tables := p.heard().all("table")
				if len(tables) != 1 {
					t.Fatalf("%d tables; want one", len(tables))
				}
				rows := tables[0].all("row")
				if len(rows) != 11 {
					t.Fatalf("%d rows; want a header and 10 sessions", len(rows))
				}
				if got := len(rows[0].all("columnheader")); got != 14 {
					t.Errorf("%d column headers; want 14", got)
				}
				for _, row := range rows[1:] {
					cells := row.all("cell", "gridcell", "rowheader")
					want := 14
					if cells[0].text() == "unreadable" {
						want = 3 // the last one spans the others
					}
					if len(cells) != want || cells[1].role != "rowheader" {
						t.Errorf("%d cells of %q; want %d, the second a header", len(cells), row.text(), want)
					}
				}
				if overdue := rows[1].all("cell"); overdue[1].text() != agentTwo || !strings.HasPrefix(overdue[3].text(), "-3m") || overdue[11].text() != "customer-2" {
					t.Errorf("the overdue session is heard as %q", rows[1].text())
				}
			})
		}
	}
}

// TestSymbolsAreNotHeard checks that what is drawn beside a word is not read out.
func TestSymbolsAreNotHeard(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	for _, width := range []int64{390, 1280} {
		p := opened(t, r, "/#sort=cost&order=descending&group=agent", size(width, 800))
		for _, part := range p.heard().all("StaticText", "button", "columnheader", "rowheader", "cell", "listitem") {
			if strings.ContainsAny(part.name+part.text(), "↕↑↓●■▲▼✕✓⚠") {
				t.Errorf("at %d wide one hears %q", width, part.name+part.text())
			}
		}
	}
}

// TestOnlyWhatIsNewIsSaid checks that a refresh says nothing but what has changed
// in how the exporter fares, and what the reader does is answered.
func TestOnlyWhatIsNewIsSaid(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	p := opened(t, r, "/")
	p.do(`talk = []; new MutationObserver((all) => talk.push(...all.map((one) => one.target.textContent)))
		.observe(document.body, { subtree: true, childList: true, characterData: true });
		live = (node) => node.parentElement?.closest("[aria-live], [role=status], output");
		changes = []; new MutationObserver((all) => { for (const one of all) if (live(one.target.firstChild ?? one.target)) changes.push(one.target.textContent); })
			.observe(document.body, { subtree: true, childList: true, characterData: true })`)
	r.api.Add(newAPI(5).Sessions()[4])
	r.scrape()
	p.refresh()
	p.until("the new session", `count.textContent === "11 shown" && talk.length > 0`)
	if got := eval[[]string](p, `changes`); len(got) > 0 {
		t.Errorf("a refresh says %q; want silence", got)
	}
	r.api.Inject(simapi.Fault{Endpoint: "account", Handler: simapi.Status(500, "")})
	r.scrape()
	p.do(`first = health.firstElementChild; text = first.textContent`)
	p.refresh()
	p.until("the notice", `health.textContent.includes("The account could not be read")`)
	if !eval[bool](p, `[...health.children].some((notice) => notice === first && notice.textContent === text)`) {
		t.Error("the notice that was there has been made anew")
	}
	p.run(chromedp.SendKeys(chromedp.CSS("#filter"), "stopped"))
	p.until("the answer to the reader", `document.getElementById("said").textContent === "1 of 11 shown"`)
}
