package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"browseruse_exporter/internal/simapi"
)

// settle and linger are those of the exporter, short enough to see their ends.
const (
	settle = 8 * time.Second
	linger = 45 * time.Second // all that stop at the end are read one by one meanwhile, at 10 a second
)

// world is the simulated API with its fleet, and the files that the exporter
// reads.
type world struct {
	api      *simapi.Server
	server   *http.Server
	url      string
	dir      string
	sessions int // how many are active

	mu     sync.Mutex
	random *rand.Rand
	plans  map[string]simapi.Session // of all sessions that ever were
	agents map[string]simapi.AgentSession
	keys   []string       // that ever were
	faults map[string]int // how many of each kind
}

func newWorld(seed uint64, sessions int) (*world, error) {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &world{
		dir: dir, sessions: sessions, url: "http://" + listener.Addr().String() + "/api/v3",
		random: rand.New(rand.NewPCG(seed, 0)),
		plans:  map[string]simapi.Session{}, agents: map[string]simapi.AgentSession{}, faults: map[string]int{},
	}
	w.api = simapi.New(simapi.Options{RateLimit: simapi.RealRateLimit})
	w.server = &http.Server{Handler: w.api, ReadHeaderTimeout: time.Minute}
	go func() { _ = w.server.Serve(listener) }()
	for range sessions {
		w.start()
	}
	w.rotateKey()
	w.rotateSessionFile(true)
	return w, nil
}

func (w *world) close() {
	_ = w.server.Close()
	_ = os.RemoveAll(w.dir)
}

func (w *world) keyFile() string     { return filepath.Join(w.dir, "key") }
func (w *world) sessionFile() string { return filepath.Join(w.dir, "sessions") }

// start lets a session begin. It ends after a while: one a second does,
// and is read twice by its ID, for which the rate limit leaves room between faults.
func (w *world) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	session := simapi.Session{
		ID: uuid.NewString(), StartedAt: time.Now().Truncate(time.Microsecond),
		StopAt:              time.Now().Add(time.Duration(10+w.random.IntN(290)) * time.Second).Truncate(time.Microsecond),
		ProxyBytesPerSecond: int64(w.random.IntN(1 << 20)),
		Metadata:            map[string]string{"team": "t\"\n\\" + strconv.Itoa(w.random.IntN(5))},
	}
	if w.random.IntN(2) == 0 {
		session.AgentSessionID = uuid.NewString()
		agent := simapi.AgentSession{
			ID: session.AgentSessionID, CreatedAt: session.StartedAt, EndAt: session.StopAt.Add(time.Duration(w.random.IntN(60)) * time.Second),
			TokensPerSecond: int64(w.random.IntN(10_000)), OutputBytes: w.random.IntN(20_000),
		}
		w.agents[agent.ID] = agent
		w.api.AddAgents(agent)
	}
	if w.random.IntN(10) == 0 {
		session.Override = map[string]any{"proxyCost": nil} // not known
	} else if w.random.IntN(4) == 0 {
		session.LateProxyBytes, session.LateAfter = int64(w.random.IntN(1<<20)), time.Duration(w.random.IntN(int(settle)))
	}
	w.plans[session.ID] = session
	w.api.Add(session)
}

// live keeps the fleet at its size. Now and then a session is deleted.
func (w *world) live(ctx context.Context) {
	for pause(ctx, 500*time.Millisecond) {
		active := 0
		for _, session := range w.api.Sessions() {
			if session.Active(time.Now()) {
				active++
			}
		}
		for ; active < w.sessions; active++ {
			w.start()
		}
		if w.chance(20) {
			w.remove()
		}
	}
}

// remove deletes a session, whatever it does.
func (w *world) remove() {
	sessions := w.api.Sessions()
	id := sessions[w.draw(len(sessions))].ID
	w.api.Delete(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.plans, id)
}

// makeTrouble injects faults, and changes key, session file and latency.
func (w *world) makeTrouble(ctx context.Context) {
	for pause(ctx, time.Duration(w.draw(1500))*time.Millisecond) {
		name, handler := w.fault()
		endpoint := []string{"", "browser", "browsers", "account", "agent_session", "agent_sessions"}[w.draw(6)]
		remove := w.api.Inject(simapi.Fault{Endpoint: endpoint, Times: 1 + w.draw(20), Handler: handler})
		time.AfterFunc(time.Duration(w.draw(4000))*time.Millisecond, remove)
		w.api.SetLatency(time.Duration(w.draw(200)) * time.Millisecond)
		w.mu.Lock()
		w.faults[name]++
		w.mu.Unlock()
		if w.chance(15) {
			w.rotateKey()
		}
		if w.chance(10) {
			w.rotateSessionFile(w.chance(2))
		}
	}
}

