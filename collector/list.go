package collector

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"browseruse_exporter/apiclient"
)

// fewSessions are read one by one rather than through the list, which costs a
// request of its own.
const fewSessions = 3

// How much of a list is asked for that is longer than expected. The first scrape
// of a large project goes on in growing waves; a list that brings nothing new is
// not followed, whatever it promises.
const (
	firstWave = 10
	maxPages  = 1000 // 100,000 active sessions
)

// listing is a reading of the list of active sessions under way.
type listing struct {
	collector *Collector
	progress  *progress
	wanted    map[string]bool // sessions to be found

	mu    sync.Mutex
	seen  map[string]bool // sessions that were on a page, readable or not
	total int             // sessions that the list has, as it says; -1 until it does
	shown int             // the last page that brought a session not seen before
	err   error           // why a page could not be read
}

// readList reads the list of active sessions as far as that is the cheapest way
// to the unread ones, or whole when discovering. It returns those that are to be
// read one by one.
func (c *Collector) readList(ctx context.Context, p *progress, unread []string) (rest []string) {
	l := &listing{collector: c, progress: p, wanted: make(map[string]bool, len(unread)), seen: map[string]bool{}, total: -1}
	for _, id := range unread {
		l.wanted[id] = true
	}
	l.readPages(ctx)
	for _, id := range unread {
		switch {
		case l.seen[id]:
		case isWholeAPI(l.err):
			p.foundSession(id, apiclient.Session{}, l.err)
		default:
			rest = append(rest, id)
		}
	}
	return rest
}

// readPages asks for pages side by side: as many as the list had last, then
// what it proves to have more.
func (l *listing) readPages(ctx context.Context) {
	memory := l.collector.memory
	asked, last := 0, 1
	if expected, shown := memory.listPages(); l.collector.options.Discover || expected < len(l.wanted) {
		last = shown
	}
	for asked < last {
		before := len(l.seen)
		l.readWave(ctx, asked+1, last)
		asked = last
		if len(l.seen) == before || !l.isWorthwhile(l.pages()-asked) {
			break
		}
		last = min(l.pages(), asked+max(asked, firstWave))
	}
	if l.total >= 0 {
		memory.listed(l.pages(), l.shown, l.err == nil)
	}
	l.progress.foundList(l.err)
}

// pages is how many pages the list has, as it says. l.mu is held, or nobody
// reads any more.
func (l *listing) pages() int {
	return min((l.total+apiclient.PageSize-1)/apiclient.PageSize, maxPages)
}

// isWorthwhile says whether so many more pages cost less than reading what is
// missing one by one.
func (l *listing) isWorthwhile(pages int) bool {
	if l.collector.options.Discover {
		return true
	}
	missing := 0
	for id := range l.wanted {
		if !l.seen[id] {
			missing++
		}
	}
	return pages < missing
}

// readWave asks for the pages from first to last side by side, but for those that
// the list, as it turns out meanwhile, does not have.
func (l *listing) readWave(ctx context.Context, first, last int) {
	var pages errgroup.Group
	pages.SetLimit(l.collector.options.Client.Concurrency())
	for number := first; number <= last; number++ {
		pages.Go(func() error {
			if l.isPast(number) {
				return nil
			}
			page, err := l.collector.options.Client.ActiveSessions(ctx, number)
			l.found(number, page, err)
			return nil
		})
	}
	_ = pages.Wait() // an error stands in l
}

// isPast says whether a page comes after the last, as far as the list has told.
func (l *listing) isPast(number int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total >= 0 && number > l.pages()
}

// found takes over what a page has.
func (l *listing) found(number int, page apiclient.Page, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress.request(err)
	if err != nil {
		if l.err == nil || isWholeAPI(err) {
			l.err = err
		}
		return
	}
	l.total = max(l.total, page.Total)
	before := len(l.seen)
	discover := l.collector.options.Discover
	for i := range page.Sessions {
		session := page.Sessions[i]
		l.seen[session.ID] = true
		if discover || l.wanted[session.ID] {
			l.collector.memory.saw(session, discover)
			l.progress.foundSession(session.ID, session, nil)
		}
	}
	for _, bad := range page.Bad {
		if bad.ID == "" || l.seen[bad.ID] {
			continue
		}
		l.seen[bad.ID] = true
		if discover || l.wanted[bad.ID] {
			l.progress.foundSession(bad.ID, apiclient.Session{}, bad.Err)
		}
	}
	if len(l.seen) > before {
		l.shown = max(l.shown, number)
	}
}

// isWholeAPI says whether a failure is likely to meet all other requests, too,
// so that to go on asking would only add load.
func isWholeAPI(err error) bool {
	if err == nil {
		return false
	}
	switch reasonOf(err) {
	case apiclient.ReasonNotFound, apiclient.ReasonRejected, apiclient.ReasonInvalidResponse:
		return false
	default:
		return true
	}
}
