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
	writeSessions(l, r.Sessions, "Session could not be read", "Stopped session could not be read again",
		"Unknown status, counted as active until the session has finished")
	writeSessions(l, r.AgentSessions, "Agent session could not be read", "Ended agent session could not be read again",
		"Unknown status of an agent session, counted as ended")
	l.writeChanges(r.Failures(), r.Start)
}

// writeSessions logs which sessions of a kind could not be read, and statuses that the
// API's page does not know.
func writeSessions[S session](l *failureLog, sessions []Found[S], unread, unreadAgain, unknown string) {
	for i := range sessions {
		s := &sessions[i]
		if err := s.Err; err != nil {
			_ = level.Debug(l.logger).Log("msg", unread, "session_id", s.ID, "reason", err.Reason, "err", err)
			continue
		}
		if err := s.RereadErr; err != nil {
			_ = level.Debug(l.logger).Log("msg", unreadAgain, "session_id", s.ID, "reason", err.Reason, "err", err)
		}
		status := s.Session.Common().Status
		if s.Session.StatusKnown() || l.unknownStatuses[status] || len(l.unknownStatuses) >= maxUnknownStatuses {
			continue
		}
		l.unknownStatuses[status] = true
		_ = level.Warn(l.logger).Log("msg", unknown, "status", fmt.Sprintf("%.40s", status), "session_id", s.ID)
	}
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

	FailedAgents:       "Agent sessions could not be read",
	FailedAgentRereads: "Ended agent sessions could not be read again, their values stay",
	FailedAgentList:    "List of agent sessions could not be read whole",
}
