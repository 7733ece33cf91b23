package bench_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"
	"go.uber.org/goleak"

	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// The variables by which a benchmark starts this test binary again, as an API
// in a process of its own: its time is no part of what is measured.
const (
	benchSessions = "BROWSERUSE_BENCH_SESSIONS"
	benchLatency  = "BROWSERUSE_BENCH_LATENCY"
)

func TestMain(m *testing.M) {
	if os.Getenv(benchSessions) != "" {
		serveBenchAPI()
		return
	}
	goleak.VerifyTestMain(m)
}

// serveBenchAPI serves a project, rendered beforehand, until standard input ends.
func serveBenchAPI() {
	sessions, err := strconv.Atoi(os.Getenv(benchSessions))
	if err != nil {
		panic(err)
	}
	latency, _ := time.ParseDuration(os.Getenv(benchLatency))
	pages := benchPages(sessions)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(latency)
			page, ok := pages[r.URL.Query().Get("pageNumber")]
			if r.URL.Query().Get("filterBy") == "stopped" {
				page = []byte(`{"items":[],"totalItems":0,"pageNumber":1,"pageSize":100}`)
			}
			if !ok {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(page)))
			_, _ = w.Write(page)
		})))
	}()
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// benchPages are the pages of the list of a project, by their numbers, and the
// account.
func benchPages(sessions int) map[string][]byte {
	start := time.Now().Add(-10 * time.Minute)
	api := simapi.New(simapi.Options{})
	for n := range sessions {
		api.Add(simapi.Session{
			ID: exportertest.SessionID(n), AgentSessionID: fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n/4),
			StartedAt: start.Add(-time.Duration(n) * time.Millisecond), Timeout: 4 * time.Hour,
			ProxyBytesPerSecond: int64(1000 + n),
		})
	}
	answer := func(path string) []byte {
		request := httptest.NewRequest(http.MethodGet, "/api/v3"+path, nil)
		request.Header.Set("X-Browser-Use-API-Key", exportertest.Key)
		recorder := httptest.NewRecorder()
		api.ServeHTTP(recorder, request)
		return recorder.Body.Bytes()
	}
	pages := map[string][]byte{"": answer("/billing/account")}
	for number := 1; number == 1 || (number-1)*100 < sessions; number++ {
		pages[strconv.Itoa(number)] = answer(fmt.Sprintf("/browsers?pageSize=100&pageNumber=%d&filterBy=active", number))
	}
	return pages
}

// startBenchAPI starts it and returns its URL.
func startBenchAPI(b testing.TB, sessions int, latency time.Duration) string {
	b.Helper()
	command := exec.CommandContext(context.Background(), os.Args[0])
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%d", benchSessions, sessions), fmt.Sprintf("%s=%s", benchLatency, latency))
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = input.Close()
		_ = command.Wait()
	})
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + strings.TrimSpace(address) + "/api/v3"
}

// benchTargets are what is compared: the exporter, and the two floors.
func benchTargets(b testing.TB, url string, sessions int) map[string]http.Handler {
	b.Helper()
	b.Setenv(exportertest.KeyVariable, exportertest.Key)
	c, err := exporter.ParseFlags([]string{"--no-collector.account", "--api.rate-limit=0", "--scrape.timeout=60s", "--api.url=" + url}, io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	e, err := exporter.New(c, log.NewNopLogger(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(e.Close)
	floor := newFloor(url, sessions)
	b.Cleanup(floor.client.CloseIdleConnections)
	return map[string]http.Handler{
		"exporter": e.Handler(),
		"raw":      http.HandlerFunc(floor.serveRaw),
		"library":  floor.libraryHandler(),
	}
}

// prometheusAccept is the header of Prometheus 3.
const prometheusAccept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
	"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"

// scrapeAs asks as Prometheus does, for a compressed response or for a plain one
// (identity). It doesn't decompress the response, which is Prometheus's work.
func scrapeAs(client *http.Client, url, encoding string) (io.ReadCloser, error) {
	request, err := http.NewRequest(http.MethodGet, url+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", prometheusAccept)
	request.Header.Set("Accept-Encoding", encoding)
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "60")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", response.Status)
	}
	return response.Body, nil
}

// BenchmarkScrape is a whole scrape over loopback: the list read from the API,
// its sessions written to a client. Beside the time it tells the CPU time of
// this process, whose part the client's reading is for each target alike.
func BenchmarkScrape(b *testing.B) {
	for _, sessions := range []int{100, 1000, 10000} {
		url := startBenchAPI(b, sessions, 0)
		targets := benchTargets(b, url, sessions)
		for _, name := range []string{"raw", "library", "exporter"} {
			for _, encoding := range []string{"gzip", "identity"} {
				b.Run(fmt.Sprintf("sessions=%d/%s/%s", sessions, encoding, name), func(b *testing.B) {
					benchmarkScrape(b, targets[name], sessions, encoding)
				})
			}
		}
	}
}

// BenchmarkScrapeLatency is the same with an API that takes 50 ms to answer:
// what counts is the time.
func BenchmarkScrapeLatency(b *testing.B) {
	const sessions = 1000
	url := startBenchAPI(b, sessions, 50*time.Millisecond)
	targets := benchTargets(b, url, sessions)
	for _, name := range []string{"raw", "exporter"} {
		b.Run(name, func(b *testing.B) { benchmarkScrape(b, targets[name], sessions, "gzip") })
	}
}

func benchmarkScrape(b *testing.B, handler http.Handler, sessions int, encoding string) {
	b.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	scrape := func() {
		body, err := scrapeAs(server.Client(), server.URL, encoding)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, body)
		_ = body.Close()
	}
	scrape() // so that connections stand, and the number of pages is known
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, rounds := cpuTime(), 0
	for b.Loop() {
		scrape()
		rounds++
	}
	cpu := cpuTime() - start
	runtime.ReadMemStats(&after)
	each := float64(rounds) * float64(sessions)
	b.ReportMetric(float64(cpu.Microseconds())/float64(rounds)/1000, "cpu-ms/op")
	b.ReportMetric(float64(cpu.Nanoseconds())/1000/each, "cpu-us/session")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/each, "allocs/session")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/each, "B/session")
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
