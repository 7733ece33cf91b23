package apiclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Session is one browser session, as GET /browsers/{session_id} and the items
// of GET /browsers describe it. The URLs in such a reply (liveUrl, cdpUrl,
// recordingUrl) let whoever has them watch or drive the browser: they are not
// even decoded.
type Session struct {
	ID             string // UUID in lower case
	AgentSessionID string // the agent session that opened the browser; "" for a standalone one
	Status         string // "active" or "stopped", as far as the API's page knows
	StartedAt      time.Time
	TimeoutAt      time.Time
	FinishedAt     time.Time // zero if not finished
	ProxyUsedMB    float64   // megabytes of 2^20 bytes (inferred from captured values)
	ProxyCost      float64   // USD
	BrowserCost    float64   // USD
	Metadata       map[string]string
}

// The statuses of the API's page.
const (
	statusActive  = "active"
	statusStopped = "stopped"
)

// Active says whether the browser runs. A status that the API's page does not
// know counts as active until the session has finished.
func (s Session) Active() bool {
	return s.Status == statusActive || !s.StatusKnown() && s.FinishedAt.IsZero()
}

// Cost is what the session has cost so far, in USD.
func (s Session) Cost() float64 { return s.ProxyCost + s.BrowserCost }

// StatusKnown says whether the status is one of the API's page.
func (s Session) StatusKnown() bool { return s.Status == statusActive || s.Status == statusStopped }

// decodeSession takes a reply apart that is one session and nothing else.
func decodeSession(body []byte) (Session, error) {
	var wire struct {
		ID             json.RawMessage `json:"id"`
		Status         json.RawMessage `json:"status"`
		StartedAt      json.RawMessage `json:"startedAt"`
		TimeoutAt      json.RawMessage `json:"timeoutAt"`
		FinishedAt     json.RawMessage `json:"finishedAt"`
		ProxyUsedMB    json.RawMessage `json:"proxyUsedMb"`
		ProxyCost      json.RawMessage `json:"proxyCost"`
		BrowserCost    json.RawMessage `json:"browserCost"`
		AgentSessionID json.RawMessage `json:"agentSessionId"`
		Metadata       json.RawMessage `json:"metadata"`
	}
	if err := decodeObject(body, &wire); err != nil {
		return Session{}, err
	}
	var d fieldDecoder
	session := Session{
		ID:             d.required("id", wire.ID, ParseID),
		Status:         d.required("status", wire.Status, nonEmpty),
		StartedAt:      requiredTime(&d, "startedAt", wire.StartedAt),
		TimeoutAt:      requiredTime(&d, "timeoutAt", wire.TimeoutAt),
		ProxyUsedMB:    d.decimal("proxyUsedMb", wire.ProxyUsedMB),
		ProxyCost:      d.decimal("proxyCost", wire.ProxyCost),
		BrowserCost:    d.decimal("browserCost", wire.BrowserCost),
		AgentSessionID: d.optional("agentSessionId", wire.AgentSessionID),
	}
	if !isNull(wire.FinishedAt) {
		session.FinishedAt = requiredTime(&d, "finishedAt", wire.FinishedAt)
	}
	if !isNull(wire.Metadata) && json.Unmarshal(wire.Metadata, &session.Metadata) != nil {
		d.fail("metadata", errors.New("not an object of strings"))
	}
	return session, d.err
}

// decodeObject takes body apart, which must be exactly one JSON object. Its
// error quotes nothing of body.
func decodeObject(body []byte, wire any) error {
	if !startsObject(body) {
		return errors.New("not a JSON object")
	}
	if err := json.Unmarshal(body, wire); err != nil {
		var mistyped *json.UnmarshalTypeError
		if errors.As(err, &mistyped) {
			return fmt.Errorf("%s: unexpected JSON type", mistyped.Field)
		}
		return errors.New("not exactly one JSON object")
	}
	return nil
}

// startsObject says whether the first character of JSON is that of an object:
// encoding/json takes null, too, for a struct.
func startsObject(data []byte) bool {
	for _, b := range data {
		switch b {
		case ' ', '\t', '\r', '\n':
		default:
			return b == '{'
		}
	}
	return false
}

// fieldDecoder takes fields apart and keeps the first error, with the name of
// the field but nothing of its value.
type fieldDecoder struct{ err error }

func (d *fieldDecoder) fail(field string, err error) {
	if d.err == nil {
		d.err = fmt.Errorf("%s: %w", field, err)
	}
}

// text returns the string that a field holds.
func (d *fieldDecoder) text(field string, raw json.RawMessage) string {
	var s string
	if isNull(raw) || json.Unmarshal(raw, &s) != nil {
		d.fail(field, errors.New("not a string"))
	}
	return s
}

// required returns a string that must be there and that parse accepts.
func (d *fieldDecoder) required(field string, raw json.RawMessage, parse func(string) (string, error)) string {
	s, err := parse(d.text(field, raw))
	if err != nil {
		d.fail(field, err)
	}
	return s
}

// optional returns a string, or "" where it is absent or null.
func (d *fieldDecoder) optional(field string, raw json.RawMessage) string {
	if isNull(raw) {
		return ""
	}
	return d.text(field, raw)
}

// decimal returns a decimal number, or 0 where it is absent. Null is refused:
// unlike the absent field, the API's page gives it no meaning.
func (d *fieldDecoder) decimal(field string, raw json.RawMessage) float64 {
	if len(raw) == 0 {
		return 0
	}
	value, err := parseDecimal(d.text(field, raw))
	if err != nil {
		d.fail(field, err)
	}
	return value
}

func requiredTime(d *fieldDecoder, field string, raw json.RawMessage) time.Time {
	at, err := parseTime(d.text(field, raw))
	if err != nil {
		d.fail(field, err)
	}
	return at
}

func nonEmpty(s string) (string, error) {
	if s == "" {
		return "", errors.New("empty")
	}
	return s, nil
}

// isNull says whether a field is absent or null.
func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
