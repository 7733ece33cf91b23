package collector

import (
	"slices"
	"strings"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/reloadfile"
)

// Reading is what the requests of one scrape, or of several that share them, found. It does
// not change any more and may be shared.
type Reading struct {
	Start     time.Time
	Duration  time.Duration // until it was complete, or until it was cut short
	Up        bool          // the API answered a request, or none was needed
	Complete  bool          // false if it was cut short by a deadline
	API       APIState      // the API client's state at the end; zero until then
	SpendRate *SpendRate    // nil if it is not known

	Sessions []SessionReading // in the order of their IDs

	Account    *apiclient.Account // nil if it was not asked for, or could not be read
	AccountErr *apiclient.Error   // why it could not be read

	ListErr *apiclient.Error // why the list of active sessions could not be read whole, if it was asked for

	StoppedErr *apiclient.Error // why the newest of the stopped sessions could not be read, if they were asked for

	AgentSessions []AgentSessionReading // in the order of their IDs; nil if they were not asked for
	AgentListErr  *apiclient.Error      // why the newest of them, or one of these, could not be read, if they were asked for

	InvalidItems    int              // items of the lists that could not be read and name no session
	InvalidItemsErr *apiclient.Error // why, of one of them

	SessionFile *reloadfile.Status // nil without one
	KeyFile     *reloadfile.Status // nil without one

	MetadataLabels []string // that Metadata fills, sorted

	number int // counts up from one reading to the next: a clock may go back
	now    func() time.Time
	info   *infoDesc // nil: none
	shared *sharedFamilies

	// What earlier readings found of sessions that this one could not read, in the order
	// of their IDs: for people, and never for metrics.
	stale       []SessionReading
	staleAgents []AgentSessionReading
}

// session is what the API says of a session, be it of a browser or of an agent.
type session interface {
	Common() *apiclient.Record
	Active() bool
	StatusKnown() bool
	Cost() float64
}

// SessionReading is one browser session of a Reading.
type SessionReading = Found[*apiclient.Session]

// AgentSessionReading is one agent session of a Reading.
type AgentSessionReading = Found[*apiclient.AgentSession]

// Found is what a Reading has of one session.
type Found[S session] struct {
	ID      string
	Session S                // nil if Err is set
	ReadAt  time.Time        // when its values were read; zero if Err is set
	Err     *apiclient.Error // why its values could not be read

	// RereadErr is why the values could not be read again, although they may have
	// changed since ReadAt; nil if Err is set.
	RereadErr *apiclient.Error

	fresh  bool // recorded in this reading, be it a failure
	read   bool // its values are of this reading
	hidden bool // it has no series of its own (yet)
}

// APIState is the state of the API client.
type APIState struct {
	HoldUntil  time.Time                // until when it sends no request because the API asked for a pause; zero: it does
	HoldReason apiclient.Reason         // of the response that asked for it
	Requests   int                      // that the reading sent, retries included
	Failures   []apiclient.FailureCount // since the exporter's start, the latest first
}

// keepStale keeps for r what the reading before it, or those before that, found of the
// sessions that r could not read.
func (r *Reading) keepStale(last *Reading) {
	if last != nil {
		r.stale = staleOf(r.Sessions, last.Sessions, last.stale)
		r.staleAgents = staleOf(r.AgentSessions, last.AgentSessions, last.staleAgents)
	}
}

func staleOf[S session](now []Found[S], earlier ...[]Found[S]) []Found[S] {
	var kept []Found[S]
	for i := range now {
		if now[i].Err == nil {
			continue
		}
		for _, sessions := range earlier {
			if known := find(sessions, now[i].ID); known != nil && known.Err == nil {
				kept = append(kept, *known)
				break
			}
		}
	}
	return kept
}

// StaleSession returns what an earlier reading found of a session that r could not
// read, or nil.
func (r *Reading) StaleSession(id string) *SessionReading { return find(r.stale, id) }

// StaleAgent is StaleSession for agent sessions.
func (r *Reading) StaleAgent(id string) *AgentSessionReading { return find(r.staleAgents, id) }

// find returns the session of this ID, or nil.
func find[S session](sessions []Found[S], id string) *Found[S] {
	i, found := slices.BinarySearchFunc(sessions, id, func(s Found[S], id string) int { return strings.Compare(s.ID, id) })
	if !found {
		return nil
	}
	return &sessions[i]
}

// AllRead reports whether every session that is exported was read. The account, agent
// sessions, and the list of stopped sessions do not count.
func (r *Reading) AllRead() bool {
	for _, failure := range r.Failures() {
		switch failure.What {
		case FailedSessions, FailedRereads, FailedList, FailedListItems:
			return false
		}
	}
	return r.Complete && r.Up
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// timestamp is t in seconds since the epoch, to the microseconds that the API
// gives.
func timestamp(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// SecondsUntil returns how many seconds t is after now, negative if it is before. A time.Duration would end at 292 years,
// and a session that is to run for ever may have a timeout in the year 9999.
func SecondsUntil(t, now time.Time) float64 {
	return float64(t.Unix()-now.Unix()) + float64(t.Nanosecond()-now.Nanosecond())/1e9
}
