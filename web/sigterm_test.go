package web_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
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
	api.Inject(simapi.Fault{ID: exportertest.SessionID(1), Handler: simapi.Hang()})
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
	waitForScrapes(t, address, scrapes)
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

// waitForScrapes returns when so many scrapes are in progress, the one that never
// reads its answer not counted. It asks by scrapes that take a moment each.
func waitForScrapes(t *testing.T, address string, scrapes int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.01")
	want := fmt.Sprintf("\npromhttp_metric_handler_requests_in_flight %d\n", scrapes+2)
	for {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), want) {
			http.DefaultClient.CloseIdleConnections()
			return
		}
	}
}
