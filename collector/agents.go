package collector

import (
	"context"
	"sync"
	"time"

	"github.com/go-kit/log/level"

	"browseruse_exporter/apiclient"
)

// agentListPause is how long the list of agent sessions is not asked for where the API
// does not serve it.
const agentListPause = 8 * time.Minute

// agentSessions is what a Collector remembers of the agent sessions.
type agentSessions struct {
	store  *sessionStore[*apiclient.AgentSession]
	ledger *ledger

	mu      sync.Mutex       // never held while waiting
	failure *apiclient.Error // of the list alone, in the last reading that asked for it; nil: none
	due     time.Time        // when it is asked for again
}

// paused returns why the list is not asked for now, or nil.
func (a *agentSessions) paused() *apiclient.Error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if wait := a.due.Sub(a.store.options.Now()); wait <= 0 || wait > agentListPause {
		return nil
	}
	return a.failure
}

// recordList records whether the list failed, although not the whole API does.
// After a refusal the list is not asked for until agentListPause is over; after a failure
// that may pass, only if the next request fails, too.
func (a *agentSessions) recordList(failure *apiclient.Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if failure != nil && (a.failure != nil || failure.Refused()) {
		a.due = a.store.options.Now().Add(agentListPause)
	}
	a.failure = failure
}

// agentReader reads the agent sessions for one reading: the newest of them from their
// list, beside the browsers, and then by ID those that live and are not on it.
type agentReader struct {
	known   *agentSessions
	batch   *apiclient.Batch // a fork: nothing of the browsers depends on it
	reading *partialReading
	plan    readPlan[*apiclient.AgentSession]
	asked   bool // for the list
}

// newAgentReader returns the reader for a reading that begins, or nil if agent sessions
// are not read.
func (c *Collector) newAgentReader(batch *apiclient.Batch, p *partialReading) *agentReader {
	if c.agents == nil {
		return nil
	}
	a := &agentReader{known: c.agents, batch: batch.Fork(), reading: p, plan: c.agents.store.plan(nil)}
	p.agents.begin(a.plan)
	return a
}

// readNewest reads the page of the list that has the newest agent sessions. It goes on to
// the next one while all are new, or while that is likely to answer for several of those
// that would be read by ID.
func (a *agentReader) readNewest(ctx context.Context, c *Collector) {
	if failure := a.known.paused(); failure != nil {
		a.reading.recordAgents(apiclient.Page[*apiclient.AgentSession]{}, failure)
		a.closeFor(failure)
		return
	}
	a.asked = true
	record := func(page apiclient.Page[*apiclient.AgentSession], err error) bool {
		before := len(a.reading.agents.notFresh(a.plan.unread))
		allNew := a.reading.recordAgents(page, err)
		left := len(a.reading.agents.notFresh(a.plan.unread))
		return allNew || before-left > 1 && left > 1
	}
	ordered := readNewest(a.known.store, record, func(s *apiclient.AgentSession) time.Time { return s.UpdatedAt },
		func(page int) (apiclient.Page[*apiclient.AgentSession], error) {
			return a.batch.AgentSessions(ctx, page)
		})
	if !ordered {
		_ = level.Warn(c.options.Logger).Log("msg", "Agent sessions are listed in no order, only those that an active browser names are found")
	}
	a.closeFor(a.reading.agentListFailure())
}

// closeFor has nothing read by ID after a failure of the list, unless that is about this
// one response.
func (a *agentReader) closeFor(failure *apiclient.Error) {
	if failure != nil && failure.Reason != apiclient.ReasonInvalidResponse {
		a.batch.Close(failure)
	}
}

// readRest reads by ID what the list has not shown: those that live, those that have
// ended and may change, and those that an active browser names, which are found so after
// a restart.
func (a *agentReader) readRest(ctx context.Context, c *Collector) {
	if a.batch.Closed() == nil {
		named := a.reading.namedAgents()
		a.known.store.discover(named)
		a.plan.unread = append(a.plan.unread, named...)
	}
	readOneByOne(c, &a.reading.agents, a.plan, func(id string) (*apiclient.AgentSession, error) { return a.batch.AgentSession(ctx, id) })
}

// finish records how the agent sessions fared, after all requests of the reading.
func (a *agentReader) finish(othersFailed, held bool) {
	if held || a.batch.Closed() != nil && !a.batch.Answered() {
		a.known.store.forgiveFailures()
	}
	failure := a.reading.agentListFailure()
	if !a.asked || failure != nil && (failure.NotSent != "" || failure.Reason == apiclient.ReasonCanceled) {
		return
	}
	if othersFailed || failure != nil && failure.Reason == apiclient.ReasonRateLimited {
		failure = nil // it is not the list's own
	}
	a.known.recordList(failure)
}
