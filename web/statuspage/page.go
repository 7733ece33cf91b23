// Package statuspage is the status page: what the last reading found and how the
// exporter fares, as HTML for people and as JSON for scripts. It sends the API no
// request.
package statuspage

import (
	"embed"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/reloadfile"
)

// The paths of the page and of the same as JSON. With a configuration file, the
// page of a project and its JSON are at them with the query project=<name>.
const (
	Path         = "/"
	SessionsPath = "/api/v1/sessions"
	ProjectsPath = "/api/v1/projects" // the list of projects, with a configuration file
)

// contentSecurityPolicy lets the page load what the exporter serves, and nothing
// else; neither script nor style stands in the page itself.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Options say what the page shows. All but ConfigFile are required.
type Options struct {
	Projects      func() []Project         // without a configuration file, one
	ConfigFile    func() reloadfile.Status // nil without one
	Simulated     bool                     // the API is simulated
	TelemetryPath string
	Version       string
	Now           func() time.Time
}

// Page serves the status page. It is safe for concurrent use.
type Page struct {
	options Options
	start   time.Time
}

// New returns a Page of an exporter that starts now.
func New(o Options) *Page { return &Page{options: o, start: o.Now()} }

// Handlers returns the page's endpoints by their path.
func (p *Page) Handlers() map[string]http.Handler {
	handlers := map[string]http.Handler{Path: http.HandlerFunc(p.ServeHTML), SessionsPath: http.HandlerFunc(p.ServeJSON)}
	if p.options.ConfigFile != nil {
		handlers[ProjectsPath] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { replyJSON(w, p.overview()) })
	}
	return handlers
}

//go:embed page.html projects.html
var pages embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"after": collector.SecondsUntil, "duration": duration, "ago": ago, "left": left, "usd": usd, "mb": megabytes, "count": count, "percent": percent, "whole": func(v float64) string { return thousands(v, 0) }, "utc": utc, "clock": clock, "sum": sum,
	"milliseconds": func(seconds float64) int64 { return int64(seconds * 1000) },
	"seconds":      func(s float64) time.Duration { return time.Duration(s * float64(time.Second)).Round(time.Millisecond) },
	"words":        func(r apiclient.Reason) string { return strings.ReplaceAll(string(r), "_", " ") },
	"short":        func(label string) string { return strings.TrimPrefix(label, "metadata_") }, // every one begins alike
}).ParseFS(pages, "*.html"))

// view is what the template writes.
type view struct {
	*Status
	MetadataLabels           []string
	MetricsPath, SessionPath string
}

// Span returns the number of columns from one on to the last, of which so many are
// not of the metadata.
func (v view) Span(fixed int) int { return fixed + len(v.MetadataLabels) }

// Age returns for how many seconds a session has run at a time, or ran.
func (v view) Age(start, finish, at time.Time) float64 {
	if finish.IsZero() {
		finish = at
	}
	return collector.SecondsUntil(finish, start)
}

// Sums returns what the tiles show: what was read last while the API is down.
func (v view) Sums() *Sums {
	switch {
	case v.Totals == nil:
		return nil
	case v.Totals.LastKnown != nil:
		return v.Totals.LastKnown
	default:
		return v.Totals.Sums
	}
}

// StopCall returns the command that stops a session, or "" where the API is simulated.
func (v view) StopCall() string {
	for _, setting := range v.Exporter.Config {
		if setting.Flag == "api.url" && strings.HasPrefix(setting.Value, "https://") {
			return `curl -X PATCH -H "X-Browser-Use-API-Key: $BROWSER_USE_API_KEY" -H 'Content-Type: application/json' \
  -d '{"action":"stop"}' ` + strings.TrimSuffix(setting.Value, "/") + "/browsers/SESSION_ID"
		}
	}
	return ""
}

// APIUp reports whether the API answered.
func (v view) APIUp() bool { return v.Up != nil && *v.Up }

// Seen returns the time for which values that were read at a time are shown: now, or
// that time if they are stale.
func (v view) Seen(stale bool, readAt time.Time) time.Time {
	if stale {
		return readAt
	}
	return v.Timestamp
}

// ReadsAgents reports whether agent sessions are read.
func (v view) ReadsAgents() bool { return v.AgentSessions != nil }

// HasAgent reports whether the page shows an agent session of this ID.
func (v view) HasAgent(id string) bool {
	return slices.ContainsFunc(v.AgentSessions, func(s AgentSession) bool { return s.AgentSessionID == id })
}

//go:embed assets
var assets embed.FS

// contentTypes are those of the assets: each system's own table of types differs.
var contentTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// ServeHTML answers with the page, or with an asset of it if the query is the name
// of one. A query finds it wherever a proxy serves the page, with a slash at the
// end of its path or without.
func (p *Page) ServeHTML(w http.ResponseWriter, r *http.Request) {
	if asset, err := assets.ReadFile("assets/" + r.URL.RawQuery); err == nil {
		reply(w, contentTypes[path.Ext(r.URL.RawQuery)], func(w io.Writer) error { _, err := w.Write(asset); return err })
		return
	}
	if p.options.ConfigFile != nil && !r.URL.Query().Has("project") {
		p.serveOverview(w)
		return
	}
	project, ok := p.choose(w, r)
	if !ok {
		return
	}
	v := view{Status: p.status(project), MetricsPath: project.MetricsPath, SessionPath: SessionsPath}
	if project.Name != "" {
		v.SessionPath += "?project=" + project.Name
	}
	if reading := v.reading; reading != nil {
		v.MetadataLabels = reading.MetadataLabels
	}
	serveHTML(w, func(w io.Writer) error { return templates.ExecuteTemplate(w, "page.html", v) })
}

// ServeJSON answers with the same as JSON.
func (p *Page) ServeJSON(w http.ResponseWriter, r *http.Request) {
	if project, ok := p.choose(w, r); ok {
		replyJSON(w, p.status(project))
	}
}

// choose returns the project that a request is about, or answers that there is none.
func (p *Page) choose(w http.ResponseWriter, r *http.Request) (Project, bool) {
	projects := p.options.Projects()
	if p.options.ConfigFile == nil {
		return projects[0], true
	}
	return Choose(w, r, projects, func(p Project) string { return p.Name })
}

func serveHTML(w http.ResponseWriter, write func(io.Writer) error) {
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	reply(w, "text/html; charset=utf-8", write)
}

func replyJSON(w http.ResponseWriter, value any) {
	reply(w, "application/json", func(w io.Writer) error { return json.NewEncoder(w).Encode(value) })
}

// reply writes a body that no cache may keep: it is true for a moment only, or
// belongs to this version of the exporter.
func reply(w http.ResponseWriter, contentType string, write func(io.Writer) error) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	_ = write(w) // fails only where the client does
}
