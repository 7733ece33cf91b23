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
	Client            *apiclient.Client
	Discover          bool          // export every active session of the project, too
	Linger            time.Duration // how long a discovered session stays exported after it finished
	Settle            time.Duration // how long after its finish late metering may change a session
	MetadataLabels    []string      // keys of the metadata that become labels of browseruse_session_info; none: no such metric
	MetadataMaxLength int           // of a label's value, in characters: a longer one is cut; 0: no limit
	MaxAge            time.Duration // a Read is answered from the last reading if that began at most so long ago; 0: never
	SessionIDs        []string      // UUIDs in lower case; a double is exported once
	SessionFile       *SessionFile  // nil: none
	Account           bool          // export the account, too
	Timeout           time.Duration // of a Collect, which is told no deadline
	Logger            log.Logger
	Now               func() time.Time // nil: time.Now
}

// Collector is one project: a key, a URL, its sessions. It is safe for
// concurrent use; nothing in it assumes that it is the only one in a process.
type Collector struct {
	options Options
	journal *journal
	memory  *memory
	info    *infoDesc // nil: none
	paces   paceKeeper

	mu      sync.Mutex // guards what follows, never held while reading
	begun   int        // readings so far
	current *flight
	recent  *Reading // the last complete one; nil unless MaxAge is set
	last    *Reading // the last that somebody waited for until its end or its deadline; nil: none
}

// New returns a Collector.
func New(o Options) *Collector {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Collector{
		options: o,
		journal: newJournal(o.Logger),
		memory:  &memory{now: o.Now, linger: o.Linger, settle: o.Settle, sessions: map[string]*remembered{}},
		info:    newInfoDesc(o.MetadataLabels),
	}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	(&Reading{info: c.info}).Describe(ch)
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
	if reading := c.recentEnough(); reading != nil {
		return reading
	}
	f := c.join(ctx)
	select {
	case <-f.done:
	case <-ctx.Done():
	}
	c.leave(f, context.Cause(ctx))
	select {
	case <-f.done:
		return f.reading
	default: // cut short for this scrape, while others still wait
		return f.progress.reading()
	}
}

// recentEnough returns the last reading if no newer one is wanted, or else nil.
func (c *Collector) recentEnough() *Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil {
		return nil
	}
	if age := c.options.Now().Sub(c.recent.Start); age < 0 || age > c.options.MaxAge {
		return nil
	}
	return c.recent
}

// Last returns what the last reading found, or nil before the first. It asks
// the API nothing. A reading whose scraper went away does not count.
func (c *Collector) Last() *Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// MetadataLabels are the labels of browseruse_session_info that come from the
// metadata, as Reading.Metadata fills them.
func (c *Collector) MetadataLabels() []string {
	if c.info == nil {
		return nil
	}
	return c.info.labels
}
