// Package collector exposes the browser sessions of one Browser Use project. It
// decides which sessions to read, reads them at scrape time, and writes what it
// found as Prometheus metrics.
package collector

import (
	"context"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"browseruse_exporter/apiclient"
)

// Options say what a Collector exports.
type Options struct {
	Client      *apiclient.Client
	SessionIDs  func() []string // UUIDs in lower case, asked for before each reading; a double is exported once
	SessionFile *SessionFile    // nil: none
	Account     bool            // export the account, too
	Timeout     time.Duration   // of a Collect, which is told no deadline
	Logger      log.Logger
	Now         func() time.Time // nil: time.Now
}

// Collector is one project: a key, a URL, its sessions. It is safe for
// concurrent use; nothing in it assumes that it is the only one in a process.
type Collector struct {
	options Options
	journal *journal

	mu      sync.Mutex // guards current, never held while reading
	current *flight
}

// New returns a Collector.
func New(o Options) *Collector {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Collector{options: o, journal: newJournal(o.Logger)}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	(&Reading{}).Describe(ch)
	c.options.Client.Describe(ch)
}

// Collect implements prometheus.Collector, for registries that others keep. A
// handler of scrapes calls Read with the deadline of the scrape instead.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), c.options.Timeout)
	defer cancel()
	c.Read(ctx).Collect(ch)
	c.options.Client.Collect(ch)
}

// Read asks the API about the sessions and returns what it found until ctx was
// over: within moments of that, whatever the API does. Calls that overlap share
// one reading, and each keeps its own deadline.
func (c *Collector) Read(ctx context.Context) *Reading {
	f := c.join()
	select {
	case <-f.done:
	case <-ctx.Done():
	}
	c.leave(f, context.Cause(ctx))
	return f.progress.reading()
}
