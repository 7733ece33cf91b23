package collector

import (
	"errors"
	"maps"
	"slices"

	"browseruse_exporter/apiclient"
)

// partialSessions is what the reading under way has of the sessions of one kind.
type partialSessions[S session] struct {
	reading  *partialReading // whose lock is this one's
	store    *sessionStore[S]
	endpoint apiclient.Endpoint // of a single session
	sessions map[string]Found[S]
	newest   newestFound[S]
}

// newestFound is what a reading found in a list of which it read the newest sessions.
type newestFound[S session] struct {
	listTotal
	pages [][]S
}

// begin records what is known before the first request. A session of which nothing is
// known stays unread until it is reached.
func (p *partialSessions[S]) begin(plan readPlan[S]) {
	p.reading.mu.Lock()
	defer p.reading.mu.Unlock()
	p.sessions = make(map[string]Found[S], len(plan.known)+len(plan.unread))
	notReached := &apiclient.Error{
		Endpoint: p.endpoint, Reason: apiclient.ReasonTimeout, NotSent: apiclient.NotSentDeadline,
		Err: errors.New("the time was over before the session was reached"),
	}
	for _, id := range plan.unread {
		p.sessions[id] = Found[S]{ID: id, Err: notReached}
	}
	for _, session := range plan.known {
		p.sessions[session.ID] = session
	}
}

// recordSession records the values of a session, and whether a list brought them, as
// it does for a session whose ID is not configured. A session that stopped while the
// reading went on does not run again.
func (p *partialSessions[S]) recordSession(session S, discovered bool) {
	p.reading.mu.Lock()
	defer p.reading.mu.Unlock()
	p.reading.recordOutcome(nil)
	if known := p.sessions[session.Common().ID]; known.fresh && known.Err == nil && !known.Session.Active() && session.Active() {
		return
	}
	p.store.recordRead(session, discovered)
	p.keep(session)
}

// recordNewest records a page of a list that has the newest sessions, or in listErr why it
// could not be read, and reports whether all its sessions are new.
func (p *partialSessions[S]) recordNewest(page apiclient.Page[S], err error, listErr **apiclient.Error, recordInvalid func(*apiclient.Error)) (allNew bool) {
	p.reading.mu.Lock()
	defer p.reading.mu.Unlock()
	failure := asAPIError(err)
	p.reading.recordOutcome(failure)
	if failure != nil {
		*listErr = failure
		return false
	}
	for _, item := range page.Invalid {
		recordInvalid(item.Err)
	}
	if !p.newest.known {
		p.newest.listTotal = listTotal{known: true, total: page.Total}
	}
	p.newest.pages = append(p.newest.pages, page.Sessions)
	allNew = len(page.Sessions) > 0
	for _, session := range page.Sessions {
		exported, isNew := p.store.recordNewest(session)
		allNew = allNew && isNew
		if exported {
			p.keep(session)
		}
	}
	return allNew
}

// recordFailure records why a session could not be read. Values that the reading
// has of it stay.
func (p *partialSessions[S]) recordFailure(id string, err error) {
	failure := asAPIError(err)
	p.reading.mu.Lock()
	defer p.reading.mu.Unlock()
	p.store.recordFailure(id, failure)
	p.reading.recordOutcome(failure)
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

// keep keeps the values of a session for this reading. The lock is held.
func (p *partialSessions[S]) keep(session S) {
	id := session.Common().ID
	p.sessions[id] = Found[S]{ID: id, Session: session, ReadAt: p.reading.found.now(), fresh: true, read: true}
}

// notFresh returns those of these sessions about which nothing was recorded in this
// reading.
func (p *partialSessions[S]) notFresh(ids []string) []string {
	p.reading.mu.Lock()
	defer p.reading.mu.Unlock()
	var rest []string
	for _, id := range ids {
		if !p.sessions[id].fresh {
			rest = append(rest, id)
		}
	}
	return rest
}

// inOrder returns the sessions in the order of their IDs. The lock is held.
func (p *partialSessions[S]) inOrder() []Found[S] {
	sessions := make([]Found[S], 0, len(p.sessions))
	for _, id := range slices.Sorted(maps.Keys(p.sessions)) {
		sessions = append(sessions, p.sessions[id])
	}
	p.store.hide(sessions)
	return sessions
}
