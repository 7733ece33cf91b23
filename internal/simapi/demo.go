package simapi

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
)

// How the demo's fleet lives.
const (
	demoSeed      = 20261124
	demoHistory   = 4 * time.Hour    // before its start
	demoMemory    = 24 * time.Hour   // after which a finished session is forgotten
	demoArrival   = 50 * time.Second // from one short session to the next, on average
	demoAgentTurn = 9 * time.Minute  // from one session of an agent session to the next
	demoAgentLife = 8 * time.Hour    // of an agent session, before another one takes over
)

// role is a part in the demo's play: when its session ends, the next one takes
// the part over.
type role struct {
	random *rand.Rand // its own, so that the play does not depend on when it is watched
	next   time.Time  // when its next session starts
	start  turn
}

// turn plans the Session or AgentSession that starts at a time, and says when the one
// after it starts.
type turn func(r *rand.Rand, at time.Time) (plan any, next time.Time)

// demo is a fleet that lives by the clock alone: at the same time it is the same,
// however often it was read before.
type demo struct {
	mu    sync.Mutex
	roles []*role
}

// NewDemo returns a project with a believable fleet, in the midst of its work at
// now(), under the limits of the real API.
func NewDemo(now func() time.Time) *Server { return NewDemoOf("", now) }

// NewDemoOf returns such a project by its name: each has other sessions.
func NewDemoOf(name string, now func() time.Time) *Server {
	s := New(Options{Now: now, RateLimit: RealRateLimit})
	seed := uint64(demoSeed)
	if name != "" {
		hash := fnv.New64a()
		_, _ = hash.Write([]byte(name))
		seed ^= hash.Sum64()
		s.account.ProjectID = uuid.NewSHA1(uuid.NameSpaceDNS, []byte(name)).String()
	}
	start := now()
	d := &demo{roles: demoRoles(start, seed)}
	s.grow = func(now time.Time) { d.grow(s, now) }
	s.live()
	s.uncharged = s.cost(start)
	return s
}

// demoRoles is the cast.
func demoRoles(start time.Time, seed uint64) []*role {
	began := start.Add(-demoHistory)
	var roles []*role
	add := func(first time.Time, plan turn) {
		random := rand.New(rand.NewPCG(seed, uint64(len(roles)))) //nolint:gosec // play, not secrets
		roles = append(roles, &role{random: random, next: first, start: plan})
	}
	add(began, shortSession)
	add(began, agentSession("crawler"))
	add(began.Add(4*time.Minute), agentSession("checkout-tests"))
	add(start.Add(-100*time.Minute), longSession("research"))
	add(start.Add(-35*time.Minute), longSession("support"))
	add(start.Add(-13*time.Minute), leakingSession)
	add(start.Add(-56*time.Minute), timingOutSession)
	add(start.Add(-225*time.Minute), forgottenSession)
	add(began.Truncate(demoAgentLife), shift("crawler"))
	add(began.Truncate(demoAgentLife), shift("checkout-tests"))
	add(began, agentTask)
	add(start.Add(-50*time.Minute), loopingAgent)
	add(start.Add(-55*time.Minute), agentNearBudget)
	add(start.Add(-3*time.Hour), waitingAgent)
	return roles
}

// grow starts the sessions that are due by now, and forgets the old ones.
func (d *demo) grow(s *Server, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	born := false
	for _, role := range d.roles {
		for !role.next.After(now) {
			born = true
			var plan any
			switch plan, role.next = role.start(role.random, role.next); plan := plan.(type) {
			case Session:
				plan.ID = randomUUID(role.random)
				s.Add(plan)
			case AgentSession:
				plan.ID = cmp.Or(plan.ID, randomUUID(role.random))
				s.AddAgents(plan)
			}
		}
	}
	if born { // as good a time as any, and not at every request
		s.forget(now.Add(-demoMemory))
	}
}

// forget deletes the sessions that finished before a time. Its credit has paid for them.
func (s *Server) forget(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	isOver := func(session *Session) bool { return session.end().Before(before) }
	for _, session := range s.fleet.every() {
		if isOver(session) {
			s.uncharged -= session.cost(now)
		}
	}
	s.fleet.removeIf(isOver)
	maps.DeleteFunc(s.agents, func(_ string, a *AgentSession) bool {
		if a.Active(before) {
			return false
		}
		s.uncharged -= a.LLMCost(now)
		return true
	})
}

// shortSession is a task of a few minutes, of which there are many.
func shortSession(r *rand.Rand, at time.Time) (any, time.Time) {
	return Session{
		StartedAt:           at,
		Timeout:             15 * time.Minute,
		StopAt:              at.Add(between(r, time.Minute, 5*time.Minute)),
		ProxyBytesPerSecond: r.Int64N(60 << 10),
		LateProxyBytes:      r.Int64N(512 << 10),
		LateAfter:           2 * time.Minute,
		Metadata:            map[string]string{"team": "qa"},
	}, at.Add(between(r, demoArrival/2, demoArrival*3/2))
}

