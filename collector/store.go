package collector

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
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

// lateLinger caps how long a discovered session is still exported when its linger
// had already expired by the time it was first read as stopped, as after an
// outage, so that its final cost gets scraped.
const lateLinger = 5 * time.Minute

// sessionStore is what earlier readings found out about the sessions of one kind. It
// holds no more than what is exported. It is safe for concurrent use.
type sessionStore[S session] struct {
	options *Options
	pages   atomic.Int64               // that the list of active sessions had last; 0 before it was read
	newest  atomic.Pointer[newestList] // the list that has the newest sessions, as it was last; nil before it was read

	mu       sync.Mutex // never held while waiting
	sessions map[string]*storedSession[S]
}

// newStore returns an empty store.
func newStore[S session](o *Options) *sessionStore[S] {
	return &sessionStore[S]{options: o, sessions: map[string]*storedSession[S]{}}
}

// storedSession is what is known of one session.
type storedSession[S session] struct {
	discovered bool // through the list, so that it is exported though its ID is not configured
	shown      bool // it has series of its own

	session   S                // as it was read last, if stopped is set; else nil
	readAt    time.Time        // when that was
	stopped   time.Time        // when it was first read as stopped; zero: it never was, or runs again
	final     bool             // it is never asked for again
	rereadErr *apiclient.Error // why it could not be read again since; nil if it was, or need not be

	err         *apiclient.Error // why it could not be read, if that lies with the session and not with the API
	failedSince time.Time        // since when it can't be read though the API works
	triedAt     time.Time        // when a request for it failed last

	due   time.Time // when it is asked for again, if it is stopped or missing
	pause time.Duration
}

// readPlan is what a reading has to do.
type readPlan[S session] struct {
	known  []Found[S] // with values or a failure in the store
	unread []string   // active as far as is known, or not known at all
	due    []string   // those that are known and may have changed
}

// plan returns what to do for the configured sessions and those discovered, and
// removes what is not exported any more.
func (s *sessionStore[S]) plan(configured []string) readPlan[S] {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	var p readPlan[S]
	exported := make(map[string]bool, len(configured))
	for _, id := range configured {
		exported[id] = true
		s.get(id).shown = true
	}
	for id, stored := range s.sessions {
		if !exported[id] && (!stored.discovered || s.isOver(stored, now)) {
			delete(s.sessions, id)
			continue
		}
		isDue := !stored.final && !now.Before(stored.due)
		if isDue && stored.stopped.IsZero() {
			p.unread = append(p.unread, id)
			continue
		}
		if isDue {
			p.due = append(p.due, id)
		}
		p.known = append(p.known, Found[S]{ID: id, Session: stored.session, ReadAt: stored.readAt, Err: stored.err, RereadErr: stored.rereadErr})
	}
	return p
}

// sortByTrial sorts sessions so that those whose requests failed come last, the
// latest at the end: a few that always fail must not keep others from being read.
func (s *sessionStore[S]) sortByTrial(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(s.get(a).triedAt.Compare(s.get(b).triedAt), cmp.Compare(a, b))
	})
}

// get returns the entry of a session, and makes one if it has to. s.mu is held.
func (s *sessionStore[S]) get(id string) *storedSession[S] {
	stored := s.sessions[id]
	if stored == nil {
		stored = &storedSession[S]{}
		s.sessions[id] = stored
	}
	return stored
}

// hide marks the sessions that have no series of their own. One that has them keeps
// them when its cost falls.
func (s *sessionStore[S]) hide(sessions []Found[S]) {
	if s.options.MinAge == 0 && s.options.MinCost == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	for i := range sessions {
		session := &sessions[i]
		stored := s.sessions[session.ID]
		if stored == nil || !stored.shown && !s.isWorthSeries(session, now) {
			session.hidden = true
			continue
		}
		stored.shown = true
	}
}

// isWorthSeries reports whether a session is old enough, or has cost enough, for
// series of its own.
func (s *sessionStore[S]) isWorthSeries(session *Found[S], now time.Time) bool {
	if session.Err != nil {
		return false
	}
	record := session.Session.Common()
	if !record.FinishedAt.IsZero() {
		now = record.FinishedAt
	}
	return s.options.MinAge > 0 && now.Sub(record.StartedAt) >= s.options.MinAge ||
		s.options.MinCost > 0 && session.Session.Cost() >= s.options.MinCost
}

