// Package statuspage is the status page: what the last reading found and how the
// exporter fares, as HTML for people and as JSON for scripts. It sends the API no
// request.
package statuspage

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"

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

//go:embed *.html
var pages embed.FS

// The templates of a page fill the layout that all of them have.
var (
	layout           = template.Must(template.New("layout.html").Funcs(functions).ParseFS(pages, "layout.html"))
	sessionsTemplate = template.Must(template.Must(layout.Clone()).ParseFS(pages, "page.html"))
	projectsTemplate = template.Must(template.Must(layout.Clone()).ParseFS(pages, "projects.html"))
)

var functions = template.FuncMap{
	"after": collector.SecondsUntil, "duration": duration, "ago": ago, "left": left, "utc": utc,
	"usd": usd, "mb": megabytes, "count": count,
	"rateMinutes": collector.SpendWindow.Minutes,
	"seconds":     func(s float64) time.Duration { return time.Duration(s * float64(time.Second)).Round(time.Millisecond) },
	"short":       short,
}

// view is what the template of the sessions writes, overviewView that of the projects.
type view struct {
	*Status
	MetadataLabels           []string
	MetricsPath, SessionPath string
	agents                   map[string]bool // by their IDs
}

type overviewView struct {
	*Overview
	TelemetryPath, ProjectsPath string
}

// LastColumns returns the number of columns after those with sums.
func (v *view) LastColumns() int { return 1 + len(v.MetadataLabels) }

// Sums returns what the tiles show: what was read last while the API is down.
func (v *view) Sums() *Sums {
	if v.Totals != nil && v.Totals.LastKnown != nil {
		return v.Totals.LastKnown
	}
	return v.Totals.sums()
}

// StopCall returns the command that stops a session, or "" where the API is simulated.
func (v *view) StopCall() string {
	for _, setting := range v.Exporter.Config {
		if setting.Flag == "api.url" && strings.HasPrefix(setting.Value, "https://") {
			return `curl -X PATCH -H "X-Browser-Use-API-Key: $BROWSER_USE_API_KEY" -H 'Content-Type: application/json' \
  -d '{"action":"stop"}' ` + strings.TrimSuffix(setting.Value, "/") + "/browsers/SESSION_ID"
		}
	}
	return ""
}

// ReadsAgents reports whether agent sessions are read.
func (v *view) ReadsAgents() bool { return v.AgentSessions != nil }

//go:embed assets
var assets embed.FS

// contentTypes are those of the assets: each system's own table of types differs.
var contentTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// ServeHTML answers with the page, or with an asset of it if the query is the name
// of one. A query finds it wherever a proxy serves the page, with a slash at the
// end of its path or without.
func (p *Page) ServeHTML(w http.ResponseWriter, r *http.Request) {
	if asset, err := assets.ReadFile("assets/" + r.URL.RawQuery); err == nil {
		setHeaders(w, contentTypes[path.Ext(r.URL.RawQuery)])
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(asset))
		return
	}
	if p.options.ConfigFile != nil && !r.URL.Query().Has("project") {
		serveHTML(w, projectsTemplate, overviewView{p.overview(), p.options.TelemetryPath, ProjectsPath})
		return
	}
	project, ok := p.choose(w, r)
	if !ok {
		return
	}
	v := &view{Status: p.status(project), MetricsPath: project.MetricsPath, SessionPath: SessionsPath, agents: map[string]bool{}}
	if project.Name != "" {
		v.SessionPath += "?project=" + project.Name
	}
	if reading := v.reading; reading != nil {
		v.MetadataLabels = reading.MetadataLabels
	}
	for _, agent := range v.AgentSessions {
		v.agents[agent.AgentSessionID] = true
	}
	serveHTML(w, sessionsTemplate, v)
}

// ServeJSON answers with the same as JSON.
func (p *Page) ServeJSON(w http.ResponseWriter, r *http.Request) {
	if project, ok := p.choose(w, r); ok {
		replyJSON(w, p.status(project))
	}
}

// choose returns the project that a request is about, or answers with 404.
func (p *Page) choose(w http.ResponseWriter, r *http.Request) (Project, bool) {
	projects := p.options.Projects()
	if p.options.ConfigFile == nil {
		return projects[0], true
	}
	return Choose(w, r, projects, func(p Project) string { return p.Name })
}

func serveHTML(w http.ResponseWriter, page *template.Template, data any) {
	setHeaders(w, "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	_ = page.Execute(w, data) // fails only where the client does, as the others
}

func replyJSON(w http.ResponseWriter, value any) {
	setHeaders(w, "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// setHeaders lets no cache keep the body: it is true for a moment only, or belongs to
// this version of the exporter.
func setHeaders(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
}
