package collector

import (
	"context"
	"errors"
	"math"
	"time"
)

// cancelGrace is how long the last scrape to release a canceled reading waits for
// its end, so that the requests it gave up are counted in the very scrape that
// gave them up. It ends at once unless a request ignores its context.
const cancelGrace = 100 * time.Millisecond

// sharedReading is a reading under way that overlapping scrapes share. It goes on
// as long as one of them waits for it.
type sharedReading struct {
	partial *partialReading
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed at its end
	reading *Reading      // what it found; valid once done is closed
	waiting int           // guarded by Collector.mu
}

// acquire returns the reading under way, or starts one. A reading that began longer
// ago than ctx has left is not shared: what it read first would be passed off as
// new.
func (c *Collector) acquire(ctx context.Context) *sharedReading {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || c.current.partial.age() > timeLeft(ctx) {
		shared, cancel := context.WithCancelCause(c.closed)
		s := &sharedReading{partial: c.newPartialReading(), cancel: cancel, done: make(chan struct{})}
		c.current = s
		go func() {
			defer cancel(nil)
			s.reading = c.read(shared, s.partial)
			c.end(s, errors.Is(context.Cause(shared), context.Canceled))
			close(s.done)
		}()
	}
	c.current.waiting++
	return c.current
}

func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return math.MaxInt64
	}
	return time.Until(deadline)
}

// release is called once for each acquire. The last one cancels the reading, for
// the cause for which its scrape ended.
func (c *Collector) release(s *sharedReading, cause error) {
	c.mu.Lock()
	s.waiting--
	last := s.waiting == 0
	if last && c.current == s {
		c.current = nil
	}
	c.mu.Unlock()
	if !last {
		return
	}
	s.cancel(cause)
	grace := time.NewTimer(cancelGrace)
	defer grace.Stop()
	select {
	case <-s.done:
	case <-grace.C:
	}
}

// end lets the next scrape start a reading of its own, and keeps this one for
// those that need no newer one. A canceled reading is not kept.
func (c *Collector) end(s *sharedReading, canceled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == s {
		c.current = nil
	}
	if c.options.MaxAge > 0 && s.reading.Complete && s.reading.Up && s.reading.isNewer(c.recent) {
		c.recent = s.reading
	}
	if !canceled && s.reading.isNewer(c.last) {
		c.last = s.reading
	}
}

// isNewer reports whether r began after another, if there is one: a reading may end
// after one that began later.
func (r *Reading) isNewer(other *Reading) bool { return other == nil || r.number > other.number }
