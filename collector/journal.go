package collector

import (
	"fmt"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"browseruse_exporter/apiclient"
)

// maxUnknownStatuses bounds what is remembered of statuses that nobody knows.
const maxUnknownStatuses = 10

// journal logs what readings find, once when it begins and once when it is
// over, not at each scrape.
type journal struct {
	logger log.Logger

	mu              sync.Mutex
	failing         map[failure]bool
	unknownStatuses map[string]bool
}

// failure is a kind of failure: what could not be read, and why.
type failure struct {
	what   string
	reason apiclient.Reason
}

func newJournal(logger log.Logger) *journal {
	return &journal{logger: logger, failing: map[failure]bool{}, unknownStatuses: map[string]bool{}}
}

// write logs what r found that the reading before did not.
func (j *journal) write(r *Reading) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range r.Sessions {
		if s := &r.Sessions[i]; s.Err != nil {
			_ = level.Debug(j.logger).Log("msg", "Session could not be read", "session_id", s.ID, "err", s.Err)
		} else {
			j.writeStatus(&s.Session)
		}
	}
	j.writeChanges(r.Failures())
}

// writeChanges logs the failures that are new, with what to do about them, and
// those that are over. One that gave way to another of the same thing is not: it
// still can't be read. A scraper that went away is none.
func (j *journal) writeChanges(failures []Failure) {
	now, worse := map[failure]bool{}, map[string]bool{}
	for i := range failures {
		f := &failures[i]
		kind := failure{what: f.What, reason: f.Reason}
		if f.Reason == apiclient.ReasonCanceled {
			continue
		}
		now[kind] = true
		if j.failing[kind] {
			continue
		}
		j.failing[kind], worse[kind.what] = true, true
		why := []any{"reason", f.Reason, "err", f.Err, "advice", f.Advice()}
		warn := level.Warn(j.logger)
		switch f.What {
		case FailedList:
			_ = log.With(warn, "msg", "List of active sessions could not be read").Log(why...)
		case FailedAccount:
			_ = log.With(warn, "msg", "Account could not be read").Log(why...)
		default:
			_ = log.With(warn, "msg", "Sessions could not be read", "sessions", f.Count, "session_id", f.SessionIDs[0]).Log(why...)
		}
	}
	for kind := range j.failing {
		if now[kind] {
			continue
		}
		delete(j.failing, kind)
		if !worse[kind.what] {
			_ = level.Info(j.logger).Log("msg", "Failure is over", "of", kind.what, "reason", kind.reason)
		}
	}
}

// writeStatus logs a status that the API's page does not know.
func (j *journal) writeStatus(s *apiclient.Session) {
	if s.StatusKnown() || j.unknownStatuses[s.Status] || len(j.unknownStatuses) >= maxUnknownStatuses {
		return
	}
	j.unknownStatuses[s.Status] = true
	_ = level.Warn(j.logger).Log("msg", "Unknown status, counted as active until the session has finished", "status", fmt.Sprintf("%.40s", s.Status), "session_id", s.ID)
}
