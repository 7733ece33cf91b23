package web

import (
	"context"
	"net/http"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
)

// metricsHandler answers scrapes.
type metricsHandler struct {
	projects func() []Project
	several  bool
	exporter prometheus.TransactionalGatherer
	deadline Deadline
	opts     promhttp.HandlerOpts
}

func newMetricsHandler(o Options) *metricsHandler {
	return &metricsHandler{
		projects: o.Projects,
		several:  o.ConfigFile != nil,
		exporter: prometheus.ToTransactionalGatherer(o.Exporter),
		deadline: o.Deadline,
		opts: promhttp.HandlerOpts{
			ErrorLog:          errorLog{o.Logger},
			ErrorHandling:     promhttp.ContinueOnError,
			Registry:          o.Exporter,
			EnableOpenMetrics: true,
		},
	}
}

// ServeHTTP answers with the exporter's own metrics and, if there is only one
// project, with that project's, too.
func (h *metricsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.several {
		h.write(w, r, h.exporter)
		return
	}
	h.serveProject(w, r, h.projects()[0], h.exporter)
}

// serveProbe answers with the metrics of the project that the request names.
func (h *metricsHandler) serveProbe(w http.ResponseWriter, r *http.Request) {
	if p, ok := choose(w, r, h.projects()); ok {
		h.serveProject(w, r, p)
	}
}

// serveProbeHead answers HEAD.
func (h *metricsHandler) serveProbeHead(w http.ResponseWriter, r *http.Request) {
	if _, ok := choose(w, r, h.projects()); ok {
		serveHead(w, r)
	}
}

// serveProject reads the API, then writes what was found. The reading comes first,
// so that the counters in the same response include it.
func (h *metricsHandler) serveProject(w http.ResponseWriter, r *http.Request, p Project, others ...prometheus.TransactionalGatherer) {
	ctx, cancel := context.WithTimeout(r.Context(), h.deadline.of(r))
	defer cancel()
	reading := p.Collector.Read(ctx)
	if r.Context().Err() == nil { // else the client hung up
		h.write(w, r, append(others, p.Collector.Gatherer(reading))...)
	}
}

// write lets promhttp write metrics.
func (h *metricsHandler) write(w http.ResponseWriter, r *http.Request, gatherers ...prometheus.TransactionalGatherer) {
	limitWriting(w)
	promhttp.HandlerForTransactional(prometheus.NewMultiTRegistry(gatherers...), h.opts).ServeHTTP(w, r)
}

// serveHead answers HEAD, which shows no metric and so needs no reading.
func serveHead(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", string(expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)))
}

// errorLog lets promhttp log with the exporter's logger.
type errorLog struct{ logger log.Logger }

func (l errorLog) Println(v ...any) {
	_ = level.Error(l.logger).Log("msg", "Metrics could not be served", "err", v[len(v)-1]) // a text comes before it
}
