package statuspage

import (
	"strconv"
	"strings"
	"time"

	"browseruse_exporter/collector"
)

// table is a table of the page.
type table struct {
	ID, Of  string // of what, such as sessions
	Columns []cell // those of a row with nothing in it
	Rows    []row
}

// row is what a table has of a session, an agent session or a project.
type row struct {
	ID    string
	State State
	Stale bool
	Why   *Failure // nil: the API is down
	Cells []cell   // the first two alone if nothing is known
}

// cell is a cell of a row, and says in which column it is.
type cell struct {
	Key, Name, Class string
	Level            Level  // "" for nothing in particular
	Value            string // by which numbers are sorted; "" goes last
	Text             string
	Href             string   // where Text leads to, if anywhere
	SessionIDs       []string // which the cell links
}

// newTable returns a table with a row for each, and the columns of a blank one.
func newTable[S any](id, of string, blank row, all []S, newRow func(S) row) table {
	t := table{ID: id, Of: of, Columns: blank.Cells}
	for _, one := range all {
		t.Rows = append(t.Rows, newRow(one))
	}
	return t
}

// SessionTable returns the table of the sessions.
func (v *view) SessionTable() table {
	return newTable("table", "sessions", v.sessionRow(&Session{Up: true, AgentSessionID: new("")}), v.Sessions, v.sessionRow)
}

func (v *view) sessionRow(session *Session) row {
	r := row{"s-" + session.SessionID, session.State, !session.Up, v.why(session.Error), []cell{
		stateCell(session.State, string(session.State)), {Key: "session_id", Name: "Session", Class: "id", Text: session.SessionID},
	}}
	s := session.Values()
	if s == nil {
		return r
	}
	agent := cell{Key: "agent_session_id", Name: "Agent session", Class: "id agent", Text: *s.AgentSessionID}
	if v.agents[agent.Text] {
		agent.Href = "#a-" + agent.Text
	}
	r.Cells = append(r.Cells, agent,
		v.age(session.Up, s.StartTimestamp, s.FinishTimestamp, s.ReadTimestamp).over(s.Has(RunningLong)),
		v.timeLeft(session.Up, s),
		amount("usd_per_hour", "$/h", s.USDPerHour, usd),
		amount("proxy_megabytes_per_minute", "MB/min", s.MBPerMinute, megabytes).over(s.Has(HeavyTraffic)),
		amount("proxy_used_megabytes", "Proxy MB", s.ProxyUsedMB, megabytes),
		amount("proxy_cost_usd", "Proxy cost", s.ProxyCostUSD, usd),
		amount("browser_cost_usd", "Browser cost", s.BrowserCostUSD, usd),
		amount("cost", "Total", s.Cost(), usd).over(s.Has(Expensive)),
		v.lastRead(session.Error, s.ReadTimestamp),
	)
	for _, label := range v.MetadataLabels {
		r.Cells = append(r.Cells, cell{Key: label, Name: short(label), Class: "text", Text: s.Info[label]})
	}
	return r
}

// AgentTable returns the table of the agent sessions.
func (v *view) AgentTable() table {
	return newTable("agents", "agent sessions", v.agentRow(&AgentSession{Up: true}), v.AgentSessions, v.agentRow)
}

func (v *view) agentRow(agent *AgentSession) row {
	r := row{"a-" + agent.AgentSessionID, agent.State, !agent.Up, v.why(agent.Error), []cell{
		stateCell(agent.State, agent.StateText()), {Key: "agent_session_id", Name: "Agent session", Class: "id", Text: agent.AgentSessionID},
	}}
	s := agent.Values()
	if s == nil {
		return r
	}
	budget := amount("budget", "Budget used", s.BudgetUsed(), percent).over(s.Has(NearBudget))
	if budget.Value != "" {
		budget.Text += " of " + usd(*s.MaxCostUSD)
	}
	r.Cells = append(r.Cells,
		cell{Key: "model", Name: "Model", Text: s.Model},
		v.age(agent.Up, s.StartTimestamp, s.FinishTimestamp, s.ReadTimestamp),
		amount("steps", "Steps", s.Steps, whole),
		amount("input_tokens", "Tokens in", s.InputTokens, whole),
		amount("output_tokens", "Tokens out", s.OutputTokens, whole),
		amount("llm_usd_per_hour", "LLM $/h", s.LLMUSDPerHour, usd),
		amount("llm_cost_usd", "LLM cost", s.LLMCostUSD, usd),
		amount("total_cost_usd", "Total", s.TotalCostUSD, usd).over(s.Has(Expensive)),
		budget,
		v.lastRead(agent.Error, s.ReadTimestamp),
		cell{Key: "browsers", Name: "Browsers", Class: "text", Value: strconv.Itoa(len(agent.SessionIDs)), SessionIDs: agent.SessionIDs},
	)
	return r
}

