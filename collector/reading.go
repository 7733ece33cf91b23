package collector

import (
	"time"

	"browseruse_exporter/apiclient"
)

// Reading is what one look at the API found. It does not change any more and may
// be shared.
type Reading struct {
	Start     time.Time
	Duration  time.Duration // until it was complete, or until it was cut short
	Up        bool          // the API answered a request, or none was needed
	Complete  bool          // false if it was cut short by a deadline
	API       APIState      // the API client's state at the end; zero until then
	SpendRate *SpendRate    // nil if it is not known

	Sessions []SessionReading // in the order of their IDs

	Account    *apiclient.Account // nil if it was not asked for, or could not be read
	AccountErr error              // why it could not be read

	ListErr error // why the list of active sessions could not be read whole, if it was asked for

	StoppedErr error // why the newest of the stopped sessions could not be read, if they were asked for

	InvalidItems    int   // items of the lists that could not be read and name no session
	InvalidItemsErr error // why, of one of them

	SessionFile *FileState // nil without one
	KeyFile     *FileState // nil without one

	MetadataLabels []string // that Metadata fills, sorted

	number int // counts up from one reading to the next: a clock may go back
	now    func() time.Time
	info   *infoDesc // nil: none
	shared *sharedFamilies
}

// SessionReading is one session of a Reading.
type SessionReading struct {
	ID      string
	Session apiclient.Session // zero if Err is set
	ReadAt  time.Time         // when its values were read; zero if Err is set
	Err     error             // why its values could not be read

	// RereadErr is why the values could not be read again, although they may have
	// changed since ReadAt; nil if Err is set.
	RereadErr error

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

// FileState is how a file that is read again was found.
type FileState struct {
	LoadedAt time.Time // when the content in force was loaded
	Err      error     // why the file as it is now is not in force; nil if it is
}

// AllRead reports whether every session that was asked for was read; the account,
// and stopped sessions that nobody asked for, do not count.
func (r *Reading) AllRead() bool {
	for _, failure := range r.Failures() {
		if failure.What != FailedAccount && failure.What != FailedStopped {
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

// TimeoutRemaining returns the seconds from now until the session times out,
// negative if it is overdue: the value of its gauge.
func (s *SessionReading) TimeoutRemaining(now time.Time) float64 {
	return SecondsUntil(s.Session.TimeoutAt, now)
}

// SecondsUntil returns how many seconds t is after now, negative if it is before. A time.Duration would end at 292 years,
// and a session that is to run for ever may have a timeout in the year 9999.
func SecondsUntil(t, now time.Time) float64 {
	return float64(t.Unix()-now.Unix()) + float64(t.Nanosecond()-now.Nanosecond())/1e9
}
