package simapi

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"
)

// Order is that in which the list of stopped sessions is served.
type Order int

// The orders.
const (
	NewestStartFirst Order = iota // as the captured reply has it
	NewestFinishFirst
	OldestStartFirst
	OldestFinishFirst
	Shuffled // by nothing that means anything
)

// SetStoppedOrder changes the order of the list of stopped sessions.
func (s *Server) SetStoppedOrder(order Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stoppedOrder = order
}

// inOrder returns sessions that stand newest start first in another order.
func inOrder(sessions []*Session, order Order) []*Session {
	if order == NewestStartFirst {
		return sessions
	}
	sorted := slices.Clone(sessions)
	at := func(s *Session) time.Time { return s.StartedAt }
	if order == NewestFinishFirst || order == OldestFinishFirst {
		at = func(s *Session) time.Time { return s.end() }
	}
	slices.SortStableFunc(sorted, func(a, b *Session) int {
		switch order {
		case Shuffled:
			return cmp.Compare(hash(a.ID), hash(b.ID))
		case NewestFinishFirst:
			return at(b).Compare(at(a))
		default:
			return at(a).Compare(at(b))
		}
	})
	return sorted
}

func hash(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64()
}
