package statuspage

import (
	"fmt"
	"time"

	"browseruse_exporter/apiclient"
)

// Display is what the page says in words beside its tables. Its wording may
// change: scripts take the numbers.
type Display struct {
	Tiles    []Fact        `json:"tiles"`    // what matters first
	Facts    []Fact        `json:"facts"`    // about the exporter
	Failures []FailureFact `json:"failures"` // of requests since the start
	Calm     string        `json:"calm"`     // in place of an empty list of what to look at
	Empty    string        `json:"empty"`    // in place of a table without sessions
}

// Fact is a value with its name.
type Fact struct {
	Label string `json:"label"`
	Value string `json:"value"`
	Note  string `json:"note,omitempty"`
}

// FailureFact is a kind of failure.
type FailureFact struct {
	Label         string    `json:"label"` // what could not be read, and how often
	LastTimestamp time.Time `json:"last_timestamp"`
	Text          string    `json:"text"`
}

// unknown takes the place of a value that is not known.
const unknown = "–"

func (s *Status) display(telemetryPath string) Display {
	calm, empty := s.nothing(telemetryPath)
	return Display{Tiles: s.tiles(), Facts: s.facts(), Failures: s.failures(), Calm: calm, Empty: empty}
}

// nothing says what it means that there is nothing to look at, or no session.
func (s *Status) nothing(telemetryPath string) (calm, empty string) {
	switch {
	case s.Reading == nil:
		return "Not known: nothing has been read yet.",
			"Nothing has been read yet. Let Prometheus scrape " + telemetryPath + ", or open it yourself: that costs a few requests to the API, this page none."
	case !*s.Up:
		empty = "Not known: the API gave no usable answer."
		return empty, empty
	case s.Reading.ListError != nil:
		empty = "Not known: the list of active sessions could not be read whole."
		return empty, empty
	default:
		return "Nothing: no session is active, and none is unreadable.", "No session: none is active, and none ended a short while ago."
	}
}

func (s *Status) tiles() []Fact {
	active := Fact{Label: "Active now", Value: unknown}
	spent := Fact{Label: "Cost of those active", Value: unknown}
	pace := Fact{Label: "An hour at this pace", Value: unknown}
	all := Fact{Label: "Cost of all exported", Value: unknown}
	proxy := Fact{Label: "Through the proxy, MB", Value: unknown}
	credit := Fact{Label: "Credit left", Value: unknown}
	if t := s.Totals; t != nil && t.Sums != nil {
		active.Value, active.Note = count(t.Active), fmt.Sprintf("and %s stopped", count(t.Stopped))
		if s.Reading.ListError != nil {
			active.Value += " or more"
		}
		if t.Unreadable > 0 {
			active.Note += fmt.Sprintf(", %s unreadable", count(t.Unreadable))
		}
		spent.Value, spent.Note = usd(t.ActiveCostUSD), "so far"
		all.Value, all.Note = usd(t.CostUSD), usd(t.BrowserCostUSD)+" browser, "+usd(t.ProxyCostUSD)+" proxy"
		proxy.Value, proxy.Note = megabytes(t.ProxyUsedMegabytes), "by all exported"
		pace.Note = "needs two scrapes, 1 to 15 minutes apart"
		if t.Pace != nil {
			pace.Value, pace.Note = usd(t.Pace.USDPerHour), "by the last "+duration(seconds(t.Pace.OverSeconds))
		}
	}
	if a := s.Account; a != nil {
		credit.Value = usd(sum(a.Credits.Monthly, a.Credits.Additional))
		credit.Note = usd(a.Credits.Monthly) + " of it monthly"
	}
	return []Fact{active, spent, pace, all, proxy, credit}
}

func (s *Status) facts() []Fact {
	up := s.Timestamp.Sub(s.Exporter.StartTimestamp)
	over := "over the last 5 minutes"
	if up < 5*time.Minute {
		over = "since the start"
	}
	facts := []Fact{{Label: "Requests a minute", Value: fmt.Sprintf("%.1f", s.Exporter.PerMinute), Note: over}}
	add := func(label, value, note string) { facts = append(facts, Fact{label, value, note}) }
	if r := s.Reading; r != nil {
		add("Requests of the last scrape", count(r.APIRequests), "with retries")
		add("The last reading took", seconds(r.Seconds).Round(time.Millisecond).String(), "")
	}
	if hold := s.Exporter.HoldUntil; hold.IsZero() {
		add("Pause after a 429", "none", "")
	} else {
		add("Pause after a 429", duration(hold.Sub(s.Timestamp))+" left", "until "+utc(hold))
	}
	if a := s.Account; a != nil {
		if a.ConcurrentSessionsLimit != nil {
			add("Sessions allowed at once", thousands(*a.ConcurrentSessionsLimit, 0), "")
		}
		add("Project", a.Info.ProjectID, a.Info.Plan)
	}
	add("Up for", duration(up), "since "+utc(s.Exporter.StartTimestamp))
	add("Version", s.Exporter.Version, "")
	return facts
}

// endpointNames say what each endpoint is asked for.
var endpointNames = map[apiclient.Endpoint]string{
	apiclient.EndpointBrowser:  "Session",
	apiclient.EndpointBrowsers: "List of active sessions",
	apiclient.EndpointAccount:  "Account",
}

func (s *Status) failures() []FailureFact {
	facts := make([]FailureFact, 0, len(s.Exporter.Failures))
	for _, f := range s.Exporter.Failures {
		failures := " failures"
		if f.Total == 1 {
			failures = " failure"
		}
		text := f.Text
		if f.Reason == apiclient.ReasonRateLimited && s.Exporter.HoldUntil.IsZero() {
			text = "rate limited: the project's requests a second were used up; the pause that the API wanted is over"
		}
		facts = append(facts, FailureFact{Label: endpointNames[f.Endpoint] + ": " + count(f.Total) + failures, LastTimestamp: f.LastTimestamp, Text: text})
	}
	return facts
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
