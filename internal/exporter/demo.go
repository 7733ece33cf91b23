package exporter

import (
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

// demoInterval is how often the demo is read, so that its page shows something without a
// Prometheus.
const demoInterval = 5 * time.Second

// watchDemo reads all projects of the demo until e is closed.
func (e *Exporter) watchDemo() {
	ticks := time.NewTicker(demoInterval)
	defer ticks.Stop()
	for e.closed.Err() == nil {
		for _, p := range e.Projects() {
			p.Collector.Read(e.closed)
		}
		select {
		case <-ticks.C:
		case <-e.closed.Done():
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
