package browsertest

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// newUnruly returns the exporter of a project in which everything is that a page
// could break by.
func newUnruly(t *testing.T) *rig {
	r := newRig(t, newHostile(), sessionID(21))
	r.scrape()
	return r
}

// TestNothingIsWiderThanTheWindow checks that what does not fit is in the table,
// which scrolls, and on a phone nowhere.
func TestNothingIsWiderThanTheWindow(t *testing.T) {
	api, missing := newTroubled()
	troubled := newRig(t, api, missing...)
	troubled.scrape()
	for name, r := range map[string]*rig{"troubled": troubled, "hostile": newUnruly(t)} {
		for _, width := range []int64{320, 375, 390, 768, 1280} {
			t.Run(fmt.Sprint(name, " ", width), func(t *testing.T) {
				p := opened(t, r, "/#group=agent", size(width, 800))
				if got := eval[int64](p, `document.documentElement.scrollWidth`); got > width {
					t.Errorf("the page is %d wide in a window of %d", got, width)
				}
				if width > 720 {
					return
				}
				if cut := eval[[]string](p, `[...document.querySelectorAll("main *:not(.unseen)")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + " " + e.textContent.slice(0, 40))`); len(cut) > 0 {
					t.Errorf("cut off: %q", cut)
				}
				if got := eval[float64](p, `Math.max(...[...document.querySelectorAll("tbody tr")].map((tr) => tr.offsetHeight))`); got > 500 {
					t.Errorf("a card is %v high; want no more than a phone", got)
				}
				if small := eval[[]string](p, tooSmall); len(small) > 0 {
					t.Errorf("too small to touch: %q", small)
				}
			})
		}
	}
}

// TestTilesLeaveNoHole checks that each line of tiles is full.
func TestTilesLeaveNoHole(t *testing.T) {
	r := newRig(t, newAPI(1))
	r.scrape()
	p := opened(t, r, "/")
	for _, width := range []int64{320, 560, 721, 800, 1024, 1099, 1101, 1280, 1920} {
		p.run(size(width, 800))
		if !eval[bool](p, `(() => {
			const box = tiles.getBoundingClientRect(), all = [...tiles.children].map((tile) => tile.getBoundingClientRect());
			return all.filter((tile) => tile.top === all.at(-1).top).at(-1).right > box.right - 3;
		})()`) {
			t.Errorf("at %d wide the last line of tiles is not full", width)
		}
	}
}

// TestWhyIsInView checks that one can read why a session is unreadable, wherever
// the table is scrolled to, and whose row one looks at.
func TestWhyIsInView(t *testing.T) {
	r := newUnruly(t)
	for _, width := range []int64{390, 768, 1280} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			p := opened(t, r, "/", size(width, 800))
			for range 2 {
				if bad := eval[[]string](p, `(() => {
					const box = document.querySelector(".scroll").getBoundingClientRect();
					return [...document.querySelectorAll(".why p")].filter((why) => {
						const text = why.getBoundingClientRect(), id = why.closest("tr").cells[1].getBoundingClientRect();
						const beside = text.left >= id.right - 1, below = text.top >= id.bottom - 1;
						return text.left < box.left || text.right > box.right + 1 || !beside && !below || id.left < box.left;
					}).map((why) => why.textContent);
				})()`); len(bad) > 0 {
					t.Errorf("not in view: %q", bad)
				}
				p.do(`document.querySelector(".scroll").scrollLeft = 200`)
			}
			p.wantText("#s-"+sessionID(33)+" .why", "proxyCost: not a number")
		})
	}
}

// TestTheHeaderStays checks that a long table has its header and what is below
// it at hand.
func TestTheHeaderStays(t *testing.T) {
	r := newRig(t, newAPI(200))
	r.scrape()
	p := opened(t, r, "/")
	p.sortBy("session_id")
	p.run(chromedp.Click(chromedp.CSS(`#attention a[href="#s-` + sessionID(200) + `"]`))) // the last row now
	if !eval[bool](p, `(() => {
		const header = document.querySelector("thead th").getBoundingClientRect(), row = document.activeElement.getBoundingClientRect();
		return document.activeElement.matches("tbody tr:last-child") && header.top >= 0 && row.top >= header.bottom && row.bottom <= innerHeight + 1;
	})()`) {
		t.Error("the header or the row is out of sight")
	}
	if got := eval[int64](p, `document.documentElement.scrollHeight`); got > 3000 {
		t.Errorf("the page is %d high: the table does not scroll in its box", got)
	}
}
