package collector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"browseruse_exporter/apiclient"
)

// books is a ledger with a clock, and a truth to compare it with.
type books struct {
	t      *testing.T
	now    time.Time
	ledger *ledger
	number int
}

func newBooks(t *testing.T) *books {
	t.Helper()
	b := &books{t: t, now: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)}
	b.restart()
	return b
}

func (b *books) restart() {
	b.ledger, b.number = newLedger(func() time.Time { return b.now }, 15*time.Minute), 0
	b.now = b.now.Add(time.Minute)
}

func testID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// session is one that started so long ago.
func (b *books) session(n int, age time.Duration, browser, proxy float64) apiclient.Session {
	return apiclient.Session{
		Record:      apiclient.Record{ID: testID(n), Status: "active", StartedAt: b.now.Add(-age)},
		BrowserCost: amount(browser), ProxyCost: amount(proxy), ProxyUsedMB: amount(100 * proxy),
	}
}

func (b *books) stopped(s apiclient.Session) apiclient.Session {
	s.Status, s.FinishedAt = "stopped", b.now
	return s
}

func amount(usd float64) apiclient.Amount {
	if math.IsNaN(usd) {
		return apiclient.Amount{}
	}
	return apiclient.Amount{Value: usd, Known: true}
}

// reading is one that finds these sessions.
func (b *books) reading(sessions ...apiclient.Session) *Reading {
	b.number++
	r := &Reading{Start: b.now, number: b.number}
	for _, s := range sessions {
		r.Sessions = append(r.Sessions, SessionReading{ID: s.ID, Session: &s, fresh: true, read: true})
	}
	return r
}

// book books a reading, with a page of the list of stopped sessions.
func (b *books) book(r *Reading, page ...apiclient.Session) {
	var newest newestFound[*apiclient.Session]
	for _, s := range page {
		newest.pages = append(newest.pages, []*apiclient.Session{&s})
	}
	book(b.ledger, r, r.Sessions, &newest)
}

// read books a reading that finds these sessions, a minute after the last.
func (b *books) read(sessions ...apiclient.Session) {
	b.now = b.now.Add(time.Minute)
	b.book(b.reading(sessions...))
}

func (b *books) wantSpend(what string, browser, proxy float64) {
	b.t.Helper()
	want := [amountCount]float64{browserCost: browser, proxyCost: proxy, proxyMegabytes: 100 * proxy}
	for i, got := range b.ledger.exposed {
		if !(math.Abs(got-want[i]) <= 1e-6) { // NaN, too
			b.t.Errorf("%s: counter %d is %v; want %v", what, i, got, want[i])
		}
	}
}

