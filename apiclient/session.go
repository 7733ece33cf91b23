package apiclient

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Record is what the API says of any session, be it of a browser or of an agent.
type Record struct {
	ID         string // UUID in lower case
	Status     string
	StartedAt  time.Time
	FinishedAt time.Time // zero if not finished
}

// Common returns what the session has in common with those of the other kind.
func (r *Record) Common() *Record { return r }

// session is a Session or an AgentSession.
type session interface {
	Common() *Record
}

// getSession reads the session of an ID, which must be a UUID in lower case.
func getSession[W any, S session](ctx context.Context, b *Batch, endpoint Endpoint, path, id string, convert func(*W) (S, error)) (S, error) {
	return get(ctx, b, endpoint, path+url.PathEscape(id), maxDetailBytes, func(body []byte) (session S, err error) {
		var wire W
		if err = decodeObject(body, &wire); err == nil {
			session, err = convert(&wire)
		}
		if err == nil && session.Common().ID != id {
			err = errors.New("the response is about another session")
		}
		return session, err
	})
}

// Session is one browser session, as GET /browsers/{session_id} and the items
// of GET /browsers describe it. The URLs in such a response (liveUrl, cdpUrl,
// recordingUrl) let whoever has them watch or drive the browser: they are never
// decoded.
type Session struct {
	Record                // its Status is "active" or "stopped", as far as the API's page knows
	AgentSessionID string // the agent session that opened the browser; "" for a standalone one
	TimeoutAt      time.Time
	ProxyUsedMB    Amount            // megabytes of 2^20 bytes (inferred from captured values)
	ProxyCost      Amount            // USD
	BrowserCost    Amount            // USD
	Metadata       map[string]string // by the keys of Options.MetadataKeys that the session has; nil if it has none
}

// Amount is a number that the API may leave open, with null. The zero value is not
// known.
type Amount struct {
	Value float64 // 0 if not known
	Known bool
}

// Session reads one session. id must be a UUID in lower case. The error, if any,
// is an *Error; an unknown session is ReasonNotFound.
func (b *Batch) Session(ctx context.Context, id string) (*Session, error) {
	return getSession(ctx, b, EndpointBrowser, "/browsers/", id, b.client.session)
}

// ActiveSessions reads one page, from 1 on, of the list of active sessions. The
// error, if any, is an *Error.
func (b *Batch) ActiveSessions(ctx context.Context, page int) (Page[*Session], error) {
	return b.sessionsPage(ctx, "active", page)
}

// StoppedSessions reads one page, from 1 on, of the list of stopped sessions, which
// the API keeps for a time that its documentation does not give. The error, if any,
// is an *Error.
func (b *Batch) StoppedSessions(ctx context.Context, page int) (Page[*Session], error) {
	return b.sessionsPage(ctx, "stopped", page)
}

func (b *Batch) sessionsPage(ctx context.Context, filter string, number int) (Page[*Session], error) {
	path := fmt.Sprintf("/browsers?pageSize=%d&pageNumber=%d&filterBy=%s", PageSize, number, filter)
	return getPage(ctx, b, EndpointBrowsers, path, func(body []byte) (Page[*Session], error) {
		var wire wirePage[wireSession]
		if err := decodeObject(body, &wire); err != nil {
			return Page[*Session]{}, err
		}
		return pageOf(&wire, number, EndpointBrowsers, b.client.session)
	})
}

// The statuses of the API's page.
const (
	statusActive  = "active"
	statusStopped = "stopped"
)

// Active reports whether the browser runs. A status that the API's page does not
// know counts as active until the session has finished.
func (s *Session) Active() bool {
	return s.Status == statusActive || !s.StatusKnown() && s.FinishedAt.IsZero()
}

// Cost returns what the session has cost so far, in USD, as far as it is known.
func (s *Session) Cost() float64 { return s.ProxyCost.Value + s.BrowserCost.Value }

// StatusKnown reports whether the status is one of the API's page.
func (s *Session) StatusKnown() bool { return s.Status == statusActive || s.Status == statusStopped }

// wireSession is a session as the API sends it.
type wireSession struct {
	ID             text           `json:"id"`
	Status         text           `json:"status"`
	StartedAt      text           `json:"startedAt"`
	TimeoutAt      text           `json:"timeoutAt"`
	FinishedAt     text           `json:"finishedAt"`
	ProxyUsedMB    number         `json:"proxyUsedMb"`
	ProxyCost      number         `json:"proxyCost"`
	BrowserCost    number         `json:"browserCost"`
	AgentSessionID text           `json:"agentSessionId"`
	Metadata       jsontext.Value `json:"metadata"`
}

// session converts what was decoded. Beside an error, the session has those fields that are
// valid. An agent session ID that is not a string, and metadata that is not an object, are
// left out: no value of the session depends on them.
func (c *Client) session(w *wireSession) (*Session, error) {
	var f fields
	s := &Session{
		Record: Record{
			ID:        f.id("id", w.ID),
			Status:    f.nonEmpty("status", w.Status),
			StartedAt: f.time("startedAt", w.StartedAt),
		},
		TimeoutAt:   f.time("timeoutAt", w.TimeoutAt),
		ProxyUsedMB: f.amount("proxyUsedMb", w.ProxyUsedMB),
		ProxyCost:   f.amount("proxyCost", w.ProxyCost),
		BrowserCost: f.amount("browserCost", w.BrowserCost),
	}
	if w.FinishedAt.state == valid || w.FinishedAt.state == invalid {
		s.FinishedAt = f.time("finishedAt", w.FinishedAt)
	}
	s.AgentSessionID = w.AgentSessionID.value
	s.Metadata = decodeMetadata(w.Metadata, c.options.MetadataKeys)
	return s, f.err
}

// fields converts fields and keeps the first error, with the name of the field but
// nothing of its value.
type fields struct{ err error }

func (f *fields) fail(field string, err error) {
	if f.err == nil {
		f.err = fmt.Errorf("%s: %w", field, err)
	}
}

func (f *fields) id(field string, t text) string {
	id, err := ParseID(t.value)
	if err != nil {
		f.fail(field, err)
	}
	return id
}

func (f *fields) nonEmpty(field string, t text) string {
	if t.value == "" {
		f.fail(field, errors.New("not a text"))
	}
	return t.value
}

func (f *fields) time(field string, t text) time.Time {
	at, err := parseTime(t.value)
	if err != nil {
		f.fail(field, err)
	}
	return at
}

// amount returns a number that is 0 where it is absent, as the API's page says,
// and not known where it is null.
func (f *fields) amount(field string, n number) Amount {
	if n.state == invalid {
		f.fail(field, errors.New("not a number"))
	}
	return Amount{Value: n.value, Known: n.state == valid || n.state == absent}
}
