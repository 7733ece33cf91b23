package apiclient_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/internal/simapi"
)

// TestNothingIsKeptOfLongOutputs reads a page of 100 agent sessions with 100 KB of output
// each: what is left of its 10 MB is what is exposed.
func TestNothingIsKeptOfLongOutputs(t *testing.T) {
	api := simapi.New(simapi.Options{})
	for range 100 {
		api.AddAgents(simapi.AgentSession{CreatedAt: time.Now(), OutputBytes: 100_000})
	}
	batch := batchOf([]byte(answerOf(t, api, "/sessions?page=1&page_size=100")))
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := heap()
	page, err := batch.AgentSessions(t.Context(), 1)
	if err != nil || len(page.Sessions) != 100 {
		t.Fatalf("%d agent sessions, error %v; want 100", len(page.Sessions), err)
	}
	if after := heap(); after > before+200_000 {
		t.Errorf("%d bytes are left of the page; want a few hundred for each of its sessions", after-before)
	}
	runtime.KeepAlive(page)
	runtime.KeepAlive(batch)
	if session := page.Sessions[0]; strings.Contains(session.Model+session.Status, simapi.Credential) {
		t.Errorf("%+v has what people worked on", session)
	}
}
