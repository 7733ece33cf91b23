package web_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// TestSIGTERMInTheMiddleOfEverything checks that all scrapes in progress are
// answered, in the time that a supervisor allows, though the API never answers,
// and that a client that does not read its answer is not waited for.
func TestSIGTERMInTheMiddleOfEverything(t *testing.T) {
	exportertest.SetKey(t, exportertest.Key)
	api := exportertest.NewAPI(3)
	// Each of their series is long, so that all of them are more than the buffers of a
	// connection hold.
	for n := range 3 {
		api.Add(simapi.Session{ID: exportertest.SessionID(n + 1), StartedAt: time.Now(), AgentSessionID: strings.Repeat("abcdefghij", 100_000)})
	}
	address, stop := exportertest.Run(t, append(exportertest.IDFlags(3), "--api.timeout=60s", "--scrape.timeout=60s", "--api.url="+exportertest.ServeAPI(t, api))...)

	never, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = never.Close() }()
	if _, err := io.WriteString(never, "GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := never.Read(make([]byte, 1)); err != nil { // its answer has begun
		t.Fatal(err)
	}

	for n := range 3 {
		api.Add(simapi.Session{ID: exportertest.SessionID(n + 1), StartedAt: time.Now()})
	}
	asked, once := make(chan struct{}), sync.Once{}
	api.Inject(simapi.Fault{ID: exportertest.SessionID(1), Handler: func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(asked) })
		simapi.Hang()(w, r)
	}})
	type answer struct {
		body string
		err  error
	}
	const scrapes = 10
	answers := make(chan answer, scrapes)
	for range scrapes {
		go func() {
			_, body, err := exportertest.Fetch(t.Context(), "http://"+address+"/metrics")
			answers <- answer{body, err}
		}()
	}
	exportertest.Receive(t, asked)
	if status := stop(); status != 0 {
		t.Errorf("exit status %d; want 0", status)
	}
	for range scrapes {
		got := exportertest.Receive(t, answers)
		if got.err != nil {
			t.Errorf("a scrape in progress failed: %v", got.err)
			continue
		}
		exportertest.Has(t, got.body, exportertest.Up(1, 0), exportertest.Up(2, 1), exportertest.Up(3, 1))
	}
	if rest, _ := io.ReadAll(never); strings.Contains(string(rest), "\npromhttp_") { // the last family
		t.Error("the answer that nobody read was written out after the end")
	}
}
