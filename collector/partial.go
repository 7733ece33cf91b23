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
	"browseruse_exporter/reloadfile"
)

// partialReading is the reading under way. Each result reaches it once, through
// one of its record methods, or of those of its sessions, which keeps it for this
// reading and in a store for the next. It is safe for concurrent use.
type partialReading struct {
	mu       sync.Mutex // never held while waiting
	found    Reading    // without its sessions
	browsers partialSessions[*apiclient.Session]
	agents   partialSessions[*apiclient.AgentSession]
	asked    bool // a request was needed
	answered bool // a response was 2xx
	notFound bool // a response was 404, for a single session
	nowhere  bool // a response was 404, for the list or the account
}

// newPartialReading returns a reading that begins now. The caller holds c.mu.
func (c *Collector) newPartialReading() *partialReading {
	c.begun++
	p := &partialReading{
		found: Reading{Start: c.options.Now(), MetadataLabels: c.info.labelNames(), number: c.begun, now: c.options.Now, info: c.info},
	}
	p.browsers = partialSessions[*apiclient.Session]{reading: p, store: c.browsers, endpoint: apiclient.EndpointBrowser}
	if c.agents != nil {
		p.agents = partialSessions[*apiclient.AgentSession]{reading: p, store: c.agents.store, endpoint: apiclient.EndpointAgentSession}
	}
	return p
}

// age returns how long ago the reading began.
func (p *partialReading) age() time.Duration { return p.found.now().Sub(p.found.Start) }

// recordFiles records how the files of session IDs and of the API key were found.
func (p *partialReading) recordFiles(sessionFile, keyFile *reloadfile.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found.SessionFile, p.found.KeyFile = sessionFile, keyFile
}

// recordStopped is recordNewest for the list of stopped sessions.
func (p *partialReading) recordStopped(page apiclient.Page[*apiclient.Session], err error) (allNew bool) {
	return p.browsers.recordNewest(page, err, &p.found.StoppedErr, p.recordInvalidItem)
}

// recordAgents is recordNewest for the list of agent sessions.
func (p *partialReading) recordAgents(page apiclient.Page[*apiclient.AgentSession], err error) (allNew bool) {
	return p.agents.recordNewest(page, err, &p.found.AgentListErr, func(err *apiclient.Error) { p.found.AgentListErr = err })
}

// agentListFailure returns why the list of agent sessions could not be read, or nil.
func (p *partialReading) agentListFailure() *apiclient.Error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found.AgentListErr
}

// namedAgents returns the agent sessions that active browsers name and of which nothing
// is known.
func (p *partialReading) namedAgents() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	named := map[string]bool{}
	for _, browser := range p.browsers.sessions {
		if browser.Err != nil || !browser.Session.Active() {
			continue
		}
		id, err := apiclient.ParseID(browser.Session.AgentSessionID)
		if _, known := p.agents.sessions[id]; err == nil && !known {
			named[id] = true
		}
	}
	return slices.Collect(maps.Keys(named))
}

// othersFailed reports whether the API was asked for anything but agent sessions, and
// answered none of it.
func (p *partialReading) othersFailed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked && !p.answered && !p.notFound
}

// recordPage records a page of the list of active sessions, or why it could not be
// read. Of several failures the reading keeps the first that was sent.
func (p *partialReading) recordPage(page apiclient.Page[*apiclient.Session], err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	failure := asAPIError(err)
	p.recordOutcome(failure)
	if failure != nil && (p.found.ListErr == nil || p.found.ListErr.NotSent != "" && failure.NotSent == "") {
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
func (p *partialReading) recordInvalidItem(err *apiclient.Error) {
	p.found.InvalidItems++
	p.found.InvalidItemsErr = err
}

// recordAccount records the account, or why it could not be read.
func (p *partialReading) recordAccount(account apiclient.Account, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	failure := asAPIError(err)
	p.recordOutcome(failure)
	if failure != nil {
		p.found.AccountErr = failure
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

// recordOutcome notes whether the API answered. Of agent sessions, which it does not
// serve everywhere, no failure counts. p.mu is held.
func (p *partialReading) recordOutcome(failure *apiclient.Error) {
	if failure != nil && failure.Endpoint.IsOfAgents() {
		return
	}
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
	r.Sessions = p.browsers.inOrder()
	if p.agents.store != nil {
		r.AgentSessions = p.agents.inOrder()
	}
	return &r
}

// asAPIError returns the error of a request as what it always is, or nil for nil.
func asAPIError(err error) *apiclient.Error {
	failure, _ := errors.AsType[*apiclient.Error](err)
	return failure
}
