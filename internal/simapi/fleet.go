package simapi

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// fleet is the sessions of a project, in the order of the list: the newest
// start first.
type fleet struct {
	byID    map[string]*Session // by the ID in lower case
	all     []*Session
	running []*Session // those that had not finished at looked
	looked  time.Time
	sorted  bool // whether all and running are in order
}

func newFleet() fleet { return fleet{byID: map[string]*Session{}} }

// add adds a session, in place of one with the same ID.
func (f *fleet) add(session Session) {
	f.remove(session.ID)
	session.Metadata, session.Override = maps.Clone(session.Metadata), maps.Clone(session.Override)
	f.byID[strings.ToLower(session.ID)] = &session
	f.all = append(f.all, &session)
	f.running = append(f.running, &session)
	f.sorted = false
}

// get returns a session, or nil.
func (f *fleet) get(id string) *Session { return f.byID[strings.ToLower(id)] }

func (f *fleet) remove(id string) {
	if session := f.get(id); session != nil {
		f.removeIf(func(other *Session) bool { return other == session })
	}
}

func (f *fleet) removeIf(unwanted func(*Session) bool) {
	f.all = slices.DeleteFunc(f.all, unwanted)
	f.running = slices.DeleteFunc(f.running, unwanted)
	maps.DeleteFunc(f.byID, func(_ string, session *Session) bool { return unwanted(session) })
}

// every returns all sessions. They are valid until the next change.
func (f *fleet) every() []*Session {
	f.sort()
	return f.all
}

// active returns the sessions that have not finished at now. They are valid
// until the next call. It costs little however many have finished, unless the
// clock went back.
func (f *fleet) active(now time.Time) []*Session {
	f.sort()
	if now.Before(f.looked) {
		f.running = slices.Clone(f.all)
	}
	f.looked = now
	f.running = slices.DeleteFunc(f.running, func(session *Session) bool { return !session.end().After(now) })
	return f.running
}

func (f *fleet) sort() {
	if f.sorted {
		return
	}
	f.sorted = true
	for _, sessions := range [][]*Session{f.all, f.running} {
		slices.SortFunc(sessions, func(a, b *Session) int {
			if order := b.StartedAt.Compare(a.StartedAt); order != 0 {
				return order
			}
			return strings.Compare(a.ID, b.ID)
		})
	}
}

// randomUUID returns a version 4 UUID.
func randomUUID(r *rand.Rand) string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(r.UintN(256)) //nolint:gosec // below 256
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}
