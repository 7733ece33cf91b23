package collector

import (
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"browseruse_exporter/apiclient"
)

const (
	// ledgerMemory is how long after a session was last seen it can come back without
	// being counted again. What began longer ago than this is never counted whole.
	ledgerMemory = 24 * time.Hour

	// sweepPause is the time between two sweeps of the sessions that no reading has any more.
	sweepPause = time.Minute
)

// The amounts that are counted.
const (
	browserCost = iota
	proxyCost
	proxyMegabytes
	llmCost
	amountCount
)

// amountsOf returns what is counted of a session.
func amountsOf(s session) (amounts [amountCount]apiclient.Amount) {
	switch s := s.(type) {
	case *apiclient.Session:
		amounts[browserCost], amounts[proxyCost], amounts[proxyMegabytes] = s.BrowserCost, s.ProxyCost, s.ProxyUsedMB
	case *apiclient.AgentSession: // whose total contains its browsers
		amounts[llmCost] = s.LLMCost
	}
	return amounts
}

// ledger counts what readings find of sessions, each session once however it was
// found. It implements prometheus.Collector: a reading that ends late must not
// expose a lower counter than one before it. It is safe for concurrent use.
type ledger struct {
	start    time.Time // of the exporter: what was spent before it is not counted
	now      func() time.Time
	settle   time.Duration
	cost     prometheus.Histogram
	duration prometheus.Histogram
	agents   *ledger // of agent sessions, of which only what they spent is exposed; nil: none

	mu       sync.Mutex // never held while waiting
	entries  map[uuid.UUID]ledgerEntry
	swept    time.Time
	net      [amountCount]float64 // the true sums since the start, which can fall
	exposed  [amountCount]float64 // their maxima at the ends of readings
	started  int
	finished int
	unseen   unseenCounter
}

// ledgerEntry is what the ledger keeps of a session. It has no pointers, so that
// the garbage collector skips the entries. Times are in microseconds
// since the epoch.
type ledgerEntry struct {
	amounts  [amountCount]float64 // as far as they are known
	known    [amountCount]bool
	whole    bool // it counts from 0, not from its first known amounts
	active   bool // it was read as active
	ended    bool // it was read as stopped
	settling bool // the histograms wait for its final values
	started  int64
	finished int64 // 0 until it ended
	seen     int64 // when a reading had it last
	number   int   // of the reading that its values are from
}

func newLedger(now func() time.Time, settle time.Duration) *ledger {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: buckets, NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
		})
	}
	return &ledger{
		start: now(), now: now, settle: settle, entries: map[uuid.UUID]ledgerEntry{},
		cost: histogram("browseruse_session_final_cost_usd",
			"What sessions that finished since the exporter's start have cost, in US dollars; observed when late metering is over.",
			[]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50}),
		duration: histogram("browseruse_session_duration_seconds",
			"How long sessions that finished since the exporter's start ran; observed together with their final costs.",
			[]float64{5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400}),
	}
}

// book counts what a reading found of the sessions of one kind, at its end: what one
// cost fell by and another rose by is set off first, in whatever order they were read.
func book[S session](l *ledger, r *Reading, sessions []Found[S], newest *newestFound[S]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.unseen.begin(r.Start)
	for _, page := range newest.pages {
		for _, s := range page {
			l.bookSession(s, r.number, now)
		}
	}
	active := 0
	for i := range sessions {
		s := &sessions[i]
		if !s.read {
			l.keep(s.ID, now)
			continue
		}
		if l.bookSession(s.Session, r.number, now); s.Session.Active() {
			active++
		}
	}
	l.sweep(now)
	for i := range l.exposed {
		l.exposed[i] = max(l.exposed[i], l.net[i])
	}
	l.unseen.end(r.number, newest.listTotal, active, now)
}