func TestWhatIsSpentIsCountedOnce(t *testing.T) {
	null := math.NaN()
	for name, test := range map[string]func(b *books){
		"before the start it is not, after it it is": func(b *books) {
			old := b.session(1, time.Hour, 5, 1)
			b.read(old)
			b.wantSpend("base line", 0, 0)
			b.read(b.session(1, time.Hour, 5.5, 1.25), b.session(2, time.Second, 0.3, 0.1))
			b.wantSpend("grown, and a new one", 0.8, 0.35)
			b.restart()
			b.wantSpend("restarted", 0, 0)
			b.read(b.session(1, time.Hour, 6, 2))
			b.read(b.session(1, time.Hour, 7, 2))
			b.wantSpend("after the restart", 1, 0)
		},
		"an upfront charge, and its refund": func(b *books) {
			b.read(b.session(1, time.Second, 0.08, 0))
			b.wantSpend("charged", 0.08, 0)
			b.read(b.stopped(b.session(1, time.Minute, 0.02, 0)))
			b.wantSpend("refunded", 0.08, 0)
			b.read(b.session(2, time.Second, 0.05, 0))
			b.wantSpend("set off", 0.08, 0)
			b.read(b.session(2, time.Minute, 0.10, 0))
			b.wantSpend("spent again", 0.12, 0)
		},
		"a correction of one component leaves the other": func(b *books) {
			b.read(b.session(1, time.Second, 1, 1))
			b.read(b.session(1, time.Minute, 2, 0.5))
			b.wantSpend("corrected", 2, 1)
		},
		"a refund and a charge in one reading": func(b *books) {
			b.read(b.session(1, time.Second, 1, 0), b.session(2, time.Second, 1, 0))
			b.read(b.session(1, time.Minute, 2, 0), b.session(2, time.Minute, 0, 0))
			b.wantSpend("as much as before", 2, 0)
		},
		"null changes nothing": func(b *books) {
			b.read(b.session(1, time.Second, null, 1), b.session(2, time.Hour, null, 1))
			b.wantSpend("browser cost not known", 0, 1)
			b.read(b.session(1, time.Minute, 3, null), b.session(2, time.Hour, 4, null))
			b.wantSpend("known", 3, 1)
			b.read(b.session(1, time.Minute, 4, 2), b.session(2, time.Hour, 5, 1))
			b.wantSpend("both known", 5, 2)
		},
		"vanished, and back": func(b *books) {
			b.read(b.session(1, time.Second, 1, 1))
			for range 60 {
				b.read()
			}
			gone := b.reading()
			gone.Sessions = []SessionReading{{ID: testID(1), Err: &apiclient.Error{}, fresh: true}}
			b.book(gone)
			b.read(b.session(1, time.Hour, 1.5, 1))
			b.wantSpend("back", 1.5, 1)
		},
		"a list shows a final one for ever": func(b *books) {
			final := b.stopped(b.session(1, time.Second, 1, 1))
			final.StartedAt = b.now.Add(time.Second)
			for range 60 {
				b.now = b.now.Add(time.Hour)
				b.book(b.reading(), final, final)
			}
			b.wantSpend("final", 1, 1)
			if b.ledger.started != 1 || b.ledger.finished != 1 {
				b.t.Errorf("started %d, finished %d; want 1 each", b.ledger.started, b.ledger.finished)
			}
			for range 26 {
				b.now = b.now.Add(time.Hour)
				b.book(b.reading())
			}
			if n := len(b.ledger.entries); n != 0 {
				b.t.Errorf("%d entries a day after they were last seen; want none", n)
			}
			b.book(b.reading(), final)
			b.wantSpend("shown again", 1, 1)
		},
		"an older reading ends later": func(b *books) {
			b.now = b.now.Add(time.Minute)
			older := b.reading(b.session(1, time.Second, 9, 0), b.session(2, time.Second, 1, 0))
			newer := b.reading(b.stopped(b.session(1, time.Second, 4, 0)))
			b.book(newer)
			b.book(older)
			b.wantSpend("the newer value of one, the only one of the other", 5, 0)
			b.read(b.session(2, time.Minute, 1, 0))
			b.wantSpend("later", 5, 0)
		},
		"what a reading has of an earlier one": func(b *books) {
			b.read(b.session(1, time.Second, 1, 0))
			stale := b.reading()
			stale.Sessions = []SessionReading{{ID: testID(1), Session: new(b.session(1, time.Second, 7, 0)), fresh: true}}
			b.book(stale)
			b.wantSpend("not read", 1, 0)
		},
	} {
		t.Run(name, func(t *testing.T) { test(newBooks(t)) })
	}
}

