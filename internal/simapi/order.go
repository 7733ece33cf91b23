package simapi

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"
)

// Order is that in which a list is served.
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
func inOrder[S any](sessions []S, order Order, id func(S) string, start, finish func(S) time.Time) []S {
	if order == NewestStartFirst {
		return sessions
	}
	sorted, at := slices.Clone(sessions), start
	if order == NewestFinishFirst || order == OldestFinishFirst {
		at = finish
	}
	slices.SortStableFunc(sorted, func(a, b S) int {
		switch order {
		case Shuffled:
			return cmp.Compare(hash(id(a)), hash(id(b)))
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
