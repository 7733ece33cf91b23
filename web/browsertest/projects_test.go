package browsertest

import (
	"fmt"
	"testing"
	"time"

	"browseruse_exporter/internal/simapi"
)

// newProjects is an exporter of one project without trouble, one with an expensive
// session, one that is down and one that is not scraped.
func newProjects(t *testing.T) *rig {
	apis := map[string]*simapi.Server{"calm": newAPI(2), "expensive": newAPI(1), "down": newAPI(1), "new": newAPI(1)}
	apis["expensive"].Add(simapi.Session{ID: sessionID(90), StartedAt: time.Now().Add(-20 * time.Minute), ProxyBytesPerSecond: 10 << 20})
	apis["down"].Inject(simapi.Fault{Handler: simapi.Status(401, "")})
	r := newSeveral(t, apis)
	for _, name := range []string{"calm", "expensive", "down"} {
		r.scrapeAt("/probe?project=" + name)
	}
	return r
}

// rows are the projects, as they stand in the table.
const rows = `[...document.querySelectorAll("#table > tbody > tr")].map((tr) => tr.id.slice(2)).join(" ")`

func (p *tab) wantProjects(want string) {
	p.t.Helper()
	if got := eval[string](p, rows); got != want {
		p.t.Errorf("the projects are %s; want %s", got, want)
	}
}

// TestProjects sorts and filters them, follows one, and goes back.
func TestProjects(t *testing.T) {
	r := newProjects(t)
	p := opened(t, r, "/")
	p.wantProjects("down expensive new calm")
	p.sortBy("project")
	p.wantProjects("calm down expensive new")
	p.do(`const filter = document.getElementById("filter"); filter.value = "expens"; filter.dispatchEvent(new Event("input"))`)
	p.wantProjects("expensive")
	r.scrapeAt("/probe?project=new")
	p.refresh()
	p.wantProjects("expensive")
	p.do(`document.querySelector("#p-expensive a").click()`)
	p.until("the project's page is there", `document.querySelector("h1")?.textContent.endsWith(": expensive") === true && document.querySelector("#count").textContent === "2 shown"`)
	p.refresh()
	p.until("it is still the project's", `document.querySelectorAll("#table > tbody > tr").length === 2`)
	p.do(`document.querySelector("nav a").click()`)
	p.until("the list is there again", `document.querySelectorAll("#table > tbody > tr").length === 4`)
}

// TestProjectsAreReadable in all sizes and colors.
func TestProjectsAreReadable(t *testing.T) {
	r := newProjects(t)
	for _, width := range []int64{320, 390, 768, 1280} {
		for _, colors := range []string{"light", "dark"} {
			t.Run(fmt.Sprint(width, " ", colors), func(t *testing.T) {
				p := opened(t, r, "/", size(width, 800), scheme(colors))
				if got := eval[int64](p, `document.documentElement.scrollWidth`); got > width {
					t.Errorf("the page is %d wide", got)
				}
				if low := eval[[]string](p, contrast); len(low) > 0 {
					t.Errorf("hard to read: %q", low)
				}
				if small := eval[[]string](p, tooSmall); width <= 720 && len(small) > 0 {
					t.Errorf("too small to touch: %q", small)
				}
			})
		}
	}
}

// tooSmall lists what a finger would miss.
const tooSmall = `[...document.querySelectorAll("a, button, #controls input, #controls select, summary, label.check")].filter((e) => !e.matches(".skip, label input")
	&& e.getBoundingClientRect().height < 24).map((e) => e.textContent + e.id + e.getBoundingClientRect().height)`
