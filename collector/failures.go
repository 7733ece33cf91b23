package collector

import (
	"errors"
	"fmt"

	"browseruse_exporter/apiclient"
)

// What a Failure is about.
const (
	FailedSessions = "sessions"
	FailedList     = "list of active sessions"
	FailedAccount  = "account"
)

// Failure is what a Reading lacks for one reason.
type Failure struct {
	What      string // FailedSessions, FailedList or FailedAccount
	Reason    apiclient.Reason
	SessionID string // the first of Count sessions; "" for what is no session
	Count     int
	Err       error // why, of the first
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
			failures = append(failures, Failure{What: FailedSessions, Reason: reason, SessionID: s.ID, Err: s.Err})
		}
		failures[at].Count++
	}
	return failures
}

// Advice says in words what the failure means and what to do about it.
func (f *Failure) Advice() string {
	var apiErr *apiclient.Error
	if errors.As(f.Err, &apiErr) {
		return apiErr.Advice()
	}
	return ""
}

// String says what could not be read, and why.
func (f *Failure) String() string {
	switch {
	case f.What == FailedSessions && f.Count == 1:
		return fmt.Sprintf("session %s could not be read: %v", f.SessionID, f.Err)
	case f.What == FailedSessions:
		return fmt.Sprintf("%d sessions could not be read, %s among them: %v", f.Count, f.SessionID, f.Err)
	default:
		return fmt.Sprintf("the %s could not be read: %v", f.What, f.Err)
	}
}

func reasonOf(err error) apiclient.Reason {
	var apiErr *apiclient.Error
	if errors.As(err, &apiErr) {
		return apiErr.Reason
	}
	return apiclient.ReasonConnection
}
