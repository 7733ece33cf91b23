package exporter

import (
	"context"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

// demoInterval is how often the demo is read, so that its page shows something without a
// Prometheus.
const demoInterval = 5 * time.Second

// watchDemo reads all projects of the demo until ctx is over.
func (e *Exporter) watchDemo(ctx context.Context) {
	ticks := time.NewTicker(demoInterval)
	defer ticks.Stop()
	for ctx.Err() == nil {
		for _, p := range e.projects() {
			p.read(ctx)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
		}
	}
}

// startDemo starts a simulated project that lives in this process, points a
// client at it, and returns what ends it. No port is opened.
func startDemo(project string, client *apiclient.Options) (end func()) {
	client.Transport, end = simapi.Serve(simapi.NewDemoOf(project, time.Now))
	client.BaseURL = "http://demo.invalid/api/v3"
	client.Key = func() string { return "bu_demo" }
	return end
}
