package collector

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"browseruse_exporter/apiclient"
)

// errNotReached is why a session has no values when the time for the scrape was
// over before anything was known of it.
var errNotReached = &apiclient.Error{
	Endpoint: apiclient.EndpointBrowser, Reason: apiclient.ReasonTimeout, Err: errors.New("the time for the scrape was over"),
}

// read fills progress with what the API says, until ctx is over, and returns
// what has come together.
func (c *Collector) read(ctx context.Context, p *progress) *Reading {
	before := c.options.Client.Requests()
	ids, file := c.sessionIDs()
	todo := c.memory.plan(ids)
	p.begin(todo, file)

	var account sync.WaitGroup
	if c.options.Account {
		account.Go(func() { p.foundAccount(c.options.Client.Account(ctx)) })
	}
	unread := todo.unread
	if c.options.Discover || len(unread) > fewSessions {
		unread = c.readList(ctx, p, unread)
	}
	c.readOneByOne(ctx, p, unread, todo.due)
	account.Wait()

	p.finish(ctx.Err() == nil)
	reading := p.reading()
	reading.API = c.apiState(before)
	if !errors.Is(context.Cause(ctx), context.Canceled) { // else nobody wanted to know
		reading.Pace = c.paces.pace(reading)
		c.journal.write(reading)
	}
	return reading
}

// apiState returns the client's state at the end of a reading, before which it
// had sent so many requests.
func (c *Collector) apiState(before int) APIState {
	client := c.options.Client
	return APIState{HoldUntil: client.HoldUntil(), Requests: client.Requests() - before, Failures: client.Failures()}
}

// readOneByOne reads the unread sessions, then those whose values may have
// changed since; these keep their values if that fails.
func (c *Collector) readOneByOne(ctx context.Context, p *progress, unread []string, due []SessionReading) {
	var readers errgroup.Group
	readers.SetLimit(c.options.Client.Concurrency())
	read := func(id string, hasValues bool) {
		readers.Go(func() error {
			session, err := c.options.Client.Session(ctx, id)
			p.request(err)
			if err == nil {
				c.memory.saw(session, false)
			} else {
				c.memory.missed(id, err)
			}
			if err == nil || !hasValues {
				p.foundSession(id, session, err)
			}
			return nil
		})
	}
	for _, id := range unread {
		read(id, false)
	}
	for i := range due {
		read(due[i].ID, true)
	}
	_ = readers.Wait() // an error is one session's and stands in p
}

// sessionIDs returns the IDs from flags and file, doubles included, and how the
// file was found.
func (c *Collector) sessionIDs() ([]string, *SessionFileState) {
	ids := slices.Clone(c.options.SessionIDs)
	var file *SessionFileState
	if c.options.SessionFile != nil {
		var fromFile []string
		fromFile, file = c.options.SessionFile.load()
		ids = append(ids, fromFile...)
	}
	return ids, file
}

// progress is what a reading has found so far. It is safe for concurrent use.
type progress struct {
	number int
	now    func() time.Time
	info   *infoDesc
	start  time.Time

	mu         sync.Mutex // never held while waiting
	file       *SessionFileState
	sessions   map[string]SessionReading
	account    *apiclient.Account
	accountErr error
	listErr    error
	asked      bool // a request was needed
	answered   bool // and one was answered
	ended      time.Time
	complete   bool
}

func newProgress(number int, now func() time.Time, info *infoDesc) *progress {
	return &progress{number: number, now: now, info: info, start: now()}
}

// age is how long ago the reading began.
func (p *progress) age() time.Duration { return p.now().Sub(p.start) }

// begin notes what is known before the first request.
func (p *progress) begin(todo plan, file *SessionFileState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.file = file
	p.sessions = make(map[string]SessionReading, len(todo.known)+len(todo.unread)+len(todo.due))
	for _, id := range todo.unread {
		p.sessions[id] = SessionReading{ID: id, Err: errNotReached}
	}
	for _, known := range [][]SessionReading{todo.known, todo.due} {
		for _, session := range known {
			p.sessions[session.ID] = session
		}
	}
}

func (p *progress) foundSession(id string, session apiclient.Session, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := SessionReading{ID: id, Session: session, Err: err}
	if err == nil {
		found.ReadAt = p.now()
	}
	p.sessions[id] = found
}

func (p *progress) foundList(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listErr = err
}

func (p *progress) foundAccount(account apiclient.Account, err error) {
	p.request(err)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.accountErr = err; err == nil {
		p.account = &account
	}
}

// request notes whether the API answered a request.
func (p *progress) request(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
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

// reading returns what was found so far.
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
		Sessions:    slices.AppendSeq(make([]SessionReading, 0, len(p.sessions)), maps.Values(p.sessions)),
		Account:     p.account,
		AccountErr:  p.accountErr,
		ListErr:     p.listErr,
		SessionFile: p.file,
		number:      p.number,
		now:         p.now,
		info:        p.info,
	}
	if p.info != nil {
		r.MetadataLabels = p.info.metadata
	}
	slices.SortFunc(r.Sessions, func(a, b SessionReading) int { return strings.Compare(a.ID, b.ID) })
	return r
}
