package collector

import (
	"context"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"browseruse_exporter/apiclient"
)

// maxNewestPages bounds how many pages of a list a reading follows for the newest
// sessions: 1,000 that are new since the reading before.
const maxNewestPages = 10

// listOrder is the order in which the API lists sessions. It promises none, so it is
// learned from a full page.
type listOrder int

const (
	orderUnknown listOrder = iota // taken for newestFirst, which was seen
	newestFirst
	oldestFirst
	noOrder // the newest may be on any page
)

// newestList is what is known of a list whose newest sessions are read.
type newestList struct {
	order listOrder
	pages int // that the list had last; 0 before it was read
}

// readStopped reads the page of the list of stopped sessions that has the newest,
// for those that began and ended between two readings, and for the final costs of
// those that left the list of active ones.
func (c *Collector) readStopped(ctx context.Context, batch *apiclient.Batch, p *partialReading) {
	ordered := readNewest(c.browsers, p.recordStopped, func(s *apiclient.Session) time.Time { return s.FinishedAt },
		func(number int) (apiclient.Page[*apiclient.Session], error) {
			page, err := batch.StoppedSessions(ctx, number)
			page.Sessions = slices.DeleteFunc(page.Sessions, (*apiclient.Session).Active)
			return page, err
		})
	if !ordered {
		_ = level.Warn(c.options.Logger).Log("msg", "Stopped sessions are listed in no order, those that begin and end between two scrapes stay unseen")
	}
}

// readNewest reads the page of a list that has the newest sessions. It passes each page
// to record, and goes on to the next one while that wants more. It reads nothing of a
// list without order, and returns false when it finds out that a list has none. A list may
// be in the order of the sessions' starts, or of another time.
func readNewest[S session](
	store *sessionStore[S], record func(apiclient.Page[S], error) (more bool), other func(S) time.Time, read func(page int) (apiclient.Page[S], error),
) (ordered bool) {
	list := &newestList{}
	if known := store.newest.Load(); known != nil {
		*list = *known
	}
	if list.order == noOrder {
		return true
	}
	number := 1
	if list.order == oldestFirst {
		number = max(1, list.pages)
	}
	asked := map[int]bool{}
	for len(asked) < maxNewestPages && number >= 1 && !asked[number] {
		asked[number] = true
		page, err := read(number)
		more := record(page, err)
		if err != nil {
			break
		}
		pages := page.Pages()
		grew := list.order == oldestFirst && pages > list.pages
		if list.pages = pages; list.order == orderUnknown && pages > 1 {
			list.order = orderOf(page.Sessions, func(s S) time.Time { return s.Common().StartedAt }, other)
		}
		if list.order == noOrder {
			break
		}
		number = list.next(number, grew, more)
	}
	store.newest.Store(list)
	return list.order != noOrder
}

// next returns the page to read after page number, or 0 for none: the end of the
// list if that is another one, or the page beside it if more is wanted.
func (l *newestList) next(number int, grew, more bool) int {
	switch {
	case l.order == oldestFirst && (grew || number == 1) && number < l.pages:
		return l.pages
	case !more:
		return 0
	case l.order == oldestFirst:
		return number - 1
	case number < l.pages:
		return number + 1
	default:
		return 0
	}
}

// orderOf returns the order of the sessions of a full page, by one of their times. If
// all are of one moment, it is unknown still.
func orderOf[S session](sessions []S, times ...func(S) time.Time) listOrder {
	order := noOrder
	for _, at := range times {
		rises, falls := false, false
		for i := 1; i < len(sessions); i++ {
			switch at(sessions[i]).Compare(at(sessions[i-1])) {
			case 1:
				rises = true
			case -1:
				falls = true
			}
		}
		switch {
		case falls && !rises:
			return newestFirst
		case rises && !falls:
			return oldestFirst
		case !rises:
			order = orderUnknown
		}
	}
	return order
}
