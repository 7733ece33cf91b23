package statuspage

import (
	"fmt"
	"slices"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/reloadfile"
)

// Status is all that the page shows, and what /api/v1/sessions answers. Fields
// are named after the metrics, without browseruse_ and browseruse_session_; a
// time has the name without its unit. What is not known is absent.
type Status struct {
	Project      string      `json:"project,omitempty"` // "" without a configuration file
	Timestamp    time.Time   `json:"timestamp"`         // now, by the exporter's clock
	Health       []Notice    `json:"health"`            // the worst first; one that says that all is well, if it is
	Up           *bool       `json:"up,omitempty"`
	Reading      *Reading    `json:"reading"` // null before the first
	Totals       *Totals     `json:"totals,omitempty"`
	Account      *Account    `json:"account,omitempty"`
	AccountError *Failure    `json:"account_error,omitempty"`
	SessionFile  *File       `json:"session_file,omitempty"`
	KeyFile      *File       `json:"key_file,omitempty"`
	Attention    []Attention `json:"attention"`
	Sessions     []*Session  `json:"sessions"` // those that need attention first

	AgentSessions []*AgentSession `json:"agent_sessions,omitzero"` // likewise; absent if they are not read

	Exporter Exporter `json:"exporter"`

	reading *collector.Reading // nil before the first
}

// Reading is about the last reading of the API.
type Reading struct {
	StartTimestamp time.Time `json:"start_timestamp"`
	Seconds        float64   `json:"scrape_duration_seconds"`
	Complete       bool      `json:"complete"` // false if its deadline cut it short
	APIRequests    int       `json:"api_requests"`
	ListError      *Failure  `json:"list_error,omitempty"`
}

// Failure is why something could not be read.
type Failure struct {
	Reason apiclient.Reason `json:"reason"`
	Text   string           `json:"text"`            // what it means and where to look
	Cause  string           `json:"cause,omitempty"` // what exactly was wrong, if more is known
	Detail string           `json:"detail"`          // as the log has it
}

// Totals are about all sessions.
type Totals struct {
	Sessions   int `json:"sessions"`
	Unreadable int `json:"unreadable"`
	*Sums          // nil, and its fields absent, if nothing was read

	LastKnown          *Sums     `json:"last_known,omitempty"`          // while the API is down, with what was read last
	LastKnownTimestamp time.Time `json:"last_known_timestamp,omitzero"` // when that of an unreadable session was read, the newest
}

// sums returns those of the sessions that were read; nil before the first reading, too.
func (t *Totals) sums() *Sums {
	if t == nil {
		return nil
	}
	return t.Sums
}

// Sums are over the sessions that were read, as far as their values are known.
type Sums struct {
	Active             int      `json:"active"`
	Stopped            int      `json:"stopped"`
	ProxyUsedMegabytes float64  `json:"proxy_used_megabytes"`
	ProxyCostUSD       float64  `json:"proxy_cost_usd"`
	BrowserCostUSD     float64  `json:"browser_cost_usd"`
	LLMCostUSD         *float64 `json:"llm_cost_usd,omitempty"` // nil: agent sessions are not read
	CostUSD            float64  `json:"cost_usd"`               // of these three: the total of an agent session contains its browsers
	ActiveCostUSD      float64  `json:"active_cost_usd"`        // what those that are active have cost so far, with the LLM of agent sessions that live
	Pace               *Pace    `json:"pace,omitempty"`
}

// Pace is how fast money is spent: a collector.SpendRate.
type Pace struct {
	USDPerHour  float64 `json:"usd_per_hour"`
	MBPerMinute float64 `json:"proxy_megabytes_per_minute"`
	OverSeconds float64 `json:"over_seconds"`
}

// Account is the account of the key's project.
type Account struct {
	Credits struct {
		Monthly    *float64 `json:"monthly,omitempty"` // nil, as the other: not known
		Additional *float64 `json:"additional,omitempty"`
	} `json:"credits_usd"`
	ConcurrentSessionsLimit *float64 `json:"concurrent_sessions_limit,omitempty"`
	ActiveSessions          *float64 `json:"active_sessions,omitempty"`
	Info                    struct {
		ProjectID string `json:"project_id"`
		Plan      string `json:"plan"`
	} `json:"info"`
}

