package collector

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"browseruse_exporter/apiclient"
)

// read fills p with what the API says, until ctx is over, and returns what has
// come together. After a reading in which the whole API failed, the next one
// sends a single request first.
func (c *Collector) read(ctx context.Context, p *partialReading) *Reading {
	batch := c.options.Client.NewBatch(c.troubled.Load())
	ids, file := c.sessionIDs()
	plan := c.store.plan(ids)
	p.begin(plan, file)

	var account sync.WaitGroup
	if c.options.Account {
		account.Go(func() { p.recordAccount(batch.Account(ctx)) })
	}
	unread := plan.unread
	if c.options.Discover || len(unread) > listThreshold {
		unread = c.readList(ctx, batch, p, unread)
	}
	c.readOneByOne(ctx, batch, p, unread, plan.due)
	account.Wait()

	api := APIState{HoldUntil: c.options.Client.HoldUntil(), Requests: batch.Sent(), Failures: c.options.Client.Failures()}
	closed, held := batch.Closed() != nil, !api.HoldUntil.IsZero()
	c.troubled.Store(closed || held)
	if held || closed && !batch.Answered() { // else what fails are some sessions among others
		c.store.forgiveFailures()
	}
	p.finish(ctx.Err() == nil, api)
	reading := p.reading()
	if !errors.Is(context.Cause(ctx), context.Canceled) { // else the scraper went away
		reading.SpendRate = c.spend.rate(reading)
		c.failures.write(reading)
	}
	return reading
}

// readOneByOne reads the unread sessions, then those whose values may have
// changed since they were read.
func (c *Collector) readOneByOne(ctx context.Context, batch *apiclient.Batch, p *partialReading, unread []string, due []SessionReading) {
	var readers errgroup.Group
	readers.SetLimit(c.options.Client.Concurrency())
	read := func(id string) {
		readers.Go(func() error {
			if session, err := batch.Session(ctx, id); err != nil {
				p.recordFailure(id, err)
			} else {
				p.recordSession(&session, false)
			}
			return nil
		})
	}
	for _, id := range unread {
		read(id)
	}
	for i := range due {
		read(due[i].ID)
	}
	_ = readers.Wait() // a failure is recorded in the reading
}

// sessionIDs returns the IDs from flags and file, doubles included, and the state
// of the file.
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