// bookSession counts what is new of a session. Of two readings that overlap, the one
// that began later has the newer values.
func (l *ledger) bookSession(s session, number int, now time.Time) {
	record := s.Common()
	id, err := uuid.Parse(record.ID)
	e, known := l.entries[id]
	if err != nil || e.number > number {
		return
	}
	if !known {
		if e.whole = l.isRecent(record.StartedAt, now); e.whole {
			l.started++
		}
	}
	e.number, e.seen, e.started = number, now.UnixMicro(), record.StartedAt.UnixMicro()
	for i, amount := range amountsOf(s) {
		if !amount.Known {
			continue
		}
		if e.whole || e.known[i] {
			l.net[i] += amount.Value - e.amounts[i]
		}
		e.amounts[i], e.known[i] = amount.Value, true
	}
	switch {
	case !s.Active():
		l.bookFinish(&e, record, now)
	case !e.active && !e.ended:
		e.active = true
		l.unseen.open++
	}
	l.entries[id] = e
}

// bookFinish counts a session that was read as stopped.
func (l *ledger) bookFinish(e *ledgerEntry, s *apiclient.Record, now time.Time) {
	finish := s.FinishedAt
	switch {
	case !finish.IsZero():
	case e.ended:
		finish = time.UnixMicro(e.finished)
	case e.active:
		finish = now
	default: // at this time or later
		finish = s.StartedAt
	}
	e.finished = finish.UnixMicro()
	if !e.ended {
		e.ended = true
		if e.settling = l.isRecent(finish, now); e.settling {
			l.finished++
		}
		l.unseen.recordEnd(e.active, finish)
	}
	if e.settling && !now.Before(finish.Add(l.settle)) {
		l.observe(e)
	}
}

// isRecent reports whether what happened then is to be counted when it is first
// found now: it lies after the exporter's start, and the ledger cannot have
// forgotten that it has counted it.
func (l *ledger) isRecent(then, now time.Time) bool {
	return then.After(l.start) && now.Sub(then) <= ledgerMemory
}

// observe has the histograms count a session whose values are final.
func (l *ledger) observe(e *ledgerEntry) {
	e.settling = false
	l.duration.Observe(float64(e.finished-e.started) / 1e6)
	if e.known[browserCost] && e.known[proxyCost] {
		l.cost.Observe(e.amounts[browserCost] + e.amounts[proxyCost])
	}
}

// keep notes that a reading has a session, though no new values of it.
func (l *ledger) keep(sessionID string, now time.Time) {
	id, err := uuid.Parse(sessionID)
	if e, known := l.entries[id]; err == nil && known {
		e.seen = now.UnixMicro()
		l.entries[id] = e
	}
}

// sweep lets the histograms have the sessions that have settled and are not read any
// more, and forgets those that have not been seen for long.
func (l *ledger) sweep(now time.Time) {
	if since := now.Sub(l.swept); since >= 0 && since < sweepPause {
		return
	}
	l.swept = now
	for id, e := range l.entries {
		unseen := time.Duration(now.UnixMicro()-e.seen) * time.Microsecond
		settled := time.UnixMicro(e.finished).Add(l.settle)
		switch {
		case e.settling && (unseen > 0 && !now.Before(settled) || !now.Before(settled.Add(l.settle))):
			l.observe(&e)
			l.entries[id] = e
		case unseen > ledgerMemory:
			delete(l.entries, id)
			if e.active && !e.ended {
				l.unseen.recordEnd(true, now)
			}
		}
	}
}

// Describe implements prometheus.Collector.
func (l *ledger) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range ledgerDescs {
		ch <- desc
	}
	l.cost.Describe(ch)
	l.duration.Describe(ch)
}

// Collect implements prometheus.Collector.
func (l *ledger) Collect(ch chan<- prometheus.Metric) {
	l.cost.Collect(ch)
	l.duration.Collect(ch)
	l.mu.Lock()
	defer l.mu.Unlock()
	counter := func(desc *prometheus.Desc, value float64, labelValues ...string) {
		ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(desc, prometheus.CounterValue, value, l.start, labelValues...)
	}
	counter(spendDesc, l.exposed[browserCost], "browser")
	counter(spendDesc, l.exposed[proxyCost], "proxy")
	if l.agents != nil {
		counter(spendDesc, l.agents.spent(llmCost), "llm")
	}
	counter(proxyMegabytesDesc, l.exposed[proxyMegabytes])
	counter(startedDesc, float64(l.started))
	counter(finishedDesc, float64(l.finished))
	if l.unseen.totals > 1 {
		counter(unseenDesc, float64(l.unseen.count))
	}
}

// spent returns what is exposed of an amount.
func (l *ledger) spent(amount int) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.exposed[amount]
}
