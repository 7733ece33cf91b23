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

	"browseruse_exporter/collector"
)

// The paths of the page and of the same as JSON.
const (
	Path         = "/"
	SessionsPath = "/api/v1/sessions"
)

// contentSecurityPolicy lets the page load what the exporter serves, and nothing
// else; neither script nor style stands in the page itself.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Options say what the page shows. All are required.
type Options struct {
	Last          func() *collector.Reading // the last reading; nil before the first
	Settings      []Setting                 // the configuration in force, without secrets
	Simulated     bool                      // the API is simulated
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
	return map[string]http.Handler{Path: http.HandlerFunc(p.ServeHTML), SessionsPath: http.HandlerFunc(p.ServeJSON)}
}

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"after": collector.SecondsUntil, "duration": duration, "ago": ago, "left": left, "usd": usd, "cost": cost, "mb": megabytes, "count": count, "percent": percent, "whole": func(v float64) string { return thousands(v, 0) }, "utc": utc, "sum": sum,
	"milliseconds": func(seconds float64) int64 { return int64(seconds * 1000) },
	"seconds":      func(s float64) time.Duration { return time.Duration(s * float64(time.Second)).Round(time.Millisecond) },
	"short":        func(label string) string { return strings.TrimPrefix(label, "metadata_") }, // every one begins alike
}).Parse(pageHTML))

// view is what the template writes.
type view struct {
	*Status
	MetadataLabels             []string
	TelemetryPath, SessionPath string
}

// Span returns the number of columns from one on to the last, of which so many are
// not of the metadata.
func (v view) Span(fixed int) int { return fixed + len(v.MetadataLabels) }

// Age returns for how many seconds a session has run, or ran.
func (v view) Age(start, finish time.Time) float64 {
	if finish.IsZero() {
		finish = v.Timestamp
	}
	return collector.SecondsUntil(finish, start)
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
	v := view{Status: p.status(), TelemetryPath: p.options.TelemetryPath, SessionPath: SessionsPath}
	if reading := v.reading; reading != nil {
		v.MetadataLabels = reading.MetadataLabels
	}
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	reply(w, "text/html; charset=utf-8", func(w io.Writer) error { return pageTemplate.Execute(w, v) })
}

// ServeJSON answers with the same as JSON.
func (p *Page) ServeJSON(w http.ResponseWriter, _ *http.Request) {
	reply(w, "application/json", func(w io.Writer) error { return json.NewEncoder(w).Encode(p.status()) })
}

// reply writes a body that no cache may keep: it is true for a moment only, or
// belongs to this version of the exporter.
func reply(w http.ResponseWriter, contentType string, write func(io.Writer) error) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	_ = write(w) // fails only where the client does
}
