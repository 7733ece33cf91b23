package collector

import (
	"fmt"
	"strings"

	"browseruse_exporter/apiclient"
)

// What a Failure is about.
const (
	FailedSessions  = "sessions"
	FailedRereads   = "stopped sessions"
	FailedList      = "list of active sessions"
	FailedListItems = "items of the lists of sessions"
	FailedStopped   = "list of stopped sessions"
	FailedAccount   = "account"

	FailedAgents       = "agent sessions"
	FailedAgentRereads = "ended agent sessions"
	FailedAgentList    = "list of agent sessions"
)

// maxNamed is how many sessions a Failure names.
const maxNamed = 10

// Failure is what a Reading lacks for one reason.
type Failure struct {
	What       string // FailedSessions or another of these constants
	Reason     apiclient.Reason
	SessionIDs []string // the first of Count sessions; empty for what is no session
	Count      int
	Err        *apiclient.Error // why, of the first
}

// Failures returns what could not be read, one Failure for each reason: first the
// lists and their items and the account, then the sessions without values and those
// whose values may have changed since they were read, and likewise of agent sessions.
func (r *Reading) Failures() []Failure {
	var failures []Failure
	add := func(what string, count int, err *apiclient.Error) {
		if err != nil {
			failures = append(failures, Failure{What: what, Reason: err.Reason, Count: count, Err: err})
		}
	}
	add(FailedList, 1, r.ListErr)
	add(FailedStopped, 1, r.StoppedErr)
	add(FailedListItems, r.InvalidItems, r.InvalidItemsErr)
	add(FailedAccount, 1, r.AccountErr)
	failures = append(failures, failuresOf(FailedSessions, r.Sessions, func(s *SessionReading) *apiclient.Error { return s.Err })...)
	failures = append(failures, failuresOf(FailedRereads, r.Sessions, func(s *SessionReading) *apiclient.Error { return s.RereadErr })...)
	add(FailedAgentList, 1, r.AgentListErr)
	failures = append(failures, failuresOf(FailedAgents, r.AgentSessions, func(s *AgentSessionReading) *apiclient.Error { return s.Err })...)
	return append(failures, failuresOf(FailedAgentRereads, r.AgentSessions, func(s *AgentSessionReading) *apiclient.Error { return s.RereadErr })...)
}

// failuresOf returns the failures of sessions, by reason.
func failuresOf[S session](what string, sessions []Found[S], errOf func(*Found[S]) *apiclient.Error) []Failure {
	var failures []Failure
	byReason := map[apiclient.Reason]int{} // index in failures
	for i := range sessions {
		s := &sessions[i]
		failure := errOf(s)
		if failure == nil {
			continue
		}
		at, seen := byReason[failure.Reason]
		if !seen {
			at = len(failures)
			byReason[failure.Reason] = at
			failures = append(failures, Failure{What: what, Reason: failure.Reason, Err: failure})
		}
		if failures[at].Err.NotSent != "" { // one that was sent says more
			failures[at].Err = failure
		}
		failures[at].Count++
		if len(failures[at].SessionIDs) < maxNamed {
			failures[at].SessionIDs = append(failures[at].SessionIDs, s.ID)
		}
	}
	return failures
}

// String returns what could not be read, and why.
func (f *Failure) String() string {
	switch {
	case f.Count == 1 && len(f.SessionIDs) == 1:
		again := ""
		if f.What == FailedRereads || f.What == FailedAgentRereads {
			again = " again"
		}
		return fmt.Sprintf("%s %s could not be read%s: %v", strings.TrimSuffix(f.What, "s"), f.SessionIDs[0], again, f.Err)
	case len(f.SessionIDs) > 0:
		more := ""
		if n := f.Count - len(f.SessionIDs); n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		return fmt.Sprintf("%d %s could not be read (%s%s): %v", f.Count, f.What, strings.Join(f.SessionIDs, ", "), more, f.Err)
	case f.What == FailedListItems:
		return fmt.Sprintf("%d %s could not be read: %v", f.Count, f.What, f.Err)
	default:
		return fmt.Sprintf("the %s could not be read: %v", f.What, f.Err)
	}
}
