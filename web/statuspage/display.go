package statuspage

import (
	"fmt"
	"time"
)

// Display is what the page says in words beside its tables. Its wording may
// change: scripts take the numbers.
type Display struct {
	Tiles []Fact `json:"tiles"` // what matters first
	Facts []Fact `json:"facts"` // about the exporter
	Empty string `json:"empty"` // in place of a table without sessions
}

// Fact is a value with its name.
type Fact struct {
	Label string `json:"label"`
	Value string `json:"value"`
	Note  string `json:"note,omitempty"`
}

// unknown takes the place of a value that is not known.
const unknown = "–"

func (s *Status) display(telemetryPath string) Display {
	return Display{Tiles: s.tiles(), Facts: s.facts(), Empty: s.empty(telemetryPath)}
}

func (s *Status) empty(telemetryPath string) string {
	switch {
	case s.Reading == nil:
		return "Nothing has been read yet. Let Prometheus scrape " + telemetryPath + ", or open it yourself: that costs a few requests to the API, this page none."
	case !*s.Up:
		return "Not known: the API gave no usable answer."
	default:
		return "No session: none is active, and none ended a short while ago."
	}
}

func (s *Status) tiles() []Fact {
	active := Fact{Label: "Active now", Value: unknown}
	spent := Fact{Label: "Cost of those active", Value: unknown}
	pace := Fact{Label: "An hour at this pace", Value: unknown}
	all := Fact{Label: "Cost of all below", Value: unknown}
	proxy := Fact{Label: "Through the proxy", Value: unknown}
	credit := Fact{Label: "Credit left", Value: unknown}
	if t := s.Totals; t != nil && t.Sums != nil {
		active.Value, active.Note = fmt.Sprint(t.Active), fmt.Sprintf("and %d stopped", t.Stopped)
		if t.Unreadable > 0 {
			active.Note += fmt.Sprintf(", %d unreadable", t.Unreadable)
		}
		spent.Value, spent.Note = usd(t.ActiveCostUSD), "so far"
		all.Value, all.Note = usd(t.CostUSD), usd(t.BrowserCostUSD)+" browser, "+usd(t.ProxyCostUSD)+" proxy"
		proxy.Value = megabytes(t.ProxyUsedMegabytes) + " MB"
		proxy.Note = "all below"
		pace.Note = "known in a minute or two"
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
	facts := []Fact{{Label: "Requests a minute", Value: fmt.Sprintf("%.1f", s.Exporter.PerMinute), Note: "over the last 5 minutes"}}
	add := func(label, value, note string) { facts = append(facts, Fact{label, value, note}) }
	if r := s.Reading; r != nil {
		add("Requests of the last scrape", fmt.Sprint(r.APIRequests), "retries included")
		add("The last reading took", seconds(r.Seconds).Round(time.Millisecond).String(), "")
	}
	hold := "none"
	if !s.Exporter.HoldUntil.IsZero() {
		hold = "until " + clock(s.Exporter.HoldUntil)
	}
	add("Pause after a 429", hold, "")
	if a := s.Account; a != nil {
		if a.ConcurrentSessionsLimit != nil {
			add("Sessions allowed at once", fmt.Sprintf("%.0f", *a.ConcurrentSessionsLimit), "")
		}
		add("Project", a.Info.ProjectID, a.Info.Plan)
	}
	add("Up for", duration(s.Timestamp.Sub(s.Exporter.StartTimestamp)), "since "+s.Exporter.StartTimestamp.Format("2006-01-02 15:04 UTC"))
	add("Version", s.Exporter.Version, "")
	return facts
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
