package exportertest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"browseruse_exporter/internal/simapi"
)

// Several is an exporter of several projects, each with an API of its own.
type Several struct {
	*Rig
	APIs       map[string]*simapi.Server // by the project's name
	ConfigFile string
	keyFile    string
}

// NewSeveral starts an exporter of all projects that have an API, as if with these
// arguments besides --config.file.
func NewSeveral(t *testing.T, apis map[string]*simapi.Server, args ...string) *Several {
	t.Helper()
	SetKey(t, "")
	s := &Several{APIs: apis, ConfigFile: File(t, ""), keyFile: File(t, Key)}
	s.Rig = &Rig{t: t}
	s.Configure(slices.Sorted(maps.Keys(apis))...)
	s.Rig = NewOver(t, nil, func(server *http.Server, _ *http.Transport) {
		server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			apis[strings.TrimSuffix(r.Host, ".test")].ServeHTTP(w, r)
		})
	}, append([]string{"--config.file=" + s.ConfigFile, "--api.allow-http"}, args...)...)
	return s
}

// Configure writes the configuration file. A project is a name, with further keys
// behind it or without: "shop, rate_limit: 5". None reads the list of stopped
// sessions.
func (s *Several) Configure(projects ...string) {
	s.t.Helper()
	var text strings.Builder
	text.WriteString("projects:\n")
	for _, project := range projects {
		name, more, _ := strings.Cut(project, ",")
		fmt.Fprintf(&text, "  - {name: %s, api_url: 'http://%s.test/api/v3', api_key_file: %s, short_lived: false, %s}\n", name, name, s.keyFile, more)
	}
	Rewrite(s.t, s.ConfigFile, text.String())
}

// Probe returns what /probe answers to a scrape of a project by Prometheus, which
// waits for timeout seconds if it is given.
func (s *Several) Probe(project string, timeout ...string) string {
	s.t.Helper()
	return s.scrape(s.t.Context(), "/probe?project="+project, timeout...)
}
