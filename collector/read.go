package collector

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/reloadfile"
)

// read fills p with what the API says, until ctx is over, and returns what has
// come together. After a reading in which the whole API failed, the next one
// sends a single request first.
func (c *Collector) read(ctx context.Context, p *partialReading) *Reading {
	cautious := c.troubled.Load()
	batch := c.options.Client.NewBatch(cautious)
	plan := c.browsers.plan(c.loadFiles(p))
	p.browsers.begin(plan)

	agents := c.newAgentReader(batch, p)
	var others sync.WaitGroup
	if c.options.Account {
		others.Go(func() { p.recordAccount(batch.Account(ctx)) })
	}
	if agents != nil && !cautious {
		others.Go(func() { agents.readNewest(ctx, c) })
	}
	c.readLists(ctx, batch, p, plan.unread, cautious)
	readOneByOne(c, &p.browsers, plan, func(id string) (*apiclient.Session, error) { return batch.Session(ctx, id) })
	others.Wait()
	othersFailed := p.othersFailed()
	if agents != nil {
		if cautious {
			agents.readNewest(ctx, c)
		}
		agents.readRest(ctx, c) // after the browsers, which it must not keep waiting
	}

	api := APIState{Requests: batch.Sent(), Failures: c.options.Client.Failures()}
	api.HoldUntil, api.HoldReason = c.options.Client.HoldUntil()
	closed, held := batch.Closed() != nil, !api.HoldUntil.IsZero()
	c.troubled.Store(closed || held)
	if held || closed && !batch.Answered() { // else what fails are some sessions among others
		c.browsers.forgiveFailures()
	}
	if agents != nil {
		agents.finish(othersFailed, held)
	}
	p.finish(ctx.Err() == nil, api)
	reading := p.reading()
	book(c.ledger, reading, reading.Sessions, &p.browsers.newest)
	if agents != nil {
		book(c.agents.ledger, reading, reading.AgentSessions, &p.agents.newest)
	}
	if !errors.Is(context.Cause(ctx), context.Canceled) { // else the scraper went away
		reading.SpendRate = c.spend.rate(reading)
		reading.keepStale(c.Last())
		c.failures.write(reading)
	}
	return reading
}

// readLists reads the lists of active and of stopped sessions, as far as they are
// needed: side by side, but for a cautious batch, whose probe is the former.
func (c *Collector) readLists(ctx context.Context, batch *apiclient.Batch, p *partialReading, unread []string, cautious bool) {
	findStopped := c.options.Discover && c.options.ShortLived
	var stopped sync.WaitGroup
	if findStopped && !cautious {
		stopped.Go(func() { c.readStopped(ctx, batch, p) })
	}
	if c.options.Discover || len(unread) > listThreshold {
		c.readList(ctx, batch, p, unread)
	}
	if findStopped && cautious {
		c.readStopped(ctx, batch, p)
	}
	stopped.Wait()
}

// readOneByOne reads the sessions of a plan that no list has shown.
func readOneByOne[S session](c *Collector, p *partialSessions[S], plan readPlan[S], read func(id string) (S, error)) {
	unread := p.notFresh(plan.unread)
	p.store.sortByTrial(unread)
	var readers errgroup.Group
	readers.SetLimit(c.options.Client.Concurrency())
	for _, id := range append(unread, p.notFresh(plan.due)...) {
		readers.Go(func() error {
			if session, err := read(id); err != nil {
				p.recordFailure(id, err)
			} else {
				p.recordSession(session, false)
			}
			return nil
		})
	}
	_ = readers.Wait() // a failure is recorded in the reading
}

// loadFiles records in p how the files were found, and returns the session IDs from flags
// and file, doubles included.
func (c *Collector) loadFiles(p *partialReading) []string {
	ids := c.options.SessionIDs
	var sessionFile, keyFile *reloadfile.Status
	if file := c.options.SessionFile; file != nil {
		state := file.Load()
		sessionFile, ids = &state.Status, slices.Concat(ids, state.Value)
	}
	if c.options.KeyFile != nil {
		keyFile = new(c.options.KeyFile())
	}
	p.recordFiles(sessionFile, keyFile)
	return ids
}
