package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"browseruse_exporter/internal/simapi"
)

// How a fleet lives. Lengths and traffic are lognormal, as those of tasks are.
const (
	medianLength = 137 * time.Second // a fifth runs for less than half a minute
	lengthSigma  = 1.8
	longest      = 4 * time.Hour

	agentShare     = 0.65 // of the sessions belong to an agent session
	browsersMean   = 5.5  // of an agent session
	browsersMost   = 20
	browserPause   = 90 * time.Second // from one browser of an agent session to the next, on average
	proxyShare     = 1. / 3
	medianTraffic  = 8 << 10 // bytes a second
	lateMost       = 5 * time.Minute
	lateMinuteRate = 0.1
	overdueTimeout = time.Hour
	overdueMost    = 3 * time.Hour // past it
	history        = 5 * time.Hour // that the fleet has lived when the exporter starts
)

// life describes a fleet.
type life struct {
	perDay  int
	proxy   bool
	videos  int           // sessions a day that load video through the proxy
	overdue int           // sessions a day that stay active past their timeout
	upfront bool          // the whole time until the timeout is charged at the start
	rhythm  bool          // a quarter of the load at three at night
	median  time.Duration // 0: medianLength
}

// plan returns the sessions of a fleet that start until the end of a time, the
// oldest first.
func (l life) plan(start time.Time, lasts time.Duration) []simapi.Session {
	random := rand.New(rand.NewPCG(20261124, uint64(l.perDay)))
	var sessions []simapi.Session
	end := start.Add(lasts)
	// One task is a session alone or an agent session; so many of them are the latter
	// that agentShare of the sessions belong to them.
	agentTasks := agentShare / browsersMean / (1 - agentShare + agentShare/browsersMean)
	tasks := float64(l.perDay) / 24 / (1 - agentTasks + agentTasks*browsersMean) // an hour
	for at := start.Add(-history); at.Before(end); {
		rate := tasks
		if l.rhythm {
			hour := at.Sub(start).Hours()
			rate *= (0.625 + 0.375*math.Cos(2*math.Pi*(hour-15)/24)) / 0.625
		}
		at = at.Add(time.Duration(random.ExpFloat64() / rate * float64(time.Hour)))
		if random.Float64() >= agentTasks {
			sessions = append(sessions, l.session(random, at, ""))
			continue
		}
		agent := randomUUID(random)
		begins := at
		for range min(browsersMost, 1+int(random.ExpFloat64()*browsersMean)) {
			sessions = append(sessions, l.session(random, begins, agent))
			begins = begins.Add(time.Duration(random.ExpFloat64() * float64(browserPause)))
		}
	}
	for range int(float64(l.videos) * lasts.Hours() / 24) {
		sessions = append(sessions, l.video(random, start.Add(time.Duration(random.Float64()*float64(lasts)))))
	}
	for range int(float64(l.overdue) * lasts.Hours() / 24) {
		s := l.session(random, start.Add(time.Duration(random.Float64()*float64(lasts))), "")
		s.Overdue, s.Timeout = true, overdueTimeout
		s.StopAt = s.TimeoutAt().Add(time.Duration(random.Float64() * float64(overdueMost)))
		sessions = append(sessions, late(random, s))
	}
	slices.SortStableFunc(sessions, func(a, b simapi.Session) int { return a.StartedAt.Compare(b.StartedAt) })
	return slices.DeleteFunc(sessions, func(s simapi.Session) bool { return !s.StartedAt.Before(end) })
}

// session plans a session that starts at a time.
func (l life) session(random *rand.Rand, at time.Time, agent string) simapi.Session {
	length := float64(cmp.Or(l.median, medianLength)) * math.Exp(lengthSigma*random.NormFloat64())
	s := simapi.Session{
		ID: randomUUID(random), AgentSessionID: agent, StartedAt: at.Truncate(time.Microsecond), Timeout: longest,
		LateAfter: time.Duration(random.Float64() * float64(lateMost)), Upfront: l.upfront,
	}
	s.StopAt = s.StartedAt.Add(min(time.Duration(length), longest)).Truncate(time.Microsecond)
	if l.proxy && random.Float64() < proxyShare {
		s.ProxyBytesPerSecond = int64(medianTraffic * math.Exp(random.NormFloat64()))
	}
	return late(random, s)
}

// video plans a session that loads video through the proxy.
func (l life) video(random *rand.Rand, at time.Time) simapi.Session {
	s := l.session(random, at, "")
	s.StopAt = s.StartedAt.Add(10*time.Minute + time.Duration(random.Float64()*float64(50*time.Minute))).Truncate(time.Microsecond)
	s.ProxyBytesPerSecond = int64((0.3 + 1.2*random.Float64()) * (1 << 20))
	return late(random, s)
}

// late plans what is metered after the end: a share of the traffic between -5% and
// +15%, and one more minute for some.
func late(random *rand.Rand, s simapi.Session) simapi.Session {
	traffic := s.StopAt.Sub(s.StartedAt).Seconds() * float64(s.ProxyBytesPerSecond)
	s.LateProxyBytes = int64(traffic * (0.2*random.Float64() - 0.05))
	s.LateMinutes = 0
	if random.Float64() < lateMinuteRate {
		s.LateMinutes = 1
	}
	return s
}

func randomUUID(random *rand.Rand) string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(random.UintN(256))
	}
	return id.String()
}

// ledger is the truth about money: what all sessions have cost at any time.
type ledger struct {
	sessions []simapi.Session // the oldest start first
	begun    int              // sessions that have started by the time asked for last
	settled  float64          // what those cost that will cost nothing more
	open     []int            // the other sessions
	asked    time.Time
}

// spent returns what all sessions have cost at a time. Times must not go back much.
func (l *ledger) spent(at time.Time) float64 {
	if at.Before(l.asked) {
		*l = ledger{sessions: l.sessions}
	}
	l.asked = at
	for ; l.begun < len(l.sessions) && !l.sessions[l.begun].StartedAt.After(at); l.begun++ {
		l.open = append(l.open, l.begun)
	}
	sum := 0.0
	l.open = slices.DeleteFunc(l.open, func(i int) bool {
		s := &l.sessions[i]
		over := s.StopAt.Add(s.LateAfter).Before(at)
		if over {
			l.settled += cost(s, at)
		} else {
			sum += cost(s, at)
		}
		return over
	})
	return l.settled + sum
}

// between returns what is spent from one time to another.
func (l *ledger) between(from, to time.Time) float64 {
	before := l.spent(from)
	return l.spent(to) - before
}

func cost(s *simapi.Session, at time.Time) float64 { return s.BrowserCost(at) + s.ProxyCost(at) }

// agents returns the sessions of each agent session.
func (l *ledger) agents() map[string][]*simapi.Session {
	agents := map[string][]*simapi.Session{}
	for i := range l.sessions {
		if agent := strings.ToLower(l.sessions[i].AgentSessionID); agent != "" {
			agents[agent] = append(agents[agent], &l.sessions[i])
		}
	}
	return agents
}
