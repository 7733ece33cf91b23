package simapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// wireSession is a session as the API writes it. The detail has a recording
// and reports whether there is one; an item of the list does not.
type wireSession struct {
	ID                 string            `json:"id"`
	Status             string            `json:"status"`
	LiveURL            *string           `json:"liveUrl"`
	CDPURL             *string           `json:"cdpUrl"`
	TimeoutAt          string            `json:"timeoutAt"`
	StartedAt          string            `json:"startedAt"`
	FinishedAt         *string           `json:"finishedAt"`
	ProxyUsedMB        string            `json:"proxyUsedMb"`
	ProxyCost          string            `json:"proxyCost"`
	BrowserCost        string            `json:"browserCost"`
	AgentSessionID     *string           `json:"agentSessionId"`
	RecordingURL       *string           `json:"recordingUrl"`
	RecordingAvailable *bool             `json:"recordingAvailable,omitempty"`
	Metadata           map[string]string `json:"metadata"`
}

// marshal writes a session as it is at now.
func marshal(s *Session, now time.Time, detail bool) []byte {
	bytes := s.proxyBytes(now)
	wire := wireSession{
		ID:          s.ID,
		Status:      "active",
		TimeoutAt:   timeText(s.TimeoutAt()),
		StartedAt:   timeText(s.StartedAt),
		ProxyUsedMB: proxyMBText(bytes),
		ProxyCost:   proxyCostText(bytes),
		BrowserCost: browserCostText(s.billedMinutes(now)),
		Metadata:    s.Metadata,
	}
	if wire.Metadata == nil {
		wire.Metadata = map[string]string{}
	}
	if s.AgentSessionID != "" {
		wire.AgentSessionID = &s.AgentSessionID
	}
	finish, finished := s.Finish(now)
	if finished {
		wire.Status = "stopped"
		wire.FinishedAt = new(timeText(finish))
	} else {
		wire.LiveURL = credentialURL("https://live.browser-use.test/?wss=", s.ID)
		wire.CDPURL = credentialURL("https://cdp.browser-use.test/", s.ID)
	}
	if detail {
		available := finished && recorded(s.ID)
		wire.RecordingAvailable = &available
		if available {
			wire.RecordingURL = credentialURL("https://recordings.browser-use.test/", s.ID)
		}
	}
	return override(mustMarshal(wire), s.Override)
}

// recorded reports whether a session leaves a recording: those whose ID ends in an
// odd digit do.
func recorded(id string) bool { return strings.ContainsAny(id[len(id)-1:], "13579bdfBDF") }

// timeText writes a time as the API does.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func credentialURL(base, id string) *string { return new(base + id + "." + Credential) }

// override replaces fields of a JSON object.
func override(body []byte, fields map[string]any) []byte {
	if len(fields) == 0 {
		return body
	}
	object := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &object); err != nil {
		panic(err) // it was marshalled here
	}
	for field, value := range fields {
		if raw, verbatim := value.(json.RawMessage); verbatim {
			object[field] = raw
		} else if value == Absent {
			delete(object, field)
		} else {
			object[field] = mustMarshal(value)
		}
	}
	// By hand: package json would refuse what is not JSON, on purpose or not.
	members := make([][]byte, 0, len(object))
	for _, field := range slices.Sorted(maps.Keys(object)) {
		members = append(members, slices.Concat(mustMarshal(field), []byte(":"), object[field]))
	}
	return slices.Concat([]byte("{"), join(members), []byte("}"))
}

// mustMarshal marshals what always can be, or a test's own mistake.
func mustMarshal(value any) []byte {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return body
}
