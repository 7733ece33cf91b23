package collector

import (
	"context"
	"time"

	"github.com/go-kit/log/level"

	"browseruse_exporter/apiclient"
)

// maxStoppedPages bounds how many pages of the list of stopped sessions a reading
// follows: 1,000 sessions that ended since the reading before.
const maxStoppedPages = 10

// listOrder is the order in which the API lists the stopped sessions. It promises
// none, so it is learned from a full page.
type listOrder int

const (
	orderUnknown listOrder = iota // taken for newestFirst, which was seen
	newestFirst
	oldestFirst
	noOrder // the newest may be on any page
)

// stoppedList is what is known of the list of stopped sessions.
type stoppedList struct {
	order listOrder
	pages int // that the list had last; 0 before it was read
}

// readStopped reads the page of the list of stopped sessions that has the newest,
// for those that began and ended between two readings, and for the final costs of
// those that left the list of active ones. It goes on to the next page while all
// of a page is new.
func (c *Collector) readStopped(ctx context.Context, batch *apiclient.Batch, p *partialReading) {
	list := c.store.stoppedList()
	if list.order == noOrder {
		return
	}
	number := 1
	if list.order == oldestFirst {
		number = max(1, list.pages)
	}
	asked := map[int]bool{}
	for len(asked) < maxStoppedPages && number >= 1 && !asked[number] {
		asked[number] = true
		page, err := batch.StoppedSessions(ctx, number)
		allNew := p.recordStopped(page, err)
		if err != nil {
			break
		}
		pages := max(1, (page.Total+page.Size-1)/page.Size)
		grew := list.order == oldestFirst && pages > list.pages
		if list.pages = pages; list.order == orderUnknown && pages > 1 {
			list.order = orderOf(page.Sessions)
		}
		if list.order == noOrder {
			_ = level.Warn(c.options.Logger).Log("msg", "Stopped sessions are listed in no order, those that begin and end between two scrapes stay unseen")
			break
		}
		number = list.next(number, grew, allNew)
	}
	c.store.recordStoppedList(list)
}

// next returns the page to read after page number, or 0 for none: the end of the
// list if that is another one, or the page beside a page that is all new.
func (l *stoppedList) next(number int, grew, allNew bool) int {
	switch {
	case l.order == oldestFirst && (grew || number == 1) && number < l.pages:
		return l.pages
	case !allNew:
		return 0
	case l.order == oldestFirst:
		return number - 1
	case number < l.pages:
		return number + 1
	default:
		return 0
	}
}

// orderOf returns the order of the sessions of a full page, by their start or by
// their finish. If all are of one moment, it is unknown still.
func orderOf(sessions []apiclient.Session) listOrder {
	order := noOrder
	for _, at := range []func(*apiclient.Session) time.Time{
		func(s *apiclient.Session) time.Time { return s.StartedAt },
		func(s *apiclient.Session) time.Time { return s.FinishedAt },
	} {
		rises, falls := false, false
		for i := 1; i < len(sessions); i++ {
			switch at(&sessions[i]).Compare(at(&sessions[i-1])) {
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