// TestTheCounterIsTheRunningMaximum draws readings: costs that rise and fall, nulls,
// sessions that come, vanish and come back, twice in a reading, restarts.
func TestTheCounterIsTheRunningMaximum(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		b := newBooks(t)
		type truth struct {
			session apiclient.Session
			base    [amountCount]float64
			based   [amountCount]bool
		}
		var all []*truth
		var most [amountCount]float64
		cost := func() float64 {
			if random.IntN(8) == 0 {
				return math.NaN()
			}
			return float64(random.IntN(1000)) / 64
		}
		for range 60 {
			b.now = b.now.Add(time.Duration(1+random.IntN(600)) * time.Second)
			if random.IntN(40) == 0 {
				b.restart()
				most = [amountCount]float64{}
				for _, s := range all {
					s.base, s.based = [amountCount]float64{}, [amountCount]bool{}
				}
			}
			for range random.IntN(3) {
				all = append(all, &truth{session: b.session(len(all), time.Duration(random.IntN(1200))*time.Second, 0, 0)})
			}
			var found, stopped []apiclient.Session
			for _, s := range all {
				if random.IntN(3) == 0 { // vanished, or not reached
					continue
				}
				if s.session.FinishedAt.IsZero() && random.IntN(10) == 0 {
					s.session = b.stopped(s.session)
				}
				read := s.session
				read.BrowserCost, read.ProxyCost, read.ProxyUsedMB = amount(cost()), amount(cost()), amount(cost())
				for i, a := range amountsOf(&read) {
					if known := amountsOf(&s.session)[i]; !a.Known && (s.based[i] || known.Known) {
						continue
					} else if !s.based[i] && a.Known {
						s.based[i] = true
						if !s.session.StartedAt.After(b.ledger.start) {
							s.base[i] = a.Value
						}
					}
				}
				for i, to := range []*apiclient.Amount{&s.session.BrowserCost, &s.session.ProxyCost, &s.session.ProxyUsedMB} {
					if a := amountsOf(&read)[i]; a.Known {
						*to = a
					}
				}
				if !read.Active() && random.IntN(2) == 0 {
					stopped = append(stopped, read) // on the page alone, or beside
				}
				if read.Active() || len(stopped) == 0 || stopped[len(stopped)-1].ID != read.ID || random.IntN(2) == 0 {
					found = append(found, read)
				}
			}
			b.book(b.reading(found...), stopped...)
			var net [amountCount]float64
			for _, s := range all {
				for i, a := range amountsOf(&s.session) {
					if s.based[i] {
						net[i] += a.Value - s.base[i]
					}
				}
			}
			for i := range most {
				if most[i] = max(most[i], net[i]); !(math.Abs(b.ledger.exposed[i]-most[i]) <= 1e-9) {
					t.Fatalf("seed %d: counter %d is %v; want %v", seed, i, b.ledger.exposed[i], most[i])
				}
			}
		}
	}
}

// TestFinalValuesAreObservedOnce has a session on the page until it has settled, one
// that no reading has any more, and one that finished before the start.
func TestFinalValuesAreObservedOnce(t *testing.T) {
	b := newBooks(t)
	before := b.stopped(b.session(9, time.Hour, 1, 1))
	before.FinishedAt = b.ledger.start
	b.read(before, b.session(1, time.Second, 0.5, 0), b.session(2, time.Hour, 0.5, 0))
	last := b.stopped(b.session(1, 30*time.Second, 1, 0.5))
	b.read(last, b.stopped(b.session(2, time.Hour, 2, 1)))
	if n := histogramCount(t, b.ledger.cost); n != 0 {
		t.Errorf("%v are observed before they have settled; want none", n)
	}
	for range 13 {
		b.read(last)
	}
	last.BrowserCost = amount(1.25)
	for range 20 {
		b.read(last)
	}
	if n := histogramCount(t, b.ledger.cost); n != 2 {
		t.Errorf("%v are observed; want 2", n)
	}
	if sum := histogramSum(t, b.ledger.cost); sum != 1.25+0.5+2+1 {
		t.Errorf("they cost %v; want what was read last", sum)
	}
	if sum := histogramSum(t, b.ledger.duration); sum != 30+3600 {
		t.Errorf("they ran %v s; want 3630", sum)
	}
}

func histogramCount(t *testing.T, h prometheus.Histogram) uint64 {
	return histogramOf(t, h).GetSampleCount()
}

func histogramSum(t *testing.T, h prometheus.Histogram) float64 {
	return histogramOf(t, h).GetSampleSum()
}

func histogramOf(t *testing.T, h prometheus.Histogram) *dto.Histogram {
	t.Helper()
	var metric dto.Metric
	if err := h.Write(&metric); err != nil {
		t.Fatal(err)
	}
	return metric.GetHistogram()
}

