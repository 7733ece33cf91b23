// Package web serves the exporter's endpoints.
package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/pprof" // registers with http.DefaultServeMux, too, which nothing here serves
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"browseruse_exporter/reloadfile"
	"browseruse_exporter/web/statuspage"
)

// The endpoints for probes.
const (
	HealthyPath = "/-/healthy"
	ReadyPath   = "/-/ready"
)

// PprofPath is where the profiles are, below it, if they are served at all.
const PprofPath = "/debug/pprof/"

// CheckTelemetryPath reports whether the metrics can be served at a path: whether
// it is one path, in its shortest form, and nothing else is served there; more is
// with several projects.
func CheckTelemetryPath(telemetry string, several bool) error {
	taken := []string{statuspage.Path, statuspage.SessionsPath, HealthyPath, ReadyPath}
	if several {
		taken = append(taken, statuspage.ProjectsPath, ProbePath, DiscoveryPath)
	}
	switch {
	case slices.Contains(taken, telemetry), strings.HasPrefix(telemetry, PprofPath):
		return fmt.Errorf("want a path such as /metrics, and none of %s, or below %s", strings.Join(taken, ", "), PprofPath)
	case telemetry != path.Clean(telemetry), strings.ContainsAny(telemetry, "{}"):
		return errors.New("want a path such as /metrics, without // or a slash at its end, and without braces")
	}
	return nil
}

// Options say what the endpoints serve.
type Options struct {
	Projects      func() []Project         // those exported now; without a configuration file, one
	ConfigFile    func() reloadfile.Status // how the configuration file was found; nil without one
	Exporter      *prometheus.Registry     // the metrics about the exporter itself
	TelemetryPath string
	Deadline      Deadline
	Pprof         bool // serve the profiles, too
	Simulated     bool // the API is simulated: the status page shows a notice
	Version       string
	Logger        log.Logger
	Now           func() time.Time // nil: time.Now
}

// NewHandler returns the handler of all endpoints. It registers the metrics
// about the serving of metrics with o.Exporter.
func NewHandler(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	status := statuspage.New(statuspage.Options{
		Projects: o.pages, ConfigFile: o.ConfigFile, Simulated: o.Simulated, TelemetryPath: o.TelemetryPath, Version: o.Version, Now: o.Now,
	})
	metrics := newMetricsHandler(o)
	mux := http.NewServeMux()
	mux.Handle("GET "+o.TelemetryPath, promhttp.InstrumentMetricHandler(o.Exporter, metrics))
	mux.HandleFunc("HEAD "+o.TelemetryPath, serveHead)
	if o.ConfigFile != nil {
		mux.Handle("GET "+ProbePath, promhttp.InstrumentMetricHandler(o.Exporter, http.HandlerFunc(metrics.serveProbe)))
		mux.HandleFunc("HEAD "+ProbePath, metrics.serveProbeHead)
		mux.Handle("GET "+DiscoveryPath, serveDiscovery(o.Projects))
	}
	mux.Handle("GET "+HealthyPath, text("healthy\n"))
	mux.Handle("GET "+ReadyPath, text("ready\n"))
	mux.HandleFunc("GET /", http.NotFound) // any other method is then 405, at any path
	for path, handler := range status.Handlers() {
		handler = limitPages(gzhttp.GzipHandler(handler))
		if path == statuspage.Path {
			path += "{$}" // and nothing below
		}
		mux.Handle("GET "+path, handler)
	}
	if o.Pprof {
		mux.HandleFunc("GET "+PprofPath, pprof.Index)
		mux.HandleFunc("GET "+PprofPath+"cmdline", pprof.Cmdline)
		mux.HandleFunc("GET "+PprofPath+"profile", pprof.Profile)
		mux.HandleFunc("GET "+PprofPath+"symbol", pprof.Symbol)
		mux.HandleFunc("GET "+PprofPath+"trace", pprof.Trace)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limitBody(w, r)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
}

func text(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(body))
	})
}
