package apitest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Endpoints, as Fault and Requests name them.
const (
	endpointBrowser  = "browser"
	endpointBrowsers = "browsers"
	endpointAccount  = "account"
)

// Options say what project is simulated.
type Options struct {
	Now       func() time.Time // nil: time.Now
	Key       string           // "": any key but none
	RateLimit int              // requests a second, in windows of 5 s; 0: no limit
	Account   Account          // zero: a believable one
}

// Account is what the account endpoint tells.
type Account struct {
	MonthlyCreditsUSD    float64
	AdditionalCreditsUSD float64
	ConcurrentSessions   int
	ProjectID, Plan      string
	NoPlan               bool // planInfo is null
	Terse                bool // leaves out what the API documents elsewhere only
}

// Server is the simulated API. It is an http.Handler for the paths below
// /api/v3, and safe for concurrent use.
type Server struct {
	now     func() time.Time
	account Account
	grow    func(now time.Time) // lets a living fleet live on; nil for one that stands still

	mu       sync.Mutex
	key      string
	sessions map[string]*Session
	running  []*Session // those that had not finished when last looked at, newest first
	sorted   bool       // whether running is in order
	made     int        // IDs made up
	limiter  *limiter
	requests map[string]int
	faults   []*injected
}

// New returns a project without sessions.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Account == (Account{}) {
		o.Account = Account{
			MonthlyCreditsUSD: 87.5, AdditionalCreditsUSD: 12.25, ConcurrentSessions: 250,
			ProjectID: "11111111-2222-4333-8444-555555555555", Plan: "Business",
		}
	}
	s := &Server{now: o.Now, account: o.Account, key: o.Key, sessions: map[string]*Session{}, requests: map[string]int{}}
	if o.RateLimit > 0 {
		s.limiter = &limiter{perSecond: o.RateLimit}
	}
	return s
}

// Add adds sessions and returns their IDs.
func (s *Server) Add(sessions ...Session) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(sessions))
	for _, session := range sessions {
		if session.ID == "" {
			s.made++
			session.ID = fmt.Sprintf("b0000000-0000-4000-8000-%012x", s.made)
		}
		s.sessions[session.ID] = &session
		s.running = append(s.running, &session)
		ids = append(ids, session.ID)
	}
	s.sorted = false
	return ids
}

// Stop stops a session now.
func (s *Server) Stop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[id].StopAt = s.now()
}

// Delete removes a session.
func (s *Server) Delete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, id)
	s.running = slices.DeleteFunc(s.running, func(session *Session) bool { return session.ID == id })
}

// Sessions returns the plans of all sessions, newest first.
func (s *Server) Sessions() []Session {
	s.live()
	s.mu.Lock()
	defer s.mu.Unlock()
	sessions := make([]Session, 0, len(s.sessions))
	for _, session := range newestFirst(slices.Collect(maps.Values(s.sessions))) {
		sessions = append(sessions, *session)
	}
	return sessions
}

// SetKey changes the key that is accepted.
func (s *Server) SetKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

// Requests returns how many requests arrived at each endpoint, whatever they
// were answered.
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.requests)
}

// ResetRequests counts from 0 again.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.requests)
}

// active returns the sessions that run at now, newest first. s.mu is held.
func (s *Server) active(now time.Time) []*Session {
	s.running = slices.DeleteFunc(s.running, func(session *Session) bool { return !session.Active(now) })
	if !s.sorted {
		s.running = newestFirst(s.running)
		s.sorted = true
	}
	return s.running
}

func newestFirst(sessions []*Session) []*Session {
	slices.SortFunc(sessions, func(a, b *Session) int {
		if order := b.StartedAt.Compare(a.StartedAt); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return sessions
}

// live lets a living fleet catch up with the clock.
func (s *Server) live() {
	if s.grow != nil {
		s.grow(s.now())
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.live()
	route := s.route(r)
	s.mu.Lock()
	if route.endpoint != "" {
		s.requests[route.endpoint]++
	}
	fault := s.fault(route)
	key := s.key
	s.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}

	given := r.Header.Get("X-Browser-Use-API-Key")
	switch {
	case given == "" || key != "" && given != key:
		reply(w, http.StatusUnauthorized, detailBody{"Invalid API key"})
	case !s.allow(w):
		w.Header().Set("Retry-After", "5")
		reply(w, http.StatusTooManyRequests, map[string]any{"error": "rate_limited", "limit_rps": s.limiter.perSecond, "retry_after_seconds": 5})
	case route.endpoint == "":
		reply(w, http.StatusNotFound, detailBody{"Not Found"})
	case r.Method != http.MethodGet:
		reply(w, http.StatusMethodNotAllowed, detailBody{"Method Not Allowed"})
	default:
		route.handle(w, r)
	}
}

// route is where a request leads.
type route struct {
	endpoint string // "" for none
	id       string // of the session asked for
	page     int    // of the list asked for
	handle   http.HandlerFunc
}

func (s *Server) route(r *http.Request) route {
	path, below := strings.CutPrefix(r.URL.Path, "/api/v3/")
	id, detail := strings.CutPrefix(path, "browsers/")
	switch {
	case !below:
		return route{}
	case path == "browsers":
		query, problems := parseListQuery(r.URL.Query())
		return route{endpoint: endpointBrowsers, page: query.page, handle: func(w http.ResponseWriter, _ *http.Request) { s.list(w, query, problems) }}
	case path == "billing/account":
		return route{endpoint: endpointAccount, handle: func(w http.ResponseWriter, _ *http.Request) { s.serveAccount(w) }}
	case detail && !strings.Contains(id, "/"):
		return route{endpoint: endpointBrowser, id: id, handle: func(w http.ResponseWriter, _ *http.Request) { s.detail(w, id) }}
	default:
		return route{}
	}
}
