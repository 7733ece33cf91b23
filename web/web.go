// Package web serves the exporter's endpoints.
package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"browseruse_exporter/collector"
	"browseruse_exporter/web/statuspage"
)

// The endpoints for probes.
const (
	HealthyPath = "/-/healthy"
	ReadyPath   = "/-/ready"
)

// CheckTelemetryPath says whether the metrics can be served at a path: whether
// nothing else is.
func CheckTelemetryPath(path string) error {
	taken := []string{statuspage.Path, statuspage.SessionsPath, HealthyPath, ReadyPath}
	if slices.Contains(taken, path) || strings.HasPrefix(path, PprofPath) {
		return fmt.Errorf("want a path such as /metrics, and none of %s, or below %s", strings.Join(taken, ", "), PprofPath)
	}
	return nil
}

// Options say what the endpoints serve.
type Options struct {
	Collector     *collector.Collector
	Exporter      *prometheus.Registry // the metrics about the exporter itself, those of its requests to the API among them
	TelemetryPath string
	Deadline      Deadline
	Pprof         bool                 // serve the profiles, too
	Settings      []statuspage.Setting // the configuration that it shows, without secrets
	Simulated     bool                 // the API is none: the status page says so
	Version       string
	Logger        log.Logger
	Now           func() time.Time // nil: time.Now

	// Stopping ends the readings under way when it is done, so that a shutdown
	// need not wait for a slow API. nil: never.
	Stopping context.Context
}

// NewHandler returns the handler of all endpoints. It registers the metrics
// about the serving of metrics with o.Exporter.
func NewHandler(o Options) http.Handler {
	renderer := newRenderer()
	metrics := &metricsHandler{
		renderer:  renderer,
		collector: o.Collector,
		exporter:  o.Exporter,
		deadline:  o.Deadline,
		stopping:  o.Stopping,
		logger:    o.Logger,
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	status := statuspage.New(statuspage.Options{
		Last: o.Collector.Last, Settings: o.Settings, Simulated: o.Simulated, TelemetryPath: o.TelemetryPath, Version: o.Version, Now: o.Now,
	})
	handlers := map[string]http.Handler{
		HealthyPath:     text("healthy\n"),
		ReadyPath:       text("ready\n"),
		o.TelemetryPath: promhttp.InstrumentMetricHandler(o.Exporter, metrics),
	}
	for path, handler := range status.Handlers() {
		handlers[path] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			limitWriting(w)
			handler.ServeHTTP(w, r)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limitBody(w, r)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are served", http.StatusMethodNotAllowed)
			return
		}
		handler, ok := handlers[r.URL.Path]
		if !ok && o.Pprof && strings.HasPrefix(r.URL.Path, PprofPath) {
			handler, ok = pprofHandler(r.URL.Path), true
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

func text(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(body))
	})
}