// agentSession is a browser of an agent session that opens one after another
// and has two or three at a time.
func agentSession(team string) turn {
	return func(r *rand.Rand, at time.Time) (any, time.Time) {
		return Session{
			AgentSessionID:      shiftID(team, at),
			StartedAt:           at,
			StopAt:              at.Add(between(r, demoAgentTurn*8/3, demoAgentTurn*3)),
			ProxyBytesPerSecond: 10<<10 + r.Int64N(40<<10),
			Metadata:            map[string]string{"team": team, "customer": fmt.Sprintf("customer-%d", 1+r.IntN(3))},
		}, at.Add(demoAgentTurn)
	}
}

// shiftID is the ID of the agent session that opens a team's browsers at a time.
func shiftID(team string, at time.Time) string {
	began := at.Truncate(demoAgentLife).UTC().Format(time.RFC3339)
	return uuid.NewSHA1(uuid.NameSpaceDNS, []byte(team+began)).String()
}

// shift is such an agent session, which thinks little.
func shift(team string) turn {
	return func(_ *rand.Rand, at time.Time) (any, time.Time) {
		next := at.Add(demoAgentLife)
		return AgentSession{ID: shiftID(team, at), CreatedAt: at, EndAt: next, TokensPerSecond: 200, Model: "bu-mini"}, next
	}
}

// agentTask is a task of some minutes, which costs about a dollar. Some fail.
func agentTask(r *rand.Rand, at time.Time) (any, time.Time) {
	statuses := []string{"stopped", "stopped", "stopped", "stopped", "error", "timed_out"}
	return AgentSession{
		CreatedAt: at, EndAt: at.Add(between(r, 3*time.Minute, 9*time.Minute)), EndStatus: statuses[r.IntN(len(statuses))],
		TokensPerSecond: 2000 + r.Int64N(3000), LateTokens: 20_000, LateAfter: 90 * time.Second, MaxCost: 10,
	}, at.Add(between(r, 2*time.Minute, 6*time.Minute))
}

// loopingAgent repeats its last step for hours: about fifteen dollars an hour.
func loopingAgent(_ *rand.Rand, at time.Time) (any, time.Time) {
	next := at.Add(3 * time.Hour)
	return AgentSession{CreatedAt: at, EndAt: next, EndStatus: "timed_out", TokensPerSecond: 5200}, next
}

// agentNearBudget spends its budget in an hour.
func agentNearBudget(_ *rand.Rand, at time.Time) (any, time.Time) {
	return AgentSession{CreatedAt: at, TokensPerSecond: 1780, MaxCost: 5, Model: "bu-ultra"}, at.Add(time.Hour)
}

// waitingAgent has done its work, and stays idle for hours.
func waitingAgent(_ *rand.Rand, at time.Time) (any, time.Time) {
	next := at.Add(20 * time.Hour)
	return AgentSession{CreatedAt: at, IdleAt: at.Add(20 * time.Minute), EndAt: next, TokensPerSecond: 1200, MaxCost: 25}, next
}

// longSession works for hours.
func longSession(team string) turn {
	return func(r *rand.Rand, at time.Time) (any, time.Time) {
		stop := at.Add(between(r, 150*time.Minute, 220*time.Minute))
		return Session{
			StartedAt: at, Timeout: 240 * time.Minute, StopAt: stop,
			ProxyBytesPerSecond: 5<<10 + r.Int64N(10<<10),
			Metadata:            map[string]string{"team": team},
		}, stop.Add(time.Minute)
	}
}

// leakingSession loads video through the proxy: about a dollar a minute.
func leakingSession(r *rand.Rand, at time.Time) (any, time.Time) {
	return Session{
		StartedAt: at, Timeout: 90 * time.Minute,
		ProxyBytesPerSecond: 3<<20 + r.Int64N(1<<20),
		Metadata:            map[string]string{"team": "research", "customer": "customer-2"},
	}, at.Add(91 * time.Minute)
}

// timingOutSession runs into its timeout, an hour, again and again.
func timingOutSession(r *rand.Rand, at time.Time) (any, time.Time) {
	return Session{
		StartedAt: at, ProxyBytesPerSecond: r.Int64N(20 << 10), Metadata: map[string]string{"team": "support"},
	}, at.Add(61 * time.Minute)
}

// forgottenSession does nothing for as long as it may.
func forgottenSession(_ *rand.Rand, at time.Time) (any, time.Time) {
	return Session{StartedAt: at, Timeout: 240 * time.Minute}, at.Add(241 * time.Minute)
}

func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}
