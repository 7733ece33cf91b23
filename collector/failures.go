package collector

import (
	"fmt"
	"strings"

	"browseruse_exporter/apiclient"
)

// What a Failure is about.
const (
	FailedSessions = "sessions"
	FailedList     = "list of active sessions"
	FailedAccount  = "account"
)

// mostNamed is how many sessions a Failure names.
const mostNamed = 10

// Failure is what a Reading lacks for one reason.
type Failure struct {
	What       string // FailedSessions, FailedList or FailedAccount
	Reason     apiclient.Reason
	SessionIDs []string // the first of Count sessions; none for what is no session
	Count      int
	Err        error // why, of the first
}

// Failures returns what could not be read: first the list, then the account,
// then the sessions, one Failure for each reason.
func (r *Reading) Failures() []Failure {
	var failures []Failure
	if r.ListErr != nil {
		failures = append(failures, Failure{What: FailedList, Reason: reasonOf(r.ListErr), Count: 1, Err: r.ListErr})
	}
	if r.AccountErr != nil {
		failures = append(failures, Failure{What: FailedAccount, Reason: reasonOf(r.AccountErr), Count: 1, Err: r.AccountErr})
	}
	byReason := map[apiclient.Reason]int{} // where in failures
	for i := range r.Sessions {
		s := &r.Sessions[i]
		if s.Err == nil {
			continue
		}
		reason := reasonOf(s.Err)
		at, seen := byReason[reason]
		if !seen {
			at = len(failures)
			byReason[reason] = at
			failures = append(failures, Failure{What: FailedSessions, Reason: reason, Err: s.Err})
		}
		failures[at].Count++
		if len(failures[at].SessionIDs) < mostNamed {
			failures[at].SessionIDs = append(failures[at].SessionIDs, s.ID)
		}
	}
	return failures
}

// String says what could not be read, and why.
func (f *Failure) String() string {
	switch {
	case f.What == FailedSessions && f.Count == 1:
		return fmt.Sprintf("session %s could not be read: %v", f.SessionIDs[0], f.Err)
	case f.What == FailedSessions:
		more := ""
		if n := f.Count - len(f.SessionIDs); n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		return fmt.Sprintf("%d sessions could not be read (%s%s): %v", f.Count, strings.Join(f.SessionIDs, ", "), more, f.Err)
	default:
		return fmt.Sprintf("the %s could not be read: %v", f.What, f.Err)
	}
}

func reasonOf(err error) apiclient.Reason {
	return asAPIError(err).Reason
}