// TestUnseenSessions follows the total of the list of stopped sessions.
func TestUnseenSessions(t *testing.T) {
	told := func(b *books, total int, sessions ...apiclient.Session) {
		b.t.Helper()
		b.now = b.now.Add(time.Minute)
		r := b.reading(sessions...)
		book(b.ledger, r, r.Sessions, &newestFound[*apiclient.Session]{listTotal: listTotal{known: true, total: total}})
	}
	want := func(b *books, count int) {
		b.t.Helper()
		if got := b.ledger.unseen.count; got != count {
			b.t.Errorf("%d unseen; want %d", got, count)
		}
	}
	for name, test := range map[string]func(b *books){
		"those that no reading has are counted one reading late": func(b *books) {
			told(b, 10)
			told(b, 15)
			want(b, 0)
			told(b, 15)
			want(b, 5)
		},
		"one that left the active list is not, before it is read": func(b *books) {
			told(b, 10, b.session(1, time.Second, 1, 0))
			told(b, 11)
			told(b, 11)
			told(b, 11)
			want(b, 0)
			told(b, 11, b.stopped(b.session(1, time.Minute, 1, 0)))
			told(b, 11)
			want(b, 0)
		},
		"a list that forgets does not hide later ones for good": func(b *books) {
			told(b, 200)
			for range 40 {
				told(b, 100)
			}
			want(b, 0)
			told(b, 105)
			told(b, 105)
			want(b, 5)
		},
	} {
		t.Run(name, func(t *testing.T) { test(newBooks(t)) })
	}
}

// TestTheLLMCounterIsTheRunningMaximum draws readings of agent sessions: costs that rise
// and fall, nulls, sessions that come, end, vanish and come back, twice in a reading.
// Whatever a total says, it counts nothing.
func TestTheLLMCounterIsTheRunningMaximum(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		b := newBooks(t)
		type truth struct {
			session    apiclient.AgentSession
			base, cost float64
			based      bool
		}
		var all []*truth
		most := 0.0
		for range 60 {
			b.now = b.now.Add(time.Duration(1+random.IntN(600)) * time.Second)
			if random.IntN(4) == 0 {
				all = append(all, &truth{session: apiclient.AgentSession{
					Record: apiclient.Record{ID: testID(len(all)), Status: "running", StartedAt: b.now.Add(-time.Duration(random.IntN(7200)) * time.Second)},
				}})
			}
			b.number++
			r := &Reading{Start: b.now, number: b.number}
			var newest newestFound[*apiclient.AgentSession]
			net := 0.0
			for _, s := range all {
				if random.IntN(3) > 0 {
					read := s.session
					read.LLMCost, read.TotalCost = amount(float64(random.IntN(1000))/64), amount(float64(random.IntN(1000)))
					if random.IntN(8) == 0 {
						read.LLMCost = apiclient.Amount{}
					}
					if read.LLMCost.Known && !s.based {
						s.based = true
						if !read.StartedAt.After(b.ledger.start) {
							s.base = read.LLMCost.Value
						}
					}
					if read.LLMCost.Known {
						s.cost = read.LLMCost.Value
					}
					if random.IntN(2) == 0 {
						newest.pages = append(newest.pages, []*apiclient.AgentSession{&read})
					} else {
						r.AgentSessions = append(r.AgentSessions, AgentSessionReading{ID: read.ID, Session: &read, fresh: true, read: true})
					}
				}
				net += s.cost - s.base
			}
			book(b.ledger, r, r.AgentSessions, &newest)
			if most = max(most, net); !(math.Abs(b.ledger.exposed[llmCost]-most) <= 1e-9) {
				t.Fatalf("seed %d: the counter is %v; want %v", seed, b.ledger.exposed[llmCost], most)
			}
			if b.ledger.exposed[browserCost] != 0 || b.ledger.exposed[proxyCost] != 0 {
				t.Fatalf("seed %d: an agent session counts as browser or proxy: %v", seed, b.ledger.exposed)
			}
		}
	}
}
