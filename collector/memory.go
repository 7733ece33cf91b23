package collector

import (
	"math/rand/v2"
	"sync"
	"time"

	"browseruse_exporter/apiclient"
)

// How often a session is asked for that is not expected to change: first after
// about firstPause, then after twice as long each time, up to longestPause.
const (
	firstPause   = time.Minute
	longestPause = 8 * time.Minute
	pauseJitter  = 0.1 // so that sessions that ended together are not all due together
)

// lateLinger is how long a discovered session stays exported, at the most,
// after it was first seen stopped, where its linger is over before anybody could
// scrape its final cost: after an outage.
const lateLinger = 5 * time.Minute

// memory is what earlier readings learned of the sessions. It holds no more
// than what is exported. It is safe for concurrent use.
type memory struct {
	now    func() time.Time
	linger time.Duration
	settle time.Duration

	mu       sync.Mutex // never held while waiting
	sessions map[string]*remembered
	pages    int // that the list of active sessions says it has
	shown    int // and those of them that brought something
}

// remembered is what is known of one session.
type remembered struct {
	discovered bool // by the list, so that it is exported though nobody gave its ID

	session *apiclient.Session // as it was read last, if stopped is set; else nil
	read    time.Time          // when that was
	stopped time.Time          // when it was first read as stopped; zero: it never was, or runs again
	final   bool               // it will not be asked for again

	err    error     // why it could not be read last, if that lies with the session and not with the API
	failed time.Time // since when that is so

	due   time.Time // when it is asked for again, if it is stopped or missing
	pause time.Duration
}

// plan is what a reading has to do.
type plan struct {
	known  []SessionReading // exported from memory, without a request
	unread []string         // active as far as is known, or not known at all
	due    []SessionReading // exported from memory unless a new reading succeeds
}

// plan returns what to do for the configured sessions and those discovered, and
// forgets what is not exported any more.
func (m *memory) plan(configured []string) plan {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	var p plan
	exported := make(map[string]bool, len(configured))
	for _, id := range configured {
		exported[id] = true
		m.sessions[id] = m.remember(id)
	}
	for id, r := range m.sessions {
		if !exported[id] && (!r.discovered || m.isOver(r, now)) {
			delete(m.sessions, id)
			continue
		}
		reading := SessionReading{ID: id, ReadAt: r.read, Err: r.err}
		if r.session != nil {
			reading.Session = *r.session
		}
		switch {
		case r.final, now.Before(r.due):
			p.known = append(p.known, reading)
		case !r.stopped.IsZero():
			p.due = append(p.due, reading)
		default:
			p.unread = append(p.unread, id)
		}
	}
	return p
}

// remember returns what is known of a session. m.mu is held.
func (m *memory) remember(id string) *remembered {
	r := m.sessions[id]
	if r == nil {
		r = &remembered{}
		m.sessions[id] = r
	}
	return r
}

// isOver says whether a discovered session has been exported for long enough.
func (m *memory) isOver(r *remembered, now time.Time) bool {
	switch {
	case !r.stopped.IsZero():
		until := finishOf(r).Add(m.linger)
		if late := r.stopped.Add(min(m.linger/2, lateLinger)); late.After(until) {
			until = late
		}
		return !now.Before(until)
	case r.err != nil:
		return !now.Before(r.failed.Add(m.linger))
	default:
		return false
	}
}

// finishOf is when a stopped session finished, as far as the API tells.
func finishOf(r *remembered) time.Time {
	if r.session.FinishedAt.IsZero() {
		return r.stopped
	}
	return r.session.FinishedAt
}

// saw takes over what was read of a session.
func (m *memory) saw(session apiclient.Session, discovered bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	r := m.remember(session.ID)
	r.discovered = r.discovered || discovered
	r.err, r.failed = nil, time.Time{}
	if session.Active() {
		*r = remembered{discovered: r.discovered}
		return
	}
	if r.stopped.IsZero() {
		r.stopped, r.pause = now, 0
	}
	kept := session // a variable of its own, so that active ones cost no allocation
	r.session, r.read = &kept, now
	settled := finishOf(r).Add(m.settle)
	if r.final = !now.Before(settled); r.final {
		return
	}
	m.postpone(r, now)
	// The last reading is the first one after it has settled, and none comes
	// shortly before that.
	if r.due.After(settled.Add(-r.pause / 4)) {
		r.due = settled
	}
}

// missed takes over that a session could not be read. Only what lies with the
// session is remembered; the API's own failures pass.
func (m *memory) missed(id string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	r := m.remember(id)
	if !r.stopped.IsZero() { // its values stay, and the next scrape tries again; not for ever if it is gone
		r.final = reasonOf(err) == apiclient.ReasonNotFound && !now.Before(finishOf(r).Add(2*m.settle))
		return
	}
	if isWholeAPI(err) {
		return
	}
	if r.err == nil {
		r.failed = now
	} else if reasonOf(err) == apiclient.ReasonNotFound { // confirmed: asked for now and then
		m.postpone(r, now)
	}
	r.err = err
}

// postpone sets when a session is asked for again.
func (m *memory) postpone(r *remembered, now time.Time) {
	r.pause = min(max(2*r.pause, firstPause), longestPause)
	jitter := 1 + pauseJitter*(2*rand.Float64()-1) //nolint:gosec // nobody gains from guessing it
	r.due = now.Add(time.Duration(float64(r.pause) * jitter))
}

// listPages returns how many pages the list of active sessions said last that it
// has, and how many it has shown; one each at least.
func (m *memory) listPages() (pages, shown int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(1, m.pages), max(1, m.shown)
}

// listed takes over how long the list is. Of one that was not read whole, some
// pages may only not have been reached.
func (m *memory) listed(pages, shown int, whole bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pages = pages; !whole {
		shown = max(shown, min(m.shown, pages))
	}
	m.shown = shown
}
