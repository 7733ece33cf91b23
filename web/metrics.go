package web

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"browseruse_exporter/collector"
)

// metricsHandler answers scrapes.
type metricsHandler struct {
	renderer  *renderer
	collector *collector.Collector
	exporter  prometheus.Gatherer
	deadline  Deadline
	stopping  context.Context //nolint:containedctx // outlives every request
	logger    log.Logger
}

// ServeHTTP reads the API, then writes what was found. The reading comes first,
// so that the counters in the same answer include it.
func (h *metricsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead { // it shows no metric, so it needs no reading
		h.writeHead(w.Header(), r)
		return
	}
	reading := h.read(r)
	h.renderer.serve(w, r, fmt.Sprintf("%p", reading), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.write(w, r, reading)
	}))
}

// read reads the API within the deadline of the scrape.
func (h *metricsHandler) read(r *http.Request) *collector.Reading {
	ctx, cancel := context.WithTimeoutCause(r.Context(), h.deadline.of(r), context.DeadlineExceeded)
	defer cancel()
	if h.stopping != nil {
		var stop context.CancelCauseFunc
		ctx, stop = context.WithCancelCause(ctx)
		defer stop(nil)
		defer context.AfterFunc(h.stopping, func() { stop(context.DeadlineExceeded) })()
	}
	return h.collector.Read(ctx)
}

func (h *metricsHandler) writeHead(header http.Header, r *http.Request) expfmt.Format {
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultAcceptedFormats()...)
	header.Set("Content-Type", string(format))
	header.Add("Vary", "Accept")
	return format
}

// write does what promhttp would, but for one family after the other. What can't
// be written costs itself alone, and is logged.
func (h *metricsHandler) write(w http.ResponseWriter, r *http.Request, reading *collector.Reading) {
	families, err := reading.Families()
	h.complain(err)
	made, err := h.exporter.Gather()
	h.complain(err)
	families = append(families, collector.FamiliesOf(made)...)
	collector.SortFamilies(families)

	encoder := expfmt.NewEncoder(w, h.writeHead(w.Header(), r))
	for _, f := range families {
		if family := f.Make(); len(family.GetMetric()) > 0 {
			h.complain(encoder.Encode(family))
		}
	}
}

func (h *metricsHandler) complain(err error) {
	if err != nil {
		_ = level.Error(h.logger).Log("msg", "Metrics could not be written out", "err", err)
	}
}
