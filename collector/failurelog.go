package collector

import (
	"fmt"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"browseruse_exporter/apiclient"
)

// maxUnknownStatuses bounds how many unknown statuses are logged and remembered.
const maxUnknownStatuses = 10

// flapWindow is how long a failure must be over before it is logged anew if it
// comes back.
const flapWindow = 10 * time.Minute

// failureLog logs what readings lack, once when it begins and once when it is
// over, not at each scrape.
type failureLog struct {
	logger log.Logger

	mu              sync.Mutex
	newest          int // number of the newest reading
	failing         map[failureKind]*episode
	unknownStatuses map[string]bool
}

// failureKind is what could not be read, and why.
type failureKind struct {
	what   string
	reason apiclient.Reason
}

// episode is a kind of failure from its first reading until it has been over for
// flapWindow.
type episode struct {
	overSince time.Time // zero while it lasts
	flapping  bool      // it came back within flapWindow
}

func newFailureLog(logger log.Logger) *failureLog {
	return &failureLog{logger: logger, failing: map[failureKind]*episode{}, unknownStatuses: map[string]bool{}}
}

// write logs what changed since the reading before. A reading that began before
// one that was logged already is ignored.
func (l *failureLog) write(r *Reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.number < l.newest {
		return
	}
	l.newest = r.number
	for i := range r.Sessions {
		s := &r.Sessions[i]
		if err := asAPIError(s.Err); err != nil {
			_ = level.Debug(l.logger).Log("msg", "Session could not be read", "session_id", s.ID, "reason", err.Reason, "err", err)
			continue
		}
		if err := asAPIError(s.RereadErr); err != nil {
			_ = level.Debug(l.logger).Log("msg", "Stopped session could not be read again", "session_id", s.ID, "reason", err.Reason, "err", err)
		}
		l.writeStatus(s.Session)
	}
	l.writeChanges(r.Failures(), r.Start)
}

// writeChanges logs the failures that begin, with advice, and those that are over.
// If one failure replaces another of the same target, no recovery is logged: the
// target still fails. Canceled requests are ignored.
func (l *failureLog) writeChanges(failures []Failure, now time.Time) {
	current, targets := map[failureKind]bool{}, map[string]bool{}
	for i := range failures {
		f := &failures[i]
		if f.Reason == apiclient.ReasonCanceled {
			continue
		}
		kind := failureKind{what: f.What, reason: f.Reason}
		current[kind], targets[kind.what] = true, true
		switch e := l.failing[kind]; {
		case e == nil:
			l.failing[kind] = &episode{}
			l.logFailure(f)
		case !e.overSince.IsZero() && !e.flapping:
			_ = level.Warn(l.logger).Log("msg", "Fails on and off, the next line comes when it is over for good",
				"target", kind.what, "reason", kind.reason)
			e.flapping = true
			fallthrough
		default:
			e.overSince = time.Time{}
		}
	}
	for kind, e := range l.failing {
		recovered := false
		switch {
		case current[kind]:
		case e.overSince.IsZero():
			e.overSince = now
			recovered = !e.flapping
		case now.Sub(e.overSince) >= flapWindow:
			delete(l.failing, kind)
			recovered = e.flapping
		}
		if recovered && !targets[kind.what] {
			_ = level.Info(l.logger).Log("msg", "Recovered", "target", kind.what, "reason", kind.reason)
		}
	}
}

// logFailure logs a failure that begins.
func (l *failureLog) logFailure(f *Failure) {
	why := []any{"reason", f.Reason, "err", f.Err, "advice", f.Advice()}
	if len(f.SessionIDs) > 0 {
		why = append([]any{"sessions", f.Count, "session_id", f.SessionIDs[0]}, why...)
	}
	logger := log.With(level.Warn(l.logger), "msg", logMessages[f.What])
	_ = logger.Log(why...)
}

var logMessages = map[string]string{
	FailedSessions:  "Sessions could not be read",
	FailedRereads:   "Stopped sessions could not be read again, their values stay",
	FailedList:      "List of active sessions could not be read",
	FailedStopped:   "List of stopped sessions could not be read",
	FailedListItems: "Items of the lists of sessions could not be read",
	FailedAccount:   "Account could not be read",
}

// writeStatus logs a status that the API's page does not know.
func (l *failureLog) writeStatus(s *apiclient.Session) {
	if s.StatusKnown() || l.unknownStatuses[s.Status] || len(l.unknownStatuses) >= maxUnknownStatuses {
		return
	}
	l.unknownStatuses[s.Status] = true
	_ = level.Warn(l.logger).Log("msg", "Unknown status, counted as active until the session has finished",
		"status", fmt.Sprintf("%.40s", s.Status), "session_id", s.ID)
}
