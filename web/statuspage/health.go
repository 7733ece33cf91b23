package statuspage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
)

// Level says how bad something is.
type Level string

// The levels.
const (
	Bad     Level = "bad"
	Warning Level = "warning"
	Note    Level = "note" // to know, not to act
	Good    Level = "good"
)

// Notice is a sentence about how the exporter fares. It gives times of day: how
// long ago something was would be read out anew at each refresh.
type Notice struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`
}

var simulated = Notice{Level: Note, Text: "A demo: the sessions, their costs and the account are simulated."}

// staleAfter is the age of a reading from which on no Prometheus can be scraping any
// more: above the longest scrape interval that Prometheus's staleness allows.
const staleAfter = 5 * time.Minute

// health returns how the exporter fares, the worst first.
func (s *Status) health() []Notice {
	var notices []Notice
	say := func(level Level, format string, args ...any) {
		notices = append(notices, Notice{Level: level, Text: fmt.Sprintf(format, args...)})
	}
	r, hold := s.reading, s.Exporter.HoldUntil
	if r == nil {
		return []Notice{{Note, "No scrape yet. This page sends the API no request: it shows what the last scrape found."}}
	}
	failures := r.Failures()
	switch {
	case !hold.IsZero():
		reason := sentence(strings.ReplaceAll(string(r.API.HoldReason), "_", " "))
		say(Bad, "%s The API wants no request until %s. Scrapes in that time are answered at once, without values.", reason, utc(hold))
	case !r.Up:
		say(Bad, "The API gave no usable answer: %s.", mainFailure(failures))
	}
	if !r.Complete {
		say(Warning, "The last reading was cut short: the scrape's deadline came first.")
	}
	if s.Timestamp.Sub(r.Start) > staleAfter {
		say(Warning, "The last scrape was at %s, so this is old. Does Prometheus still scrape?", utc(r.Start))
	}
	notices = slices.Concat(notices, s.SessionFile.notices("session"), s.KeyFile.notices("key"))
	if r.Up {
		sayMissing(say, failures)
		if n := s.Totals.Unreadable; n > 0 {
			say(Warning, "The API answers, but %s unreadable.", sessionsText(n, "is", "are"))
		}
	}
	answers := len(notices) == 0
	var over []string
	for i := range s.Attention {
		if a := &s.Attention[i]; a.overLimit {
			over = append(over, a.Text)
		}
	}
	if len(over) > 0 {
		say(Warning, "Enough for an alert: %s.", strings.Join(over, ", "))
	}
	if answers {
		say(Good, "The API answers.")
	}
	if s.Totals.LastKnown != nil {
		say(Note, "What is grey was read before that, last at %s.", utc(s.Totals.LastKnownTimestamp))
	}
	return notices
}

// sayMissing says what could not be read though the API answers, but for the
// sessions without values, each of which has a row that says so.
func sayMissing(say func(level Level, format string, args ...any), failures []collector.Failure) {
	for i := range failures {
		f := &failures[i]
		switch f.What {
		case collector.FailedSessions, collector.FailedAgents:
		case collector.FailedAgentList:
			level := Warning
			if f.Err.Refused() {
				level = Note // nothing else depends on it
			}
			say(level, "The list of agent sessions could not be read, %s.", collector.Explain(f.Err).Text)
		case collector.FailedList:
			say(Warning, "The list of active sessions could not be read whole, %s.", collector.Explain(f.Err).Text)
		default:
			say(Warning, "The %s could not be read, %s.", f.What, collector.Explain(f.Err).Text)
		}
	}
}

// mainFailure is why nothing was read: the first failure that is not merely the
// consequence of another.
func mainFailure(failures []collector.Failure) string {
	err := &apiclient.Error{Reason: apiclient.ReasonTimeout} // nothing came back before the deadline
	for i := range failures {
		if err = failures[i].Err; failures[i].Sent() {
			break
		}
	}
	return collector.Explain(err).Text
}

// NotKnown returns why it is not known which sessions there are, or "" if it is.
func (s *Status) NotKnown() string {
	switch {
	case s.reading == nil:
		return "Not known: nothing has been read yet."
	case !s.reading.Up:
		return "Not known: the API gave no usable answer."
	case s.reading.ListErr != nil:
		return "Not known: the list of active sessions could not be read whole."
	default:
		return ""
	}
}
