package collector

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"browseruse_exporter/apiclient"
)

// listThreshold is how many sessions are read one by one rather than through the
// list, which costs a request of its own.
const listThreshold = 3

// maxPages bounds how far a list is followed: 100,000 active sessions.
const maxPages = 1000

// listReader reads the list of active sessions.
type listReader struct {
	client   *apiclient.Client
	batch    *apiclient.Batch
	reading  *partialReading
	discover bool

	mu      sync.Mutex
	missing map[string]bool // sessions that were not on a page yet
	pages   int             // that the list has, as far as is known; 0 until a page was read
	failure *apiclient.Error
}

// readList reads the list of active sessions as far as that is the cheapest way
// to the unread ones, or whole when discovering.
func (c *Collector) readList(ctx context.Context, batch *apiclient.Batch, p *partialReading, unread []string) {
	l := &listReader{
		client: c.options.Client, batch: batch, reading: p, discover: c.options.Discover,
		missing: make(map[string]bool, len(unread)),
	}
	for _, id := range unread {
		l.missing[id] = true
	}
	first := 1
	if expected := max(1, int(c.browsers.pages.Load())); l.discover || expected < len(unread) {
		first = expected
	}
	l.readPages(ctx, 1, first)
	// A list that fails as the whole API does is not replaced by requests one by one.
	if l.failure != nil && l.failure.AffectsEveryRequest() {
		batch.Close(l.failure)
	}
	if more := l.pages - first; l.discover || more < len(l.missing) { // else one by one is cheaper
		l.readPages(ctx, first+1, l.pages)
	}
	if l.pages > 0 {
		c.browsers.pages.Store(int64(l.pages))
	}
}

// readPages reads the pages from first to last side by side, except those past the
// end of the list as it turns out meanwhile.
func (l *listReader) readPages(ctx context.Context, first, last int) {
	var pages errgroup.Group
	pages.SetLimit(l.client.Concurrency())
	for number := first; number <= last; number++ {
		pages.Go(func() error {
			if !l.isPast(number) {
				page, err := l.batch.ActiveSessions(ctx, number)
				l.record(number, page, err)
			}
			return nil
		})
	}
	_ = pages.Wait() // a failure is recorded in the reading
}

func (l *listReader) isPast(number int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pages > 0 && number > l.pages
}

// record hands on what a page has. No page follows one that is not full, whatever
// total the list claims.
func (l *listReader) record(number int, page apiclient.Page[*apiclient.Session], err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading.recordPage(page, err)
	if failure := asAPIError(err); failure != nil {
		if failure.NotSent == "" && (l.failure == nil || failure.AffectsEveryRequest()) {
			l.failure = failure
		}
		return
	}
	l.pages = min(page.Pages(), maxPages)
	if len(page.Sessions)+len(page.Invalid) < page.Size {
		l.pages = min(l.pages, number)
	}
	for _, session := range page.Sessions {
		if l.discover || l.missing[session.ID] {
			delete(l.missing, session.ID)
			l.reading.browsers.recordSession(session, l.discover)
		}
	}
	for _, item := range page.Invalid {
		if item.ID != "" && (l.discover || l.missing[item.ID]) {
			delete(l.missing, item.ID)
			l.reading.browsers.recordFailure(item.ID, item.Err)
		}
	}
}