// CreditLeft returns all credit, or nil if a part of it is not known.
func (a *Account) CreditLeft() *float64 {
	if a.Credits.Monthly == nil || a.Credits.Additional == nil {
		return nil
	}
	return reasonable(*a.Credits.Monthly + *a.Credits.Additional)
}

// File is how a file that is read again was found.
type File struct {
	LastReloadSuccessful       bool      `json:"last_reload_successful"`
	LastReloadSuccessTimestamp time.Time `json:"last_reload_success_timestamp"`
}

// Exporter is the exporter's own state; of its requests, the state when the last
// reading ended.
type Exporter struct {
	Version        string            `json:"version"`
	StartTimestamp time.Time         `json:"start_timestamp"`
	HoldUntil      time.Time         `json:"api_hold_until_timestamp,omitzero"` // only during a hold
	Failures       []EndpointFailure `json:"api_request_failures"`              // the latest first
	Config         []Setting         `json:"config"`
}

// Setting is a flag and the value that is in force.
type Setting struct {
	Flag  string `json:"flag"`
	Value string `json:"value"`
}

// EndpointFailure counts the failures of one endpoint for one reason since the
// start.
type EndpointFailure struct {
	Endpoint      apiclient.Endpoint `json:"endpoint"`
	Reason        apiclient.Reason   `json:"reason"`
	Total         int                `json:"total"`
	LastTimestamp time.Time          `json:"last_timestamp"`
	Text          string             `json:"text"`
}

// status returns what is known now of a project.
func (p *Page) status(project Project) *Status {
	now := p.options.Now()
	s := &Status{
		Project:   project.Name,
		Timestamp: stamp(now),
		Exporter:  Exporter{Version: p.options.Version, StartTimestamp: stamp(p.start), Failures: []EndpointFailure{}, Config: project.Settings},
		Sessions:  []*Session{},
		Attention: []Attention{},
		reading:   project.Last(),
	}
	if s.reading != nil {
		s.takeReading(s.reading, now)
	}
	s.Health = s.health()
	if p.options.Simulated {
		s.Health = append(s.Health, simulated)
	}
	return s
}

// takeReading fills s with what r says.
func (s *Status) takeReading(r *collector.Reading, now time.Time) {
	s.Up = &r.Up
	s.Reading = &Reading{
		StartTimestamp: stamp(r.Start),
		Seconds:        r.Duration.Seconds(),
		Complete:       r.Complete,
		APIRequests:    r.API.Requests,
		ListError:      newFailure(r.ListErr),
	}
	s.AccountError = newFailure(r.AccountErr)
	if a := r.Account; a != nil {
		s.Account = &Account{ConcurrentSessionsLimit: a.ConcurrentSessionsLimit, ActiveSessions: a.ActiveSessions}
		s.Account.Credits.Monthly, s.Account.Credits.Additional = a.MonthlyCreditsUSD, a.AdditionalCreditsUSD
		s.Account.Info.ProjectID, s.Account.Info.Plan = a.ProjectID, a.Plan
	}
	s.SessionFile, s.KeyFile = newFile(r.SessionFile), newFile(r.KeyFile)
	if r.API.HoldUntil.After(now) {
		s.Exporter.HoldUntil = stamp(r.API.HoldUntil)
	}
	for _, f := range r.API.Failures {
		s.Exporter.Failures = append(s.Exporter.Failures, EndpointFailure{
			Endpoint: f.Endpoint, Reason: f.Reason, Total: f.Total, LastTimestamp: stamp(f.Last),
			Text: collector.Explain(&apiclient.Error{Endpoint: f.Endpoint, Reason: f.Reason}).Text,
		})
	}
	for i := range r.Sessions {
		s.Sessions = append(s.Sessions, newSession(r, &r.Sessions[i], now))
	}
	slices.SortStableFunc(s.Sessions, compare)
	s.AgentSessions = newAgentSessions(r)
	slices.SortStableFunc(s.AgentSessions, compareAgents)
	s.Totals = newTotals(s.Sessions, s.AgentSessions, r)
	s.Attention = attention(s.Sessions, s.AgentSessions, r.Up, now)
}

