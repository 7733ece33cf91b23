package web

import (
	"context"
	"net/http"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"browseruse_exporter/collector"
)

// metricsHandler answers scrapes.
type metricsHandler struct {
	collector *collector.Collector
	exporter  prometheus.TransactionalGatherer
	deadline  Deadline
	stopping  context.Context //nolint:containedctx // outlives every request
	opts      promhttp.HandlerOpts
}

func newMetricsHandler(o Options) *metricsHandler {
	h := &metricsHandler{
		collector: o.Collector,
		exporter:  prometheus.ToTransactionalGatherer(o.Exporter),
		deadline:  o.Deadline,
		stopping:  o.Stopping,
		opts: promhttp.HandlerOpts{
			ErrorLog:          errorLog{o.Logger},
			ErrorHandling:     promhttp.ContinueOnError,
			Registry:          o.Exporter,
			EnableOpenMetrics: true,
		},
	}
	if h.stopping == nil {
		h.stopping = context.Background()
	}
	return h
}

// ServeHTTP reads the API, then lets promhttp write what was found. The reading
// comes first, so that the counters in the same response include it.
func (h *metricsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reading := h.read(r)
	if r.Context().Err() != nil { // the client hung up
		return
	}
	limitWriting(w)
	gatherer := prometheus.NewMultiTRegistry(h.exporter, h.collector.Gatherer(reading))
	promhttp.HandlerForTransactional(gatherer, h.opts).ServeHTTP(w, r)
}

// read reads the API until the deadline of the scrape, or until the exporter
// stops. A stop is no timeout of the API, so it cancels the requests.
func (h *metricsHandler) read(r *http.Request) *collector.Reading {
	ctx, cancel := context.WithTimeout(r.Context(), h.deadline.of(r))
	defer cancel()
	defer context.AfterFunc(h.stopping, cancel)()
	return h.collector.Read(ctx)
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
