package deploy

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"browseruse_exporter/internal/simapi"
)

// projects is an exporter of several projects, each with a simulated API and a key.
type projects struct {
	apis    map[string]*simapi.Server
	urls    map[string]string
	config  string
	address string
}

func startProjects(t *testing.T, names ...string) *projects {
	t.Helper()
	p := &projects{apis: map[string]*simapi.Server{}, urls: map[string]string{}, config: filepath.Join(t.TempDir(), "projects.yml")}
	for _, name := range names {
		api := simapi.New(simapi.Options{Key: "bu_" + name})
		api.Add(simapi.Session{StartedAt: time.Now().Add(-time.Minute), ProxyBytesPerSecond: 1 << 10})
		server := httptest.NewServer(api)
		t.Cleanup(server.Close)
		p.apis[name], p.urls[name] = api, server.URL
		if err := os.WriteFile(filepath.Join(filepath.Dir(p.config), name), []byte("bu_"+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.configure(t, names...)
	p.address = startExporter(t, "--config.file="+p.config)
	return p
}

func (p *projects) configure(t *testing.T, names ...string) {
	t.Helper()
	text := "projects:\n"
	for _, name := range names {
		text += fmt.Sprintf("  - {name: %s, api_url: '%s/api/v3', api_key_file: %s}\n", name, p.urls[name], name)
	}
	if err := os.WriteFile(p.config+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.config+".new", p.config); err != nil {
		t.Fatal(err)
	}
}

// discover starts a Prometheus that discovers the projects, with what is shipped.
func (p *projects) discover(t *testing.T) promv1.API {
	t.Helper()
	rules, err := filepath.Abs("prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	self := freeAddress(t)
	return startPrometheus(t, self, adapted(t, "prometheus/projects.yml", map[string]string{
		"_interval: 30s":      "_interval: 1s",
		"scrape_timeout: 10s": "scrape_timeout: 1s",
		"- rules.yml":         "- " + rules,
		"localhost:9090":      self,
		"localhost:9093":      freeAddress(t),
		"localhost:10042":     p.address,
	}))
}

// TestPrometheusDiscoversProjects and scrapes each, while the API of one hangs, one
// has a bad key and one is asked to pause. None of that touches the others.
func TestPrometheusDiscoversProjects(t *testing.T) {
	t.Parallel()
	p := startProjects(t, "good", "hangs", "refuses", "pauses")
	prometheus := p.discover(t)
	has := func(expr string) func() bool { return func() bool { return len(query(t, prometheus, expr)) > 0 } }
	eventually(t, "four projects", has(`count by (job) (browseruse_up{job="browseruse"} == 1) == 4 and count by (job) (up{job="browseruse"} == 1) == 4`))
	eventually(t, "the exporter's own metrics", has(`browseruse_config_last_reload_successful{job="exporter"} == 1 and on () go_goroutines{job="exporter"}`))
	for _, sample := range query(t, prometheus, `browseruse_sessions{job="browseruse",state="active"}`) {
		if project := string(sample.Metric["project"]); p.apis[project] == nil || string(sample.Metric["instance"]) != p.address || sample.Value != 1 {
			t.Errorf("a series of %v has the value %v", sample.Metric, sample.Value)
		}
	}
	if found := query(t, prometheus, `{__name__=~"browseruse_.*",job="exporter",__name__!~"browseruse_(config|exporter)_.*"}`); len(found) > 0 {
		t.Errorf("series of projects at /metrics: %v", found)
	}

	p.apis["hangs"].Inject(simapi.Fault{Handler: simapi.Hang()})
	p.apis["refuses"].SetKey("bu_another")
	remove := p.apis["pauses"].Inject(simapi.Fault{Handler: simapi.Status(429, "", "Retry-After", "5")})
	eventually(t, "three projects to be down", has(`count by (job) (browseruse_up == 0) == 3`))
	eventually(t, "a while of trouble", has(`sum_over_time(browseruse_up{project="good"}[15s]) >= 10 and min_over_time(browseruse_up{project="good"}[15s]) == 1
		and on () count(max_over_time(browseruse_up{project!="good"}[10s]) == 0) == 3`))
	for what, expr := range map[string]string{
		"a scrape failed":                     `min_over_time(up{job="browseruse"}[1m]) == 0`,
		"the good project failed once":        `min_over_time(browseruse_up{project="good"}[1m]) == 0`,
		"another project than that is paused": `browseruse_api_hold_until_timestamp_seconds{project!="pauses"}`,
		"another project than that times out": `browseruse_api_request_failures_total{project!="hangs",reason="timeout"} > 0`,
		"another project than that is denied": `browseruse_api_request_failures_total{project!="refuses",reason="unauthorized"} > 0`,
	} {
		if found := query(t, prometheus, expr); len(found) > 0 {
			t.Errorf("%s: %v", what, found)
		}
	}

	remove()
	p.apis["refuses"].SetKey("bu_refuses")
	p.configure(t, "good", "refuses", "pauses")
	eventually(t, "the project that is gone to go", has(`count by (job) (up{job="browseruse"}) == 3`))
	eventually(t, "the others to be up", has(`count by (job) (browseruse_up{job="browseruse"} == 1) == 3`))
}

// TestTheShippedProjectsAreGood has the exporter check the example of a configuration
// file. In a demo it needs no keys.
func TestTheShippedProjectsAreGood(t *testing.T) {
	t.Parallel()
	p := startExporter(t, "--demo", "--config.file=projects.yml")
	prometheus := (&projects{address: p}).discover(t)
	eventually(t, "three projects", func() bool {
		return len(query(t, prometheus, `count by (job) (browseruse_up{job="browseruse"} == 1) == 3`)) > 0
	})
}