func newTotals(sessions []*Session, agents []*AgentSession, r *collector.Reading) *Totals {
	t := &Totals{Sessions: len(sessions)}
	for _, s := range sessions {
		if s.Up {
			continue
		}
		t.Unreadable++
		if s.LastKnown != nil && s.LastKnown.ReadTimestamp.After(t.LastKnownTimestamp) {
			t.LastKnownTimestamp = s.LastKnown.ReadTimestamp
		}
	}
	if t.Unreadable < t.Sessions || t.Sessions == 0 && r.Up && r.ListErr == nil {
		t.Sums = newSums(sessions, agents, false)
		if pace := r.SpendRate; pace != nil && reasonable(pace.USDPerHour) != nil {
			t.Pace = &Pace{pace.USDPerHour, orZero(reasonable(pace.MegabytesPerMinute)), pace.Over.Seconds()}
		}
	}
	if !r.Up && !t.LastKnownTimestamp.IsZero() {
		t.LastKnown = newSums(sessions, agents, true)
	}
	return t
}

// newSums returns the sums over the sessions that were read, or over all as they were
// read last.
func newSums(sessions []*Session, agents []*AgentSession, lastKnown bool) *Sums {
	sums := &Sums{}
	for _, s := range sessions {
		if lastKnown {
			s = s.Values()
		}
		if s == nil || !s.Up {
			continue
		}
		sums.ProxyUsedMegabytes += orZero(s.ProxyUsedMB)
		sums.ProxyCostUSD += orZero(s.ProxyCostUSD)
		sums.BrowserCostUSD += orZero(s.BrowserCostUSD)
		if *s.Active {
			sums.Active++
			sums.ActiveCostUSD += s.knownCost()
		} else {
			sums.Stopped++
		}
	}
	sums.CostUSD = sums.ProxyCostUSD + sums.BrowserCostUSD
	if agents == nil {
		return sums
	}
	llm := 0.0
	for _, a := range agents {
		if lastKnown {
			a = a.Values()
		}
		if a == nil || !a.Up {
			continue
		}
		llm += orZero(a.LLMCostUSD)
		if *a.Active {
			sums.ActiveCostUSD += orZero(a.LLMCostUSD)
		}
	}
	sums.LLMCostUSD = &llm
	sums.CostUSD += llm
	return sums
}

func newFile(s *reloadfile.Status) *File {
	if s == nil {
		return nil
	}
	return &File{LastReloadSuccessful: s.Err == nil, LastReloadSuccessTimestamp: stamp(s.LoadedAt)}
}

// notices returns that the file of this name is bad or gone, if there is one and it is.
func (f *File) notices(name string) []Notice {
	if f == nil || f.LastReloadSuccessful {
		return nil
	}
	const text = "The %s file is bad or gone: its content of %s stays in force. The log says what is wrong."
	return []Notice{{Warning, fmt.Sprintf(text, name, utc(f.LastReloadSuccessTimestamp))}}
}

// newFailure returns what err says to people, or nil for no error.
func newFailure(err *apiclient.Error) *Failure {
	if err == nil {
		return nil
	}
	e := collector.Explain(err)
	return &Failure{Reason: e.Reason, Text: e.Text, Cause: e.Cause, Detail: err.Error()}
}

// stamp is a time as the API gives it: UTC, to the microsecond. One in a year that
// RFC 3339 can't write, which would spoil the whole JSON, becomes the zero time.
func stamp(t time.Time) time.Time {
	if t = t.UTC().Truncate(time.Microsecond); t.Year() > 9999 || t.Year() < 1 {
		return time.Time{}
	}
	return t
}
