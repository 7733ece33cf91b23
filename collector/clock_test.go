package collector_test

import (
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"go.uber.org/goleak"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/internal/simapi"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // the tests keep little of what they allocate: a third less CPU time
	goleak.VerifyTestMain(m)
}

// exporterClock is one that can jump, as that of a machine that is set does.
type exporterClock struct{ ahead time.Duration }

func (c *exporterClock) now() time.Time { return time.Now().Add(c.ahead).Round(0) } // without the monotonic part, which does not jump

// newCollector returns a collector of all active sessions, in a synctest bubble.
func newCollector(t *testing.T, api *simapi.Server, c *exporterClock, maxAge time.Duration) *collector.Collector {
	t.Helper()
	transport, stop := simapi.Serve(api)
	client := apiclient.New(apiclient.Options{
		BaseURL: "http://api.test/api/v3", Key: func() string { return "k" }, Timeout: time.Second, Concurrency: 2, Transport: transport, Now: c.now,
	})
	t.Cleanup(func() {
		client.CloseIdleConnections()
		stop()
	})
	return collector.New(collector.Options{Client: client, Discover: true, Linger: time.Hour, Settle: time.Hour, MaxAge: maxAge, Logger: log.NewNopLogger(), Now: c.now})
}

// project has one session, that is active for a long time.
func project() *simapi.Server {
	api := simapi.New(simapi.Options{})
	api.Add(simapi.Session{StartedAt: time.Now(), Timeout: 24 * time.Hour})
	return api
}

// jumps are those of the exporter's clock.
var jumps = map[string]time.Duration{"forward": time.Hour, "back": -time.Hour, "back a little": -2 * time.Minute}

// TestAReadingOfAnotherTimeIsNotUsedAgain lets the clock jump after a reading that
// could be used for ten seconds.
func TestAReadingOfAnotherTimeIsNotUsedAgain(t *testing.T) {
	for name, jump := range jumps {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, c := project(), &exporterClock{}
				all := newCollector(t, api, c, 10*time.Second)
				first := all.Read(t.Context())
				if again := all.Read(t.Context()); again != first {
					t.Fatal("the reading is not used again")
				}
				c.ahead = jump
				second := all.Read(t.Context())
				if second == first || !second.Start.Equal(c.now()) || !second.AllRead() {
					t.Errorf("the reading after the jump is of %v; want a new one of %v", second.Start, c.now())
				}
				if again := all.Read(t.Context()); again != second || api.Requests()["browsers"] != 2 {
					t.Error("the reading after the jump is not used again")
				}
			})
		})
	}
}

// TestThePaceBeginsAnewWhenTheClockJumps wants none that is taken over the jump,
// and a right one a minute later.
func TestThePaceBeginsAnewWhenTheClockJumps(t *testing.T) {
	for name, jump := range jumps {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &exporterClock{}
				all := newCollector(t, project(), c, 0)
				var pace *collector.SpendRate
				read := func(times int) {
					for range times {
						pace = all.Read(t.Context()).SpendRate
						time.Sleep(30 * time.Second)
					}
				}
				read(20)
				if pace == nil {
					t.Fatal("no pace after ten minutes")
				}
				c.ahead = jump - 30*time.Second // that passed since the last reading
				if read(1); pace != nil {
					t.Errorf("a pace over %v at the jump; want none", pace.Over)
				}
				read(2)
				const price = 0.02 // USD an hour, by the minute
				if pace == nil || pace.Over != time.Minute || pace.USDPerHour < price-1e-9 || pace.USDPerHour > price+1e-9 {
					t.Errorf("the pace a minute after the jump is %+v; want %v over a minute", pace, price)
				}
			})
		})
	}
}
