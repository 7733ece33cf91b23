package statuspage

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
)

// status puts together what is known now. It asks the API nothing.
func (p *Page) status() *Status {
	now := p.options.Now()
	reading, activity := p.options.Collector.Last(), p.options.Client.Activity()
	s := &Status{
		Timestamp: stamp(now),
		Exporter:  p.exporter(activity),
		Sessions:  []Session{},
		Attention: []Attention{},
	}
	if reading != nil {
		s.takeReading(reading)
		s.Sessions = newSessions(reading, now)
		s.Totals = newTotals(s.Sessions, reading)
		s.Attention = attention(s.Sessions)
	}
	s.Health = s.health(reading)
	if p.options.Simulated {
		s.Health = append(s.Health, Notice{Level: Note, Text: "A demo: the sessions, their costs and the account are simulated."})
	}
	s.Display = s.display(p.options.TelemetryPath)
	return s
}

func (p *Page) exporter(activity apiclient.Activity) Exporter {
	e := Exporter{
		Version:        p.options.Version,
		StartTimestamp: stamp(p.start),
		PerMinute:      activity.PerMinute,
		Failures:       []EndpointFailure{},
		Config:         p.options.Settings,
	}
	if !activity.HoldUntil.IsZero() {
		e.HoldUntil = stamp(activity.HoldUntil)
	}
	for _, f := range activity.Failures {
		e.Failures = append(e.Failures, EndpointFailure{
			Endpoint: f.Endpoint, Reason: f.Reason, Total: f.Count, LastTimestamp: stamp(f.Last), Text: f.Explain(),
		})
	}
	return e
}

// takeReading takes over what r says, but for its sessions.
func (s *Status) takeReading(r *collector.Reading) {
	s.Up = &r.Up
	s.Reading = &Reading{
		StartTimestamp: stamp(r.Start),
		Seconds:        r.Duration.Seconds(),
		Complete:       r.Complete,
		APIRequests:    r.Requests,
		ListError:      newFailure(r.ListErr),
	}
	s.AccountError = newFailure(r.AccountErr)
	if a := r.Account; a != nil {
		s.Account = &Account{ConcurrentSessionsLimit: a.ConcurrentSessionsLimit, ActiveSessions: a.ActiveSessions}
		s.Account.Credits.Monthly, s.Account.Credits.Additional = a.MonthlyCreditsUSD, a.AdditionalCreditsUSD
		s.Account.Info.ProjectID, s.Account.Info.Plan = a.ProjectID, a.Plan
	}
	if f := r.SessionFile; f != nil {
		s.SessionFile = &SessionFile{LastReloadSuccessful: f.Err == nil, LastReloadSuccessTimestamp: stamp(f.LoadedAt)}
	}
}

func newTotals(sessions []Session, r *collector.Reading) *Totals {
	t := &Totals{Sessions: len(sessions)}
	for i := range sessions {
		if !sessions[i].Up {
			t.Unreadable++
		}
	}
	if t.Unreadable < t.Sessions || t.Sessions == 0 && r.Up && r.ListErr == nil {
		t.Sums = newSums(sessions, r.Pace)
	}
	return t
}

func newSums(sessions []Session, pace *collector.Pace) *Sums {
	t := &Sums{}
	for i := range sessions {
		s := &sessions[i]
		if !s.Up {
			continue
		}
		t.ProxyUsedMegabytes = sum(t.ProxyUsedMegabytes, *s.ProxyUsedMB)
		t.ProxyCostUSD = sum(t.ProxyCostUSD, *s.ProxyCostUSD)
		t.BrowserCostUSD = sum(t.BrowserCostUSD, *s.BrowserCostUSD)
		if *s.Active {
			t.Active++
			t.ActiveCostUSD = sum(t.ActiveCostUSD, s.Cost())
		} else {
			t.Stopped++
		}
	}
	t.CostUSD = sum(t.ProxyCostUSD, t.BrowserCostUSD)
	if pace != nil && !math.IsInf(pace.USDPerHour, 0) && !math.IsNaN(pace.USDPerHour) {
		t.Pace = &Pace{USDPerHour: pace.USDPerHour, OverSeconds: pace.Over.Seconds()}
	}
	return t
}

// sum adds within what JSON has numbers for.
func sum(a, b float64) float64 { return min(max(a+b, -math.MaxFloat64), math.MaxFloat64) }

// newFailure returns what err says to people, or nil for no error.
func newFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	apiErr := &apiclient.Error{Reason: apiclient.ReasonConnection}
	errors.As(err, &apiErr)
	return &Failure{Reason: apiErr.Reason, Text: apiErr.Explain(), Cause: cause(apiErr), Detail: err.Error()}
}

// cause is what an error says beyond its reason, if anything. Of a rate limit that
// is how long the pause was when it began, which is soon untrue.
func cause(err *apiclient.Error) string {
	if err.Err == nil || err.Reason == apiclient.ReasonRateLimited || err.Err.Error() == http.StatusText(err.Status) {
		return ""
	}
	return err.Err.Error()
}

// stamp is a time as the API gives it: UTC, to the microsecond.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// newSessions returns the sessions of a reading, those that need attention
// first.
func newSessions(r *collector.Reading, now time.Time) []Session {
	sessions := make([]Session, 0, len(r.Sessions))
	for i := range r.Sessions {
		sessions = append(sessions, newSession(r, &r.Sessions[i], now))
	}
	slices.SortStableFunc(sessions, compare)
	return sessions
}