// Table returns the table of the projects.
func (o *Overview) Table() table {
	return newTable("table", "projects", o.row(ProjectStatus{}), o.Projects, o.row)
}

func (o *Overview) row(p ProjectStatus) row {
	var active, unreadable, cost, perHour, credit *float64
	if p.Totals != nil {
		unreadable = new(float64(p.Totals.Unreadable))
	}
	if sums := p.Totals.sums(); sums != nil {
		active, cost = new(float64(sums.Active)), &sums.ActiveCostUSD
		if sums.Pace != nil {
			perHour = &sums.Pace.USDPerHour
		}
	}
	if p.Account != nil {
		credit = p.Account.CreditLeft()
	}
	read := cell{Key: "read", Name: "Last scrape", Class: "num", Text: "–"}
	if p.Reading != nil {
		read.Value, read.Text = milliseconds(p.Reading.StartTimestamp), ago(collector.SecondsUntil(o.Timestamp, p.Reading.StartTimestamp))
	}
	return row{ID: "p-" + p.Project, State: p.State, Cells: []cell{
		stateCell(p.State, string(p.State)),
		{Key: "project", Name: "Project", Class: "id", Text: p.Project, Href: "?project=" + p.Project},
		amount("active", "Active", active, whole),
		amount("unreadable", "Unreadable", unreadable, whole),
		amount("active_cost_usd", "Cost of active", cost, usd),
		amount("usd_per_hour", "An hour", perHour, usd),
		amount("credit", "Credit left", credit, usd),
		read,
		{Key: "text", Name: "What to look at first", Class: "look", Level: p.Level, Text: p.Text},
	}}
}

func stateCell(s State, text string) cell {
	return cell{Key: "state", Name: "State", Class: "state", Level: ranks[s].level, Value: strconv.Itoa(ranks[s].place), Text: text}
}

// amount is the cell of a number, nil if it is not known.
func amount(key, name string, value *float64, write func(float64) string) cell {
	c := cell{Key: key, Name: name, Class: "num", Text: "–"}
	if value != nil {
		c.Value, c.Text = strconv.FormatFloat(*value, 'g', -1, 64), write(*value)
	}
	return c
}

// over returns c, pointed out if its value exceeds a limit.
func (c cell) over(limit bool) cell {
	if limit {
		c.Level = Warning
	}
	return c
}

// age is from the start to now, or to the finish, or to when a stale session was read.
func (v *view) age(up bool, start, finish, read time.Time) cell {
	until := v.at(up, read)
	if !finish.IsZero() {
		until = finish
	}
	seconds := collector.SecondsUntil(until, start)
	return cell{Key: "age", Name: "Age", Class: "num", Value: strconv.FormatInt(int64(seconds*1000), 10), Text: duration(seconds)}
}

// timeLeft is until the timeout, or says when a session finished.
func (v *view) timeLeft(up bool, s *Session) cell {
	c := cell{Key: "left", Name: "Time left", Class: "num"}
	switch {
	case s.TimeoutRemaining != nil:
		c.Value, c.Text = milliseconds(s.TimeoutTimestamp), left(collector.SecondsUntil(s.TimeoutTimestamp, v.at(up, s.ReadTimestamp)))
	case !s.FinishTimestamp.IsZero():
		c.Level, c.Text = Note, "ended "+ago(collector.SecondsUntil(v.Timestamp, s.FinishTimestamp))
	}
	if s.Has(Overdue) {
		c.Level = Bad
	}
	return c.over(s.Has(TimingOut))
}

// lastRead is when the values were read and, unless that is said of all, why not since.
func (v *view) lastRead(err *Failure, read time.Time) cell {
	c := cell{Key: "read", Name: "Last read", Class: "num", Value: milliseconds(read), Text: ago(collector.SecondsUntil(v.Timestamp, read))}
	if err != nil {
		c.Text = clock(read)
	}
	if why := v.why(err); why != nil {
		c.Text += ", " + strings.ReplaceAll(string(why.Reason), "_", " ")
	}
	return c
}

// at is the time for which values are shown: now, or when stale ones were read.
func (v *view) at(up bool, read time.Time) time.Time {
	if up {
		return v.Timestamp
	}
	return read
}

// why returns why nothing is known of a session; nil if that is said of all.
func (v *view) why(err *Failure) *Failure {
	if v.Up != nil && *v.Up {
		return err
	}
	return nil
}

// short is the name of a column with metadata, of which every label begins alike.
func short(label string) string { return strings.TrimPrefix(label, "metadata_") }

func milliseconds(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
