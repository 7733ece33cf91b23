package statuspage

import (
	"strconv"
	"strings"
	"time"

	"browseruse_exporter/collector"
)

// cell is a cell of a table with a number.
type cell struct {
	Label string
	Value string // by which it is sorted; "" goes last
	Text  string
	Note  string // after Text, in a quiet color
	Over  bool   // it exceeds a limit
}

// amount returns the cell of a value, nil if it is not known.
func amount(label string, value *float64, write func(float64) string, over bool) cell {
	if value == nil {
		return cell{Label: label, Text: "–"}
	}
	return cell{Label: label, Value: strconv.FormatFloat(*value, 'g', -1, 64), Text: write(*value), Over: over}
}

// SessionCells returns the numbers of a session with values.
func (v *view) SessionCells(s *Session) []cell {
	values := s.Values()
	rate := func(label string, value *float64, write func(float64) string, over bool) cell {
		if value == nil && values.State == Stopped {
			return cell{Label: label}
		}
		return amount(label, value, write, over)
	}
	return []cell{
		v.age(s.Up, values.StartTimestamp, values.FinishTimestamp, values.ReadTimestamp, values.Has(RunningLong)),
		v.timeLeft(s.Up, values),
		rate("$/h", values.USDPerHour, usd, false),
		rate("MB/min", values.MBPerMinute, megabytes, values.Has(HeavyTraffic)),
		amount("Proxy MB", values.ProxyUsedMB, megabytes, false),
		amount("Proxy cost", values.ProxyCostUSD, usd, false),
		amount("Browser cost", values.BrowserCostUSD, usd, false),
		amount("Total", values.Cost(), usd, values.Has(Expensive)),
		v.lastRead(s.Error, values.ReadTimestamp),
	}
}

// AgentCells returns the numbers of an agent session with values.
func (v *view) AgentCells(s *AgentSession) []cell {
	values := s.Values()
	budget := amount("Budget used", values.BudgetUsed(), percent, values.Has(NearBudget))
	if budget.Value != "" {
		budget.Note = "of " + usd(*values.MaxCostUSD)
	}
	return []cell{
		v.age(s.Up, values.StartTimestamp, values.FinishTimestamp, values.ReadTimestamp, false),
		amount("Steps", values.Steps, whole, false),
		amount("Tokens in", values.InputTokens, whole, false),
		amount("Tokens out", values.OutputTokens, whole, false),
		amount("LLM $/h", values.LLMUSDPerHour, usd, false),
		amount("LLM cost", values.LLMCostUSD, usd, false),
		amount("Total", values.TotalCostUSD, usd, values.Has(Expensive)),
		budget,
		v.lastRead(s.Error, values.ReadTimestamp),
	}
}

// age is from the start to now, or to the finish, or to when a stale session was read.
func (v *view) age(up bool, start, finish, read time.Time, over bool) cell {
	until := v.Timestamp
	if !finish.IsZero() {
		until = finish
	} else if !up {
		until = read
	}
	seconds := collector.SecondsUntil(until, start)
	return cell{Label: "Age", Value: strconv.FormatInt(int64(seconds*1000), 10), Text: duration(seconds), Over: over}
}

// timeLeft is until the timeout, or since the finish.
func (v *view) timeLeft(up bool, s *Session) cell {
	c := cell{Label: "Time left", Over: s.Has(TimingOut) || s.Has(Overdue)}
	switch {
	case s.TimeoutRemaining != nil:
		now := v.Timestamp
		if !up {
			now = s.ReadTimestamp
		}
		c.Value, c.Text = milliseconds(s.TimeoutTimestamp), left(collector.SecondsUntil(s.TimeoutTimestamp, now))
	case !s.FinishTimestamp.IsZero():
		c.Note = "ended " + ago(collector.SecondsUntil(v.Timestamp, s.FinishTimestamp))
	}
	return c
}

// lastRead is when the values were read and, if the API is up, why not since.
func (v *view) lastRead(err *Failure, at time.Time) cell {
	text := ago(collector.SecondsUntil(v.Timestamp, at))
	if err != nil {
		text = "as of " + clock(at)
		if *v.Up {
			text += ", " + strings.ReplaceAll(string(err.Reason), "_", " ")
		}
	}
	return cell{Label: "Last read", Value: milliseconds(at), Text: text}
}

func milliseconds(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
