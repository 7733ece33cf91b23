package collector

import (
	"errors"
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

// example is one failure of its kind, and how many more there are.
type example struct {
	sessionID string // "" for what is no session
	err       error
	count     int
}

func newJournal(logger log.Logger) *journal {
	return &journal{logger: logger, failing: map[failure]bool{}, unknownStatuses: map[string]bool{}}
}

// write logs what r found that the reading before did not.
func (j *journal) write(r *Reading) {
	j.mu.Lock()
	defer j.mu.Unlock()
	failures := map[failure]example{}
	for i := range r.Sessions {
		s := &r.Sessions[i]
		if s.Err != nil {
			_ = level.Debug(j.logger).Log("msg", "Session could not be read", "session_id", s.ID, "err", s.Err)
			note(failures, "session", s.ID, s.Err)
		} else {
			j.writeStatus(&s.Session)
		}
	}
	if r.AccountErr != nil {
		note(failures, "account", "", r.AccountErr)
	}
	if r.ListErr != nil {
		note(failures, "list", "", r.ListErr)
	}
	j.writeChanges(failures)
}

// writeChanges logs the failures that are new and those that are over.
func (j *journal) writeChanges(failures map[failure]example) {
	for kind, e := range failures {
		if j.failing[kind] {
			continue
		}
		j.failing[kind] = true
		warn := level.Warn(j.logger)
		switch kind.what {
		case "account":
			_ = warn.Log("msg", "Account could not be read", "reason", kind.reason, "err", e.err)
		case "list":
			_ = warn.Log("msg", "List of active sessions could not be read", "reason", kind.reason, "err", e.err)
		default:
			_ = warn.Log("msg", "Sessions could not be read", "reason", kind.reason, "sessions", e.count, "session_id", e.sessionID, "err", e.err)
		}
	}
	for kind := range j.failing {
		if _, ok := failures[kind]; !ok {
			delete(j.failing, kind)
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
	_ = level.Warn(j.logger).Log("msg", "Unknown status, counted as active until the session has finished", "status", s.Status, "session_id", s.ID)
}

// note adds err to the failures of its kind. A scraper that went away is none.
func note(failures map[failure]example, what, sessionID string, err error) {
	kind := failure{what: what, reason: reasonOf(err)}
	if kind.reason == apiclient.ReasonCanceled {
		return
	}
	e, ok := failures[kind]
	if !ok {
		e = example{sessionID: sessionID, err: err}
	}
	e.count++
	failures[kind] = e
}

func reasonOf(err error) apiclient.Reason {
	var apiErr *apiclient.Error
	if errors.As(err, &apiErr) {
		return apiErr.Reason
	}
	return apiclient.ReasonConnection
}