// fault draws what the API does instead of its work.
func (w *world) fault() (string, http.HandlerFunc) {
	// No 404: two of them in a row are believed, and the session is asked for again
	// only after minutes.
	code := []int{400, 402, 403, 422, 500, 502, 503, 504, 302, 204}[w.draw(10)]
	faults := map[string]http.HandlerFunc{
		"status " + strconv.Itoa(code): simapi.Status(code, `{"detail":"`+simapi.Credential+`"}`, "Location", "http://127.0.0.1:1/"),
		"429":                          simapi.Status(429, "", "Retry-After", strconv.Itoa(w.draw(int(maxHold/time.Second)))),
		"503 with a pause":             simapi.Status(503, "", "Retry-After", strconv.Itoa(w.draw(int(maxHold/time.Second)))),
		"hang":                         simapi.Hang(),
		"drip":                         simapi.Drip(`{"items":[{"liveUrl":"`+simapi.Credential+`"`, 100*time.Millisecond),
		"reset":                        simapi.Reset(),
		"cut short":                    simapi.Truncate(`{"items":[{"liveUrl":"` + simapi.Credential + `"}]}`),
		"no HTTP":                      simapi.Raw("nonsense\r\n", false),
		"half a header":                simapi.Raw("HTTP/1.1 200 OK\r\nContent", w.chance(2)),
		"other JSON":                   simapi.Status(200, `{"id":"`+uuid.NewString()+`","liveUrl":"`+simapi.Credential+`"}`),
		"HTML":                         simapi.Status(200, "<html>"+simapi.Credential),
		"a wrong total":                simapi.Status(200, `{"items":[],"totalItems":50000,"pageNumber":1,"pageSize":100}`),
		"a lot":                        simapi.Status(200, strings.Repeat("x", 2<<20)),
	}
	names := make([]string, 0, len(faults))
	for name := range faults {
		names = append(names, name)
	}
	slices.Sort(names)
	name := names[w.draw(len(names))]
	return name, faults[name]
}

// rotateKey gives out another key. For a moment the exporter has the old one.
func (w *world) rotateKey() {
	w.mu.Lock()
	key := fmt.Sprintf("bu_soak_%x", w.random.Uint64())
	w.keys = append(w.keys, key)
	w.mu.Unlock()
	w.replace(w.keyFile(), key+"\n")
	w.api.SetKey(key)
}

func (w *world) secrets() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.keys)
}

// rotateSessionFile names some of the sessions. A file that is not good names
// something that is no session, too, or nothing at all.
func (w *world) rotateSessionFile(good bool) {
	if !good && w.chance(2) {
		w.replace(w.sessionFile(), "")
		return
	}
	var text strings.Builder
	for i, session := range w.api.Sessions() {
		if i%10 == 0 {
			fmt.Fprintln(&text, session.ID, "# one of them")
		}
	}
	if !good {
		fmt.Fprintln(&text, "no session at all")
	}
	w.replace(w.sessionFile(), text.String())
}

// replace writes a file anew, at once for whoever reads it.
func (w *world) replace(path, text string) {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		panic(err)
	}
}

// quiet ends all trouble and all sessions.
func (w *world) quiet() {
	time.Sleep(4 * time.Second) // until the last fault has been taken away
	w.api.SetLatency(0)
	for _, session := range w.api.Sessions() {
		w.api.Stop(session.ID)
	}
	for _, agent := range w.api.AgentSessions() {
		w.api.StopAgent(agent.ID)
	}
	w.mu.Lock()
	for _, session := range w.api.Sessions() {
		w.plans[session.ID] = session
	}
	for _, agent := range w.api.AgentSessions() {
		w.agents[agent.ID] = agent
	}
	w.mu.Unlock()
	w.rotateSessionFile(true)
}

// agent is what an agent session does.
func (w *world) agent(id string) (simapi.AgentSession, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	agent, ok := w.agents[id]
	return agent, ok
}

// plan is what a session does, if it is not deleted.
func (w *world) plan(id string) (simapi.Session, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	session, ok := w.plans[id]
	return session, ok
}

func (w *world) draw(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n)
}

func (w *world) chance(oneIn int) bool { return w.draw(oneIn) == 0 }

func (w *world) summary() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	kinds := make([]string, 0, len(w.faults))
	for name, n := range w.faults {
		kinds = append(kinds, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(kinds)
	return fmt.Sprintf("API: %d keys, requests %v, at most %d in 5 s; faults: %s",
		len(w.keys), w.api.Requests(), w.api.BusiestWindow(), strings.Join(kinds, ", "))
}

// pause lets time pass, and reports whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
