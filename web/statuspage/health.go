package statuspage

import (
	"fmt"
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

// Notice is a sentence about how the exporter fares. It tells times by the clock:
// one that said how long ago would be read out anew at each refresh.
type Notice struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`
}

// staleAfter is how old a reading is when nobody can be scraping any more:
// above the longest scrape interval that Prometheus's staleness allows.
const staleAfter = 5 * time.Minute

// health says how the exporter fares, the worst first.
func (s *Status) health(r *collector.Reading) []Notice {
	var notices []Notice
	say := func(level Level, format string, args ...any) {
		notices = append(notices, Notice{Level: level, Text: fmt.Sprintf(format, args...)})
	}
	hold := s.Exporter.HoldUntil
	if !hold.IsZero() {
		say(Bad, "Rate limited: the API wants no request until %s. Scrapes in that time are answered at once, without values.", utc(hold))
	}
	if r == nil {
		say(Note, "No scrape yet. This page asks the API nothing by itself: it shows what the last scrape found.")
		return notices
	}
	if !r.Up && hold.IsZero() {
		say(Bad, "The API gave no usable answer: %s.", s.mainFailure())
	}
	if !r.Complete {
		say(Warning, "The last reading was cut short: the scrape's deadline came first.")
	}
	if s.Timestamp.Sub(r.Start) > staleAfter {
		say(Warning, "The last scrape was at %s, so this is old. Does Prometheus still scrape?", utc(r.Start))
	}
	if f := s.SessionFile; f != nil && !f.LastReloadSuccessful {
		say(Warning, "The session file is bad or gone: its content of %s stays in force. The log says what is wrong.", utc(f.LastReloadSuccessTimestamp))
	}
	if r.Up {
		s.sayMissing(say)
	}
	if len(notices) == 0 {
		say(Good, "The API answers.")
	}
	return notices
}

// sayMissing says what is missing though the API answers.
func (s *Status) sayMissing(say func(level Level, format string, args ...any)) {
	if err := s.Reading.ListError; err != nil {
		say(Warning, "The list of active sessions could not be read whole, %s.", err.Text)
	}
	if err := s.AccountError; err != nil {
		say(Warning, "The account could not be read, %s.", err.Text)
	}
	if n := s.Totals.Unreadable; n > 0 {
		say(Warning, "The API answers, but %s unreadable.", sessionsText(n, "is", "are"))
	}
}

// mainFailure is why most of what the reading asked for was not read.
func (s *Status) mainFailure() string {
	var unreadable []*Session
	for i := range s.Sessions {
		if !s.Sessions[i].Up {
			unreadable = append(unreadable, &s.Sessions[i])
		}
	}
	switch reasons := reasonsOf(unreadable); {
	case s.Reading.ListError != nil:
		return s.Reading.ListError.Text
	case len(reasons) > 0:
		return withReason(unreadable, reasons[0])[0].Error.Text
	case s.AccountError != nil:
		return s.AccountError.Text
	default:
		return (&apiclient.Error{Reason: apiclient.ReasonTimeout}).Explain() // nothing came back before the deadline
	}
}
