package apitest

import (
	"encoding/json"
	"maps"
	"time"
)

// wireSession is a session as the API writes it. The detail has a recording
// and says whether there is one; an item of the list does not.
type wireSession struct {
	ID                 string            `json:"id"`
	Status             string            `json:"status"`
	LiveURL            *string           `json:"liveUrl"`
	CDPURL             *string           `json:"cdpUrl"`
	TimeoutAt          wireTime          `json:"timeoutAt"`
	StartedAt          wireTime          `json:"startedAt"`
	FinishedAt         *wireTime         `json:"finishedAt"`
	ProxyUsedMB        string            `json:"proxyUsedMb"`
	ProxyCost          string            `json:"proxyCost"`
	BrowserCost        string            `json:"browserCost"`
	AgentSessionID     *string           `json:"agentSessionId"`
	RecordingURL       *string           `json:"recordingUrl"`
	RecordingAvailable *bool             `json:"recordingAvailable,omitempty"`
	Metadata           map[string]string `json:"metadata"`
}

// wireTime is a time as the API writes it.
type wireTime time.Time

func (t wireTime) MarshalJSON() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format(`"2006-01-02T15:04:05.000000Z"`)), nil
}

// marshal writes a session as it is at now.
func marshal(s *Session, now time.Time, detail bool) json.RawMessage {
	wire := wireSession{
		ID:          s.ID,
		Status:      "active",
		TimeoutAt:   wireTime(s.TimeoutAt()),
		StartedAt:   wireTime(s.StartedAt),
		ProxyUsedMB: s.proxyMBText(now),
		ProxyCost:   s.proxyCostText(now),
		BrowserCost: s.browserCostText(now),
		Metadata:    s.Metadata,
	}
	if s.AgentSessionID != "" {
		wire.AgentSessionID = &s.AgentSessionID
	}
	finish, finished := s.Finish(now)
	if finished {
		wire.Status = "stopped"
		wire.FinishedAt = (*wireTime)(&finish)
	} else {
		wire.LiveURL = credentialURL("https://live.browser-use.test/?wss=", s.ID)
		wire.CDPURL = credentialURL("https://cdp.browser-use.test/", s.ID)
	}
	if detail {
		wire.RecordingAvailable = &finished
		if finished {
			wire.RecordingURL = credentialURL("https://recordings.browser-use.test/", s.ID)
		}
	}
	return override(mustMarshal(wire), s.Override)
}

func credentialURL(base, id string) *string {
	url := base + id + "." + Credential
	return &url
}

// override replaces fields of a JSON object.
func override(body []byte, fields map[string]any) json.RawMessage {
	if len(fields) == 0 {
		return body
	}
	object := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &object); err != nil {
		panic(err) // it was marshalled here
	}
	for field, value := range maps.All(fields) {
		if value == Absent {
			delete(object, field)
		} else {
			object[field] = mustMarshal(value)
		}
	}
	return mustMarshal(object)
}

// mustMarshal marshals what always can be, or a test's own mistake.
func mustMarshal(value any) []byte {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return body
}
