package exportertest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"browseruse_exporter/internal/simapi"
)

// SessionID returns the n-th of the tests' session IDs.
func SessionID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// AgentID is the ID of an agent session.
const AgentID = "aaaaaaaa-0000-4000-8000-000000000001"

// NewAPI returns a project with n plain active sessions, 1 to n.
func NewAPI(n int) *simapi.Server {
	api := simapi.New(simapi.Options{Key: Key})
	for i := 1; i <= n; i++ {
		api.Add(simapi.Session{ID: SessionID(i), StartedAt: time.Now().Add(-10 * time.Minute), ProxyBytesPerSecond: int64(i) << 10})
	}
	return api
}

// IDFlags returns the flags that name the sessions 1 to n.
func IDFlags(n int) []string {
	var args []string
	for i := 1; i <= n; i++ {
		args = append(args, "--session.id="+SessionID(i))
	}
	return args
}

// EveryKindOfSession returns one session of each kind that the API can show.
func EveryKindOfSession(now time.Time) []simapi.Session {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	return []simapi.Session{
		{ID: SessionID(1), StartedAt: ago(90 * time.Second), ProxyBytesPerSecond: 100_000}, // active, standalone
		{ID: SessionID(2), StartedAt: ago(2 * time.Hour), Timeout: 4 * time.Hour, AgentSessionID: AgentID},
		{ID: SessionID(3), StartedAt: ago(time.Hour), StopAt: ago(10 * time.Minute), AgentSessionID: AgentID, ProxyBytesPerSecond: 5000},
		{ID: SessionID(4), StartedAt: ago(3 * time.Hour)}, // timed out two hours ago
		{ID: SessionID(5), StartedAt: ago(61 * time.Minute), Override: map[string]any{ // overdue
			"status": "active", "finishedAt": nil}},
		{ID: SessionID(6), StartedAt: ago(time.Minute), Override: map[string]any{"status": "running"}}, // unknown, not finished
		{ID: SessionID(7), StartedAt: ago(time.Hour), StopAt: ago(time.Minute), Override: map[string]any{"status": "archived"}},
		{ID: SessionID(8), StartedAt: ago(time.Minute), Override: map[string]any{ // the least that the API's page allows
			"proxyUsedMb": simapi.Absent, "proxyCost": simapi.Absent, "browserCost": simapi.Absent,
			"agentSessionId": simapi.Absent, "metadata": simapi.Absent, "recordingAvailable": simapi.Absent}},
		{ID: SessionID(9), StartedAt: ago(time.Minute), Override: map[string]any{ // strange forms
			"proxyUsedMb": "+5.", "proxyCost": "9.313E-7", "browserCost": "0E-20", "timeoutAt": now.Add(time.Minute).UTC().Format("2006-01-02T15:04:05")}},
	}
}

// EveryKindOfAgentSession returns one agent session of each kind that the API can show.
func EveryKindOfAgentSession(now time.Time) []simapi.AgentSession {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	id := func(n int) string { return AgentID[:len(AgentID)-1] + fmt.Sprint(n) }
	return []simapi.AgentSession{
		{ID: id(1), CreatedAt: ago(20 * time.Minute), TokensPerSecond: 1000, MaxCost: 1}, // near its budget
		{ID: id(2), CreatedAt: ago(2 * time.Second), TokensPerSecond: 1000, Model: "bu-mini"},
		{ID: id(3), CreatedAt: ago(time.Hour), IdleAt: ago(time.Minute), TokensPerSecond: 1000},
		{ID: id(4), CreatedAt: ago(time.Hour), TokensPerSecond: 1000, MaxCost: 2.5}, // reached it 6 minutes ago
		{ID: id(5), CreatedAt: ago(time.Hour), EndAt: ago(time.Minute), EndStatus: "timed_out", TokensPerSecond: 10},
		{ID: id(6), CreatedAt: ago(time.Hour), EndAt: ago(2 * time.Minute), EndStatus: "error", TokensPerSecond: 10},
		{ID: id(7), CreatedAt: ago(time.Hour), EndAt: ago(3 * time.Minute), EndStatus: "archived", TokensPerSecond: 10}, // unknown
		{ID: id(8), CreatedAt: ago(time.Minute), Override: map[string]any{ // not known
			"llmCostUsd": nil, "totalCostUsd": nil, "model": nil}},
		{ID: id(9), CreatedAt: ago(3 * time.Hour), EndAt: ago(2 * time.Hour)}, // long over: not exported
	}
}

// File returns the path of a file with this content.
func File(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	Rewrite(t, path, content)
	return path
}

// Rewrite gives a file another content, as if it had been written a while ago.
func Rewrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
}
