// Package collector exposes the browser sessions of one Browser Use project. It
// decides which sessions to read, reads them at scrape time, and writes what it
// found as Prometheus metrics.
package collector

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/reloadfile"
)

// Options say what a Collector exports.
type Options struct {
	Client            *apiclient.Client        // its MetadataKeys become labels of browseruse_session_info, if there are any
	Discover          bool                     // export every active session of the project, too
	ShortLived        bool                     // when discovering, find sessions that began and ended between two readings, too
	Linger            time.Duration            // how long a discovered session stays exported after it finished
	Settle            time.Duration            // how long after its finish late metering may change a session
	MinAge            time.Duration            // how old a discovered session is when it gets its own series; 0: age alone gives it none
	MinCost           float64                  // what it has cost by then, in USD; 0: cost alone gives it none; both 0: it gets them immediately
	MetadataMaxLength int                      // of the label of a metadata value, in bytes: a longer one is cut; 0: no limit
	MaxAge            time.Duration            // a Read is answered from the last reading if that began at most so long ago; 0: never
	SessionIDs        []string                 // UUIDs in lower case; a double is exported once
	SessionFile       *SessionFile             // nil without one
	KeyFile           func() reloadfile.Status // how the file of the API key was found, asked once a reading has the key; nil without one
	Account           bool                     // export the account, too
	Timeout           time.Duration            // of a Collect, which has no deadline of its own
	Logger            log.Logger
	Now               func() time.Time // nil: time.Now
}

// Collector is one project: a key, a URL, its sessions. It is safe for
// concurrent use; nothing in it assumes that it is the only one in a process.
type Collector struct {
	options  Options
	failures *failureLog
	browsers *sessionStore[*apiclient.Session]
	agents   *agentSessions // nil: they are not read
	ledger   *ledger
	info     *infoDesc // nil: none
	spend    spendTracker
	troubled atomic.Bool          // the whole API failed in the last reading
	others   *prometheus.Registry // the project's metrics that are not of a reading: of its requests, and the ledger's
	closed   context.Context      // over once the Collector is closed
	close    context.CancelFunc

	mu      sync.Mutex // guards the rest, never held while reading
	begun   int        // readings so far
	current *sharedReading
	recent  *Reading // newest one that is complete and up; nil unless MaxAge is set
	last    *Reading // newest one that its scrapers did not abandon; nil before the first
}

// New returns a Collector.
func New(o Options) *Collector {
	if o.Now == nil {
		o.Now = time.Now
	}
	others := prometheus.NewRegistry()
	ledger := newLedger(o.Now, o.Settle)
	others.MustRegister(o.Client, ledger)
	c := &Collector{
		options:  o,
		failures: newFailureLog(o.Logger),
		browsers: newStore[*apiclient.Session](&o),
		ledger:   ledger,
		info:     newInfoDesc(o.Client.MetadataKeys(), o.MetadataMaxLength),
		others:   others,
	}
	c.closed, c.close = context.WithCancel(context.Background())
	if o.Client.HasAgentSessions() {
		c.agents = &agentSessions{store: newStore[*apiclient.AgentSession](&o), ledger: newLedger(o.Now, o.Settle)}
		ledger.agents = c.agents.ledger
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	browserSeries.describe(ch)
	if c.agents != nil {
		agentSeries.describe(ch)
		ch <- agentInfo.desc()
	}
	if c.info != nil {
		ch <- c.info.desc()
		ch <- metadataCut.desc()
	}
	for _, f := range otherFamilies {
		ch <- f.desc()
	}
	c.others.Describe(ch)
}

// Collect implements prometheus.Collector, for registries that others keep. A
// handler of scrapes calls Read with the deadline of the scrape instead, and
// gathers from Gatherer.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), c.options.Timeout)
	defer cancel()
	c.Reported(c.Read(ctx)).Collect(ch)
}

// Read asks the API about the sessions and returns what it found until ctx was
// over: within moments of that, whatever the API does. Calls that overlap share
// one reading, and each keeps its own deadline.
func (c *Collector) Read(ctx context.Context) *Reading {
	if reading := c.recentEnough(); reading != nil {
		return reading
	}
	shared := c.acquire(ctx)
	select {
	case <-shared.done:
	case <-ctx.Done():
	}
	c.release(shared, context.Cause(ctx))
	select {
	case <-shared.done:
		return shared.reading
	default: // cut short for this scrape, while others still wait
		return shared.partial.reading()
	}
}

// Close cancels the reading under way. A later one sends no request.
func (c *Collector) Close() { c.close() }

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
