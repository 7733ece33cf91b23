package simapi

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Endpoints, as Fault and Requests name them.
const (
	endpointBrowser  = "browser"
	endpointBrowsers = "browsers"
	endpointStopped  = "stopped" // the list of browsers, for stopped ones alone
	endpointAccount  = "account"

	endpointAgentSession  = "agent_session"
	endpointAgentSessions = "agent_sessions"
)

// Options say what project is simulated.
type Options struct {
	Now       func() time.Time // nil: time.Now
	Key       string           // "": any key but none
	RateLimit int              // requests a second, in windows of 5 s; 0: no limit
	Latency   time.Duration    // every answer waits so long
	Account   Account          // zero: a believable one

	NoAgentSessions bool // as in Europe, where the API does not serve them
}

// Account is what the account endpoint serves.
type Account struct {
	MonthlyCreditsUSD    float64
	AdditionalCreditsUSD float64
	ConcurrentSessions   int // allowed at once; the API calls it rateLimit, too
	ProjectID, Plan      string
	NoPlan               bool // planInfo is null
	Terse                bool // concurrentSessionLimit and activeSessionCount are left out: only v2 documents them
}

// Server is the simulated API. It is an http.Handler for the paths below
// /api/v3, and safe for concurrent use.
type Server struct {
	now     func() time.Time
	account Account
	grow    func(now time.Time) // lets a living fleet live on; nil for one that stands still

	mu       sync.Mutex
	key      string
	latency  time.Duration
	fleet    fleet
	ids      *rand.Rand // makes IDs up
	limiter  *limiter
	requests map[string]int
	faults   []*injected
	agents   map[string]*AgentSession // by the ID in lower case; nil: they are not served

	uncharged float64 // USD that a demo's sessions have cost and its credit never paid: before its start

	stoppedOrder, agentOrder Order
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
	s := &Server{
		now: o.Now, account: o.Account, latency: o.Latency, key: o.Key,
		fleet: newFleet(), requests: map[string]int{},
		ids: rand.New(rand.NewPCG(0, 0)), //nolint:gosec // names, not secrets: the same in every run
	}
	if !o.NoAgentSessions {
		s.agents = map[string]*AgentSession{}
	}
	if o.RateLimit > 0 {
		s.limiter = &limiter{perSecond: o.RateLimit}
	}
	return s
}

// Add adds sessions and returns their IDs. One that is there already is
// replaced.
func (s *Server) Add(sessions ...Session) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(sessions))
	for _, session := range sessions {
		if session.ID == "" {
			session.ID = randomUUID(s.ids)
		}
		s.fleet.add(session)
		ids = append(ids, session.ID)
	}
	return ids
}

// Stop stops a session now, if it runs.
func (s *Server) Stop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session, now := s.fleet.get(id), s.now(); session != nil && session.Active(now) {
		session.StopAt = now
	}
}

// Delete removes a session: it is not found any more.
func (s *Server) Delete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fleet.remove(id)
}

// Sessions returns the plans of all sessions, newest first.
func (s *Server) Sessions() []Session {
	s.live()
	s.mu.Lock()
	defer s.mu.Unlock()
	every := s.fleet.every()
	sessions := make([]Session, 0, len(every))
	for _, session := range every {
		c := *session
		c.Metadata, c.Override = maps.Clone(c.Metadata), maps.Clone(c.Override)
		sessions = append(sessions, c)
	}
	return sessions
}

// SetKey changes the key that is accepted.
func (s *Server) SetKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

// SetLatency lets every answer take so long.
func (s *Server) SetLatency(latency time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = latency
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
	key, latency := s.key, s.latency
	s.mu.Unlock()
	if !wait(r.Context(), latency) {
		return
	}
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
		w.Header().Set("Allow", http.MethodGet)
		reply(w, http.StatusMethodNotAllowed, detailBody{"Method Not Allowed"})
	default:
		route.handle(w, r)
	}
}

// wait lets the latency pass, and reports whether somebody still waits for the
// answer.
func wait(ctx context.Context, latency time.Duration) bool {
	if latency <= 0 {
		return true
	}
	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
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
	agentID, agentDetail := strings.CutPrefix(path, "sessions/")
	switch {
	case !below:
		return route{}
	case path == "browsers":
		query, problems := parseListQuery(r.URL.Query())
		endpoint := endpointBrowsers
		if query.filter == "stopped" {
			endpoint = endpointStopped
		}
		return route{endpoint: endpoint, page: query.page, handle: func(w http.ResponseWriter, _ *http.Request) { s.list(w, query, problems) }}
	case path == "billing/account":
		return route{endpoint: endpointAccount, handle: func(w http.ResponseWriter, _ *http.Request) { s.serveAccount(w) }}
	case detail && id != "" && !strings.Contains(id, "/"):
		return route{endpoint: endpointBrowser, id: id, handle: func(w http.ResponseWriter, _ *http.Request) { s.detail(w, id) }}
	case path == "sessions":
		page, size, problems := parsePage(r.URL.Query(), "page", "page_size")
		return route{endpoint: endpointAgentSessions, page: page, handle: s.served(func(w http.ResponseWriter) { s.agentList(w, page, size, problems) })}
	case agentDetail && agentID != "" && !strings.Contains(agentID, "/"):
		return route{endpoint: endpointAgentSession, id: agentID, handle: s.served(func(w http.ResponseWriter) { s.agentDetail(w, agentID) })}
	default:
		return route{}
	}
}

// served answers as if nothing were there where agent sessions are not served. The real
// API's error is not known.
func (s *Server) served(handle func(http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if s.agents == nil {
			reply(w, http.StatusNotFound, detailBody{"Not Found"})
			return
		}
		handle(w)
	}
}
