package collector

import (
	"context"
	"errors"
	"math"
	"time"
)

// windDown is how long the last one to leave a flight waits for it to end, so
// that what it gave up is counted in the very scrape that it was given up for.
// It ends at once unless a request does not heed its context.
const windDown = 100 * time.Millisecond

// flight is a reading under way. It goes on as long as somebody waits for it.
type flight struct {
	progress *progress
	cancel   context.CancelCauseFunc
	done     chan struct{} // closed at its end
	reading  *Reading      // what it found; there once done is closed
	waiting  int           // guarded by Collector.mu
}

// join returns the reading under way, or else starts one. One that began longer
// ago than ctx has left is not joined: what it read first would be passed off as
// new.
func (c *Collector) join(ctx context.Context) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || c.current.progress.age() > left(ctx) {
		shared, cancel := context.WithCancelCause(context.Background())
		c.begun++
		f := &flight{progress: newProgress(c.begun, c.options.Now, c.info), cancel: cancel, done: make(chan struct{})}
		c.current = f
		go func() {
			defer cancel(nil)
			f.reading = c.read(shared, f.progress)
			c.end(f, errors.Is(context.Cause(shared), context.Canceled))
			close(f.done)
		}()
	}
	c.current.waiting++
	return c.current
}

// left is how long ctx goes on.
func left(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return math.MaxInt64
	}
	return time.Until(deadline)
}

// leave is called by each who joined. The last one cuts the reading short, for
// the cause for which it leaves.
func (c *Collector) leave(f *flight, cause error) {
	c.mu.Lock()
	f.waiting--
	last := f.waiting == 0
	if last && c.current == f {
		c.current = nil
	}
	c.mu.Unlock()
	if !last {
		return
	}
	f.cancel(cause)
	grace := time.NewTimer(windDown)
	defer grace.Stop()
	select {
	case <-f.done:
	case <-grace.C:
	}
}

// end lets the next scrape start a reading of its own, and keeps this one for
// those that need no newer one.
func (c *Collector) end(f *flight, unwanted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == f {
		c.current = nil
	}
	if f.reading.Complete && c.options.MaxAge > 0 && f.reading.isNewer(c.recent) {
		c.recent = f.reading
	}
	if !unwanted && f.reading.isNewer(c.last) {
		c.last = f.reading
	}
}

// isNewer says whether r began after another, if there is one: a reading may end
// after the one that began after it.
func (r *Reading) isNewer(other *Reading) bool { return other == nil || r.number > other.number }
