// Package statuspage is the status page: what the last reading found and how the
// exporter fares, as HTML for people and as JSON for scripts. It asks the API
// nothing.
package statuspage

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
)

// contentSecurityPolicy lets the page load what the exporter serves, and nothing
// else; neither script nor style stands in the page itself.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Options say what the page shows. All are required.
type Options struct {
	Collector     *collector.Collector
	Client        *apiclient.Client
	Settings      []Setting // the configuration in force, without secrets
	Simulated     bool      // the API is none
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

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"short": shortLabel, "duration": duration, "cost": cost, "mb": megabytes, "utc": utc,
}).Parse(pageHTML))

// shortLabel is a metadata label as a header: every one begins alike.
func shortLabel(label string) string { return strings.TrimPrefix(label, "metadata_") }

// view is what the template writes.
type view struct {
	*Status
	MetadataLabels             []string
	TelemetryPath, SessionPath string
}

// WordsSpan is how many columns the words take that stand in place of values.
func (v view) WordsSpan() int { return 8 + len(v.MetadataLabels) }

// timeView is a time that goes on by itself where the page's script runs.
type timeView struct{ Kind, Datetime, Text string }

// Time returns what the template writes of a time.
func (v view) Time(kind string, at time.Time) timeView {
	text := ""
	switch kind {
	case "ago":
		text = ago(v.Timestamp.Sub(at))
	case "age":
		text = duration(v.Timestamp.Sub(at))
	case "left":
		text = left(at.Sub(v.Timestamp))
	}
	return timeView{Kind: kind, Datetime: rfc3339(at), Text: text}
}

// ServeHTML answers with the page.
func (p *Page) ServeHTML(w http.ResponseWriter, _ *http.Request) {
	var body bytes.Buffer
	err := pageTemplate.Execute(&body, view{
		Status:         p.status(),
		MetadataLabels: p.options.Collector.MetadataLabels(),
		TelemetryPath:  p.options.TelemetryPath,
		SessionPath:    SessionsPath,
	})
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	reply(w, "text/html; charset=utf-8", body.Bytes(), err)
}

// ServeJSON answers with the same as JSON.
func (p *Page) ServeJSON(w http.ResponseWriter, _ *http.Request) {
	body, err := json.Marshal(p.status())
	reply(w, "application/json", append(body, '\n'), err)
}

// reply writes a body that is true for a moment only.
func reply(w http.ResponseWriter, contentType string, body []byte, err error) {
	if err != nil {
		http.Error(w, "the status can't be written: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}
