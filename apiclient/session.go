package apiclient

import (
	"bytes"
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
	if err := checkObject(body); err != nil {
		return Session{}, err
	}
	return decodeValidSession(body)
}

// decodeValidSession takes an object apart that is known to be valid JSON.
func decodeValidSession(object []byte) (Session, error) {
	var wire struct{ id, status, startedAt, timeoutAt, finishedAt, proxyUsedMB, proxyCost, browserCost, agentSessionID, metadata []byte }
	for name, value := range members(object) {
		switch string(name) {
		case "id":
			wire.id = value
		case "status":
			wire.status = value
		case "startedAt":
			wire.startedAt = value
		case "timeoutAt":
			wire.timeoutAt = value
		case "finishedAt":
			wire.finishedAt = value
		case "proxyUsedMb":
			wire.proxyUsedMB = value
		case "proxyCost":
			wire.proxyCost = value
		case "browserCost":
			wire.browserCost = value
		case "agentSessionId":
			wire.agentSessionID = value
		case "metadata":
			wire.metadata = value
		}
	}
	var d fieldDecoder
	session := Session{
		ID:             d.required("id", wire.id, ParseID),
		Status:         d.required("status", wire.status, nonEmpty),
		StartedAt:      requiredTime(&d, "startedAt", wire.startedAt),
		TimeoutAt:      requiredTime(&d, "timeoutAt", wire.timeoutAt),
		ProxyUsedMB:    d.decimal("proxyUsedMb", wire.proxyUsedMB),
		ProxyCost:      d.decimal("proxyCost", wire.proxyCost),
		BrowserCost:    d.decimal("browserCost", wire.browserCost),
		AgentSessionID: d.optional("agentSessionId", wire.agentSessionID),
	}
	if !isNull(wire.finishedAt) {
		session.FinishedAt = requiredTime(&d, "finishedAt", wire.finishedAt)
	}
	if !isNull(wire.metadata) && json.Unmarshal(wire.metadata, &session.Metadata) != nil {
		d.fail("metadata", errors.New("not an object of strings"))
	}
	return session, d.err
}

// checkObject says whether body is exactly one JSON object. Its error quotes
// nothing of body.
func checkObject(body []byte) error {
	switch {
	case !startsObject(body):
		return errors.New("not a JSON object")
	case !json.Valid(body):
		return errors.New("not exactly one JSON object")
	default:
		return nil
	}
}

// decodeObject takes body apart, which must be exactly one JSON object. Its
// error quotes nothing of body.
func decodeObject(body []byte, wire any) error {
	if err := checkObject(body); err != nil {
		return err
	}
	var mistyped *json.UnmarshalTypeError
	if err := json.Unmarshal(body, wire); errors.As(err, &mistyped) {
		return fmt.Errorf("%s: unexpected JSON type", mistyped.Field)
	} else if err != nil {
		return errors.New("not the JSON that is expected")
	}
	return nil
}

// startsObject says whether the first character of JSON is that of an object:
// encoding/json takes null, too, for a struct.
func startsObject(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && data[0] == '{'
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
func (d *fieldDecoder) text(field string, raw []byte) string {
	if len(raw) == 0 || raw[0] != '"' {
		d.fail(field, errors.New("not a string"))
		return ""
	}
	return unquote(raw)
}

// required returns a string that must be there and that parse accepts.
func (d *fieldDecoder) required(field string, raw []byte, parse func(string) (string, error)) string {
	s, err := parse(d.text(field, raw))
	if err != nil {
		d.fail(field, err)
	}
	return s
}

// optional returns a string, or "" where it is absent or null.
func (d *fieldDecoder) optional(field string, raw []byte) string {
	if isNull(raw) {
		return ""
	}
	return d.text(field, raw)
}

// decimal returns a decimal number, or 0 where it is absent. Null is refused:
// unlike the absent field, the API's page gives it no meaning.
func (d *fieldDecoder) decimal(field string, raw []byte) float64 {
	if len(raw) == 0 {
		return 0
	}
	value, err := parseDecimal(d.text(field, raw))
	if err != nil {
		d.fail(field, err)
	}
	return value
}

func requiredTime(d *fieldDecoder, field string, raw []byte) time.Time {
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
func isNull(raw []byte) bool { return len(raw) == 0 || string(raw) == "null" }
