package collector

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"browseruse_exporter/apiclient"
)

// maxReaders bounds the goroutines of one reading. It is above any sensible
// number of requests in flight, which the client bounds.
const maxReaders = 64

// errNotReached is why a session has no values when the time for the scrape was
// over before anything was known of it.
var errNotReached = &apiclient.Error{
	Endpoint: apiclient.EndpointBrowser, Reason: apiclient.ReasonTimeout, Err: errors.New("the time for the scrape was over"),
}

// read fills progress with what the API says, until ctx is over.
func (c *Collector) read(ctx context.Context, p *progress) {
	p.begin(c.sessionIDs())

	var readers errgroup.Group
	readers.SetLimit(maxReaders)
	if c.options.Account {
		readers.Go(func() error {
			p.foundAccount(c.options.Client.Account(ctx))
			return nil
		})
	}
	for _, id := range p.ids {
		readers.Go(func() error {
			session, err := c.options.Client.Session(ctx, id)
			p.foundSession(id, session, err)
			return nil
		})
	}
	_ = readers.Wait() // an error is one session's and stands in p

	p.finish(ctx.Err() == nil)
	if !errors.Is(context.Cause(ctx), context.Canceled) { // else nobody wanted to know
		c.journal.write(p.reading())
	}
}

// sessionIDs returns the IDs from flags and file, sorted, each once, and how
// the file was found.
func (c *Collector) sessionIDs() ([]string, *SessionFileState) {
	ids := slices.Clone(c.options.SessionIDs())
	var file *SessionFileState
	if c.options.SessionFile != nil {
		var fromFile []string
		fromFile, file = c.options.SessionFile.load()
		ids = append(ids, fromFile...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), file
}

// progress is what a reading has found so far. It is safe for concurrent use.
type progress struct {
	now   func() time.Time
	start time.Time
	ids   []string // set before the first request

	mu         sync.Mutex // never held while waiting
	file       *SessionFileState
	sessions   map[string]SessionReading
	account    *apiclient.Account
	accountErr error
	asked      bool // a request was needed
	answered   bool // and one was answered
	ended      time.Time
	complete   bool
}

func newProgress(now func() time.Time) *progress {
	return &progress{now: now, start: now()}
}

func (p *progress) begin(ids []string, file *SessionFileState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids, p.file = ids, file
	p.sessions = make(map[string]SessionReading, len(ids))
}

func (p *progress) foundSession(id string, session apiclient.Session, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions[id] = SessionReading{ID: id, Session: session, Err: err}
	p.request(err)
}

func (p *progress) foundAccount(account apiclient.Account, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.accountErr = err; err == nil {
		p.account = &account
	}
	p.request(err)
}

// request notes whether the API answered a request.
func (p *progress) request(err error) {
	p.asked = true
	var failure *apiclient.Error
	if err == nil || errors.As(err, &failure) && failure.Answered() {
		p.answered = true
	}
}

func (p *progress) finish(complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.complete = p.now(), complete
}

// reading returns what was found so far. What was not found yet could not be
// read in time.
func (p *progress) reading() *Reading {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := p.ended
	if ended.IsZero() {
		ended = p.now()
	}
	r := &Reading{
		Start:       p.start,
		Duration:    ended.Sub(p.start),
		Up:          p.answered || p.complete && !p.asked,
		Complete:    p.complete,
		Sessions:    make([]SessionReading, 0, len(p.ids)),
		Account:     p.account,
		AccountErr:  p.accountErr,
		SessionFile: p.file,
		now:         p.now,
	}
	for _, id := range p.ids {
		found, ok := p.sessions[id]
		if !ok {
			found = SessionReading{ID: id, Err: errNotReached}
		}
		r.Sessions = append(r.Sessions, found)
	}
	return r
}
