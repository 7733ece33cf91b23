package browsertest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

var screenshots = flag.String("screenshots", "", "write pictures of each state of the page into this directory")

// pictured is how the states of the page come about.
var pictured = map[string]struct {
	path string
	rig  func(t *testing.T) *rig
}{
	"nothing-yet": {"/", func(t *testing.T) *rig { return newRig(t, newAPI(1)) }},
	"empty": {"/", func(t *testing.T) *rig {
		r := newRig(t, newAPI(0))
		r.scrape()
		return r
	}},
	"demo":         {"/", demo},
	"demo-grouped": {"/#sort=cost&order=descending&group=agent", demo},
	"hostile": {"/", func(t *testing.T) *rig {
		r := newRig(t, newHostile())
		r.scrape()
		return r
	}},
	"trouble": {"/", func(t *testing.T) *rig {
		api, missing := newTroubled()
		r := newRig(t, api, missing...)
		r.scrape()
		return r
	}},
	"no-match": {"/#filter=nothing+like+it", demo},
	"down": {"/", func(t *testing.T) *rig {
		r := newRig(t, newAPI(5), sessionID(1), sessionID(2), sessionID(3), sessionID(4), sessionID(5))
		r.net.Refuse(true)
		r.scrape()
		return r
	}},
	"down-known": {"/", func(t *testing.T) *rig {
		r := demo(t)
		r.api.Inject(simapi.Fault{Handler: simapi.Status(500, "")})
		r.scrape()
		return r
	}},
	"down-discovery": {"/", func(t *testing.T) *rig {
		r := newRig(t, newAPI(5))
		r.net.Refuse(true)
		r.scrape()
		return r
	}},
	"rate-limited": {"/", func(t *testing.T) *rig {
		r := newRig(t, newAPI(2), sessionID(1), sessionID(2))
		r.api.Inject(simapi.Fault{Handler: simapi.Status(429, "", "Retry-After", "300")})
		r.scrape()
		return r
	}},
	"projects": {"/", newProjects},
	"thousand": {"/", func(t *testing.T) *rig {
		r := newRig(t, newAPI(1000))
		r.scrape()
		return r
	}},
}

// demo is the project of --demo, after Prometheus has scraped it for a while.
func demo(t *testing.T) *rig {
	var c clock
	r := newRigAt(t, c.now, simapi.NewDemo(c.now), apiclient.Options{MetadataKeys: []string{"team"}, AgentSessions: true})
	for range 12 {
		r.scrape()
		c.pass(time.Minute)
	}
	r.scrape()
	return r
}

// TestScreenshots takes the pictures, if asked to. There is nothing to check but
// by eye.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("without -screenshots")
	}
	for state, test := range pictured {
		t.Run(state, func(t *testing.T) {
			r := test.rig(t)
			for _, look := range []struct {
				name, scheme string
				width        int64
			}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"phone", "light", 390}, {"phone-dark", "dark", 390}, {"768", "light", 768}, {"1024", "light", 1024}, {"wide", "light", 1920}} {
				t.Run(look.name, func(t *testing.T) {
					p := opened(t, r, test.path, scheme(look.scheme), size(look.width, 900))
					p.save(fmt.Sprintf("%s-%s.png", state, look.name), state != "thousand")
				})
			}
		})
	}
	t.Run("noscript", func(t *testing.T) {
		for name, width := range map[string]int64{"light": 1280, "phone": 390} {
			p := open(t, pictured["trouble"].rig(t), "/", noScript(), scheme("light"), size(width, 900))
			p.save("noscript-"+name+".png", true)
		}
	})
	t.Run("scrolled", func(t *testing.T) {
		p := opened(t, pictured["hostile"].rig(t), "/", scheme("light"), size(1024, 900))
		p.do(`document.querySelector(".scroll").scrollLeft = 300`)
		p.save("scrolled.png", true)
	})
	t.Run("gone", func(t *testing.T) {
		r := pictured["trouble"].rig(t)
		p := opened(t, r, "/", scheme("light"))
		r.gone.Store(true)
		p.do(`document.dispatchEvent(new Event("visibilitychange"))`)
		p.until("the notice", `!document.getElementById("offline").hidden`)
		p.save("gone.png", true)
		p.forgive()
	})
}

func (p *tab) save(name string, whole bool) {
	p.t.Helper()
	take := chromedp.CaptureScreenshot()
	if whole {
		take = chromedp.FullScreenshot(100)
	}
	picture, err := chromedp.Run(p.ctx, take)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name), picture, 0o600); err != nil {
		p.t.Fatal(err)
	}
}
