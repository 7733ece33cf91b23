package statuspage_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestGoldenProjects has a project in each state, and the page of one of them.
func TestGoldenProjects(t *testing.T) {
	exportertest.Bubble(t, "", func(t *testing.T) {
		apis := map[string]*simapi.Server{}
		for _, name := range []string{"calm", "down", "empty", "ending", "new", "paused"} {
			apis[name] = exportertest.NewAPI(2)
		}
		apis["empty"] = exportertest.NewAPI(0)
		apis["ending"].Add(simapi.Session{ID: exportertest.SessionID(3), StartedAt: time.Now().Add(-55 * time.Minute)})
		s := exportertest.NewSeveral(t, apis, "--no-collector.account") // which of two requests fails first is chance
		s.Configure("calm, account: true", "down", "empty", "ending", "new", "paused")
		time.Sleep(10 * time.Second) // until it is in force
		scrape := func() {
			for name := range apis {
				if name != "new" {
					s.Probe(name)
				}
			}
		}
		scrape()
		time.Sleep(2 * time.Minute)
		s.APIs["down"].SetKey("bu_another")
		s.APIs["paused"].Inject(simapi.Fault{Handler: simapi.Status(429, "", "Retry-After", "300")})
		scrape()
		var indented bytes.Buffer
		if err := json.Indent(&indented, s.Get("/api/v1/projects").Body.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		exportertest.GoldenText(t, "projects.json", indented.String())
		exportertest.GoldenText(t, "projects.html", s.Get("/").Body.String())
		page := s.Get("/?project=calm").Body.String()
		for _, part := range []string{
			"<title>2 active · calm · Browser Use Exporter</title>", "<h1>Browser Use Exporter: calm</h1>", `<a href="?">All projects</a>`,
			`<a href="./probe?project=calm">Metrics</a>`, `<a href="./api/v1/sessions?project=calm">JSON</a>`, `<tr id="s-` + exportertest.SessionID(2) + `"`,
		} {
			if !strings.Contains(page, part) {
				t.Errorf("the page of a project does not have %s", part)
			}
		}
		if got := s.Get("/api/v1/sessions?project=calm").Body.String(); !strings.HasPrefix(got, `{"project":"calm",`) {
			t.Errorf("the JSON of a project begins %.30s", got)
		}
		for _, api := range s.APIs {
			if n := len(api.Requests()); n > 2 {
				t.Errorf("requests of %d kinds", n)
			}
		}
	})
}