// isOver reports whether a discovered session has been exported for long enough.
func (s *sessionStore[S]) isOver(stored *storedSession[S], now time.Time) bool {
	switch {
	case !stored.stopped.IsZero():
		until, extra := stored.finish().Add(s.options.Linger), min(s.options.Linger/2, lateLinger)
		if late := stored.stopped.Add(extra); late.After(until) {
			until = late
		}
		if missed := stored.rereadErr != nil || stored.due.Before(until); missed && !stored.final { // in an outage
			until = until.Add(extra)
		}
		return !now.Before(until)
	case !stored.failedSince.IsZero():
		return !now.Before(stored.failedSince.Add(s.options.Linger))
	default:
		return false
	}
}

// finish returns when a stopped session finished, as far as the API says. A time
// after it was read as stopped is no finish, but another clock.
func (r *storedSession[S]) finish() time.Time {
	if finish := r.session.Common().FinishedAt; !finish.IsZero() && !finish.After(r.stopped) {
		return finish
	}
	return r.stopped
}

// recordRead stores what was read of a session.
func (s *sessionStore[S]) recordRead(session S, discovered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	stored := s.get(session.Common().ID)
	discovered = stored.discovered || discovered
	if session.Active() {
		*stored = storedSession[S]{discovered: discovered, shown: stored.shown}
		return
	}
	if stored.stopped.IsZero() {
		stored.stopped, stored.pause = now, 0
	}
	stored.discovered, stored.session, stored.readAt = discovered, session, now
	stored.err, stored.rereadErr, stored.failedSince, stored.triedAt = nil, nil, time.Time{}, time.Time{}
	settled := stored.finish().Add(s.options.Settle)
	if stored.final = !now.Before(settled); stored.final {
		return
	}
	stored.postpone(now, settled)
}

// clockSkew is how far another clock may be ahead of ours before its times are not
// believed.
const clockSkew = 5 * time.Minute

// recordNewest stores what the page with the newest sessions has of one, and reports
// whether it is exported, and whether no reading found it before. One that has
// lingered already, or is final, is left as it is.
func (s *sessionStore[S]) recordNewest(session S) (exported, isNew bool) {
	record := session.Common()
	s.mu.Lock()
	stored, now := s.sessions[record.ID], s.options.Now()
	s.mu.Unlock()
	lingers := now.Before(record.FinishedAt.Add(s.options.Linger)) && record.FinishedAt.Before(now.Add(clockSkew))
	if !session.Active() && (stored == nil && !lingers || stored != nil && stored.final) {
		return false, false
	}
	s.recordRead(session, true)
	return true, stored == nil
}

// discover stores that sessions are exported though their IDs are not configured.
func (s *sessionStore[S]) discover(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.get(id).discovered = true
	}
}

// recordFailure stores that a session could not be read. Failures of the API as a
// whole end with it: forgiveFailures removes them.
func (s *sessionStore[S]) recordFailure(id string, failure *apiclient.Error) {
	if failure.NotSent != "" || failure.Reason == apiclient.ReasonCanceled {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	stored := s.get(id)
	stored.triedAt = now
	if !stored.stopped.IsZero() { // its values stay; not for ever if it is gone
		stored.rereadErr = failure
		if failure.Gone() && !now.Before(stored.finish().Add(2*s.options.Settle)) {
			stored.final, stored.rereadErr = true, nil
		}
		stored.postpone(now, stored.finish().Add(s.options.Settle))
		return
	}
	if stored.failedSince.IsZero() {
		stored.failedSince = now
	}
	if !isOwnFailure(failure) {
		return
	}
	if stored.err != nil && failure.Gone() { // confirmed
		stored.postpone(now, time.Time{})
	}
	stored.err = failure
}

// forgiveFailures removes what was stored of failures of the API as a whole: that a
// session can't be read then says nothing of the session.
func (s *sessionStore[S]) forgiveFailures() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stored := range s.sessions {
		if stored.err == nil {
			stored.failedSince = time.Time{}
		}
	}
}

// postpone sets when a session is asked for again. Of one that settles later, the
// last reading is the first one after it has, and none comes shortly before that.
func (r *storedSession[S]) postpone(now, settled time.Time) {
	r.pause = min(max(2*r.pause, firstPause), longestPause)
	jitter := 1 + pauseJitter*(2*rand.Float64()-1) //nolint:gosec // no secret
	r.due = now.Add(time.Duration(float64(r.pause) * jitter))
	if now.Before(settled) && r.due.After(settled.Add(-r.pause/4)) {
		r.due = settled
	}
}

// isOwnFailure reports whether a failure lies with the session asked for.
func isOwnFailure(failure *apiclient.Error) bool {
	switch failure.Reason {
	case apiclient.ReasonNotFound, apiclient.ReasonRejected, apiclient.ReasonInvalidResponse:
		return !failure.Foreign
	default:
		return false
	}
}
