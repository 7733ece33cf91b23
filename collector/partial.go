package collector

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"browseruse_exporter/apiclient"
)

// errNotReached is why a session has no values if the time of the scrape was over
// before anything was known of the session.
var errNotReached = &apiclient.Error{
	Endpoint: apiclient.EndpointBrowser, Reason: apiclient.ReasonTimeout, NotSent: apiclient.NotSentDeadline,
	Err: errors.New("the time was over before the session was reached"),
}

// partialReading is the reading under way. Each result reaches it once, through
// one of its record methods, which keeps it for this reading and in the store for
// the next. It is safe for concurrent use.
type partialReading struct {
	store *sessionStore
	now   func() time.Time
	start time.Time

	mu       sync.Mutex // never held while waiting
	found    Reading    // without its sessions
	sessions map[string]SessionReading
	stopped  stoppedFound
	asked    bool // a request was needed
	answered bool // a response was 2xx
	notFound bool // a response was 404, for a single session
	nowhere  bool // a response was 404, for the list or the account
}

// newPartialReading returns a reading that begins now. The caller holds c.mu.
func (c *Collector) newPartialReading() *partialReading {
	c.begun++
	start := c.options.Now()
	return &partialReading{
		store: c.store, now: c.options.Now, start: start,
		found: Reading{Start: start, MetadataLabels: c.info.labelNames(), number: c.begun, now: c.options.Now, info: c.info},
	}
}

// age returns how long ago the reading began.
func (p *partialReading) age() time.Duration { return p.now().Sub(p.start) }

// begin records what is known before the first request.
func (p *partialReading) begin(plan readPlan, sessionFile, keyFile *FileState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found.SessionFile, p.found.KeyFile = sessionFile, keyFile
	p.sessions = make(map[string]SessionReading, len(plan.known)+len(plan.unread))
	for _, id := range plan.unread {
		p.sessions[id] = SessionReading{ID: id, Err: errNotReached}
	}
	for _, session := range plan.known {
		p.sessions[session.ID] = session
	}
}

// recordSession records the values of a session, and whether the list of active
// sessions brought them, as it does for a session that nobody configured. A session
// that stopped while the reading went on does not run again.
func (p *partialReading) recordSession(session *apiclient.Session, discovered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recordOutcome(nil)
	if known := p.sessions[session.ID]; known.fresh && !known.Session.Active() && session.Active() {
		return
	}
	p.store.recordRead(session, discovered)
	p.keep(session)
}

// keep keeps the values of a session for this reading. p.mu is held.
func (p *partialReading) keep(session *apiclient.Session) {
	p.sessions[session.ID] = SessionReading{ID: session.ID, Session: *session, ReadAt: p.now(), fresh: true, read: true}
}

// recordStopped records a page of the list of stopped sessions, or why it could not
// be read, and reports whether all of its sessions are new.
func (p *partialReading) recordStopped(page apiclient.Page, err error) (allNew bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	failure := asAPIError(err)
	p.recordOutcome(failure)
	if failure != nil {
		p.found.StoppedErr = failure
		return false
	}
	for _, item := range page.Invalid {
		p.recordInvalidItem(item.Err)
	}
	if !p.stopped.told {
		p.stopped.told, p.stopped.total = true, page.Total
	}
	p.stopped.pages = append(p.stopped.pages, page.Sessions)
	allNew = len(page.Sessions) > 0
	for i := range page.Sessions {
		session := &page.Sessions[i]
		exported, isNew := p.store.recordStopped(session)
		allNew = allNew && isNew
		if exported {
			p.keep(session)
		}
	}
	return allNew
}

// notFresh returns those of these sessions about which nothing was recorded in this
// reading.
func (p *partialReading) notFresh(ids []string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var rest []string
	for _, id := range ids {
		if !p.sessions[id].fresh {
			rest = append(rest, id)
		}
	}
	return rest
}

// recordFailure records why a session could not be read. Values that the reading
// has of it stay.
func (p *partialReading) recordFailure(id string, err error) {
	failure := asAPIError(err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.store.recordFailure(id, failure)
	p.recordOutcome(failure)
	session := p.sessions[id]
	session.ID, session.fresh = id, true
	switch {
	case session.ReadAt.IsZero():
		session.Err = failure
	case failure.NotSent == "": // a later reading will do, else
		session.RereadErr = failure
	}
	p.sessions[id] = session
}

// recordPage records a page of the list of active sessions, or why it could not be
// read. Of several failures the reading keeps the first that was sent.
func (p *partialReading) recordPage(page apiclient.Page, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	failure := asAPIError(err)
	p.recordOutcome(failure)
	if failure != nil && (p.found.ListErr == nil || asAPIError(p.found.ListErr).NotSent != "" && failure.NotSent == "") {
		p.found.ListErr = failure
	}
	for _, item := range page.Invalid {
		if item.ID == "" {
			p.recordInvalidItem(item.Err)
		}
	}
}

// recordInvalidItem records an item of the list that is no session, nor says of
// which one it is. p.mu is held.
func (p *partialReading) recordInvalidItem(err error) {
	p.found.InvalidItems++
	p.found.InvalidItemsErr = err
}

// recordAccount records the account, or why it could not be read.
func (p *partialReading) recordAccount(account apiclient.Account, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recordOutcome(asAPIError(err))
	if err != nil {
		p.found.AccountErr = err
		return
	}
	p.found.Account = &account
	if len(account.Odd) > 0 {
		p.found.AccountErr = &apiclient.Error{
			Endpoint: apiclient.EndpointAccount, Reason: apiclient.ReasonInvalidResponse, Status: http.StatusOK,
			Err: errors.New(strings.Join(account.Odd, ", ") + ": not a number that means something"),
		}
	}
}

// recordOutcome notes whether the API answered. p.mu is held.
func (p *partialReading) recordOutcome(failure *apiclient.Error) {
	p.asked = true
	switch {
	case failure == nil, failure.Status >= 200 && failure.Status <= 299:
		p.answered = true
	case failure.Status == http.StatusNotFound && failure.Endpoint == apiclient.EndpointBrowser:
		p.notFound = true
	case failure.Status == http.StatusNotFound:
		p.nowhere = true
	}
}

// finish records how the reading ended.
func (p *partialReading) finish(complete bool, api APIState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found.Complete, p.found.Duration, p.found.API = complete, p.age(), api
}

// reading returns what was found so far.
func (p *partialReading) reading() *Reading {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.found
	r.shared = &sharedFamilies{}
	if r.Duration == 0 {
		r.Duration = p.age()
	}
	r.Up = p.answered || p.notFound && !p.nowhere || r.Complete && !p.asked
	r.Sessions = make([]SessionReading, 0, len(p.sessions))
	for _, id := range slices.Sorted(maps.Keys(p.sessions)) {
		r.Sessions = append(r.Sessions, p.sessions[id])
	}
	p.store.hide(r.Sessions)
	return &r
}

// asAPIError returns the error of a request, or nil for none.
func asAPIError(err error) *apiclient.Error {
	if err == nil {
		return nil
	}
	var failure *apiclient.Error
	if !errors.As(err, &failure) {
		failure = &apiclient.Error{Reason: apiclient.ReasonConnection, Err: err}
	}
	return failure
}
