package simapi

import (
	"net/http"
	"strconv"
	"time"
)

// RealRateLimit is the limit of the real API, in requests a second, and
// rateWindow the time over which it counts them (its guide on rate limits).
const (
	RealRateLimit = 25
	rateWindow    = 5 * time.Second
)

// limiter counts requests in windows that follow each other.
type limiter struct {
	perSecond int
	began     time.Time // of the window
	count     int       // of requests in it
	busiest   int       // the most that a window had
}

// allow counts a request, writes the headers about the limit, and reports whether the
// request may pass.
func (s *Server) allow(w http.ResponseWriter) bool {
	if s.limiter == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, now := s.limiter, s.now()
	if began := now.Truncate(rateWindow); !began.Equal(l.began) {
		l.began, l.count = began, 0
	}
	l.count++
	l.busiest = max(l.busiest, l.count)
	most := l.perSecond * int(rateWindow/time.Second)
	reset := l.began.Add(rateWindow).Sub(now)
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(most))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(0, most-l.count)))
	w.Header().Set("X-RateLimit-Reset", strconv.Itoa(int((reset+time.Second-1)/time.Second)))
	return l.count <= most
}

// BusiestWindow returns the most requests that arrived in one window of 5 s, if
// the rate limit is on.
func (s *Server) BusiestWindow() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limiter == nil {
		return 0
	}
	return s.limiter.busiest
}
