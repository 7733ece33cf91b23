package web_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// servedRig is an exporter whose clients are connected in memory, with the bounds
// on them that it really has.
type servedRig struct {
	*exportertest.Rig
	network *simapi.Network
	server  *http.Server
	t       *testing.T
	ended   chan struct{} // has one for each request that was handled
}

func newServedRig(t *testing.T, api *simapi.Server, args ...string) *servedRig {
	t.Helper()
	r := &servedRig{Rig: exportertest.New(t, api, args...), network: simapi.NewNetwork(), t: t, ended: make(chan struct{}, 100)}
	r.server = exporter.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		defer func() { r.ended <- struct{}{} }()
		r.Handler.ServeHTTP(w, request)
	}), io.Discard)
	go func() { _ = r.server.Serve(r.network) }()
	t.Cleanup(func() { _ = r.server.Close() })
	return r
}

// send connects a client that sends a text.
func (r *servedRig) send(text string) net.Conn {
	r.t.Helper()
	conn, err := r.network.DialContext(r.t.Context(), "tcp", "exporter")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		r.t.Fatal(err)
	}
	return conn
}

// TestAClientThatNeverReadsIsCutOff asks for more than a connection holds and
// takes nothing of it. Others are served meanwhile.
func TestAClientThatNeverReadsIsCutOff(t *testing.T) {
	for _, path := range []string{"/metrics", "/", "/api/v1/sessions"} {
		exportertest.Bubble(t, path, func(t *testing.T) {
			r := newServedRig(t, exportertest.NewAPI(300))
			r.Scrape()
			start := time.Now()
			r.send("GET " + path + " HTTP/1.1\r\nHost: exporter\r\n\r\n")
			synctest.Wait()
			exportertest.Has(t, r.Scrape(), "browseruse_up 1")
			<-r.ended
			if took := time.Since(start); took > 2*time.Minute {
				t.Errorf("it was cut off after %v; want a minute", took)
			}
		})
	}
}

// TestShutdownInTheMiddleOfEverything checks that all scrapes in progress are
// answered, in the time that a supervisor allows, though the API never answers,
// and that a client that does not read its answer is not waited for.
func TestShutdownInTheMiddleOfEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const scrape = "GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Prometheus-Scrape-Timeout-Seconds: 60\r\n\r\n"
		r := newServedRig(t, exportertest.NewAPI(3), append(exportertest.IDFlags(3), "--api.timeout=60s", "--scrape.timeout=60s")...)
		never := r.send(scrape)
		if _, err := never.Read(make([]byte, 1)); err != nil { // its answer has begun
			t.Fatal(err)
		}

		r.API.Inject(simapi.Fault{ID: exportertest.SessionID(1), Handler: simapi.Hang()})
		var scrapes sync.WaitGroup
		for range 10 {
			conn := r.send(scrape)
			scrapes.Go(func() {
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(response.Body)
				if err != nil {
					t.Error(err)
				}
				exportertest.Has(t, string(body), exportertest.Up(1, 0), exportertest.Up(2, 1), exportertest.Up(3, 1))
			})
		}
		synctest.Wait()
		start := time.Now()
		exporter.Shutdown(r.server, r.Exit)
		if took := time.Since(start); took > 9*time.Second { // Docker kills after ten
			t.Errorf("it took %v", took)
		}
		scrapes.Wait()
		if rest, _ := io.ReadAll(never); strings.Contains(string(rest), "\npromhttp_") { // the last family
			t.Error("the answer that nobody read was written out after the end")
		}
	})
}

// TestAClientThatNeverEndsItsHeadersIsCutOff, whether it says nothing at all, stops
// in the middle, or goes on for ever.
func TestAClientThatNeverEndsItsHeadersIsCutOff(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "half a line": "GET /met", "no last line": "GET /metrics HTTP/1.1\r\nHost: exporter\r\n", "a byte a second": "GET /metrics HTTP/1.1\r\nX-Long: ",
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			r := newServedRig(t, exportertest.NewAPI(1))
			start := time.Now()
			conn := r.send(text)
			var dripping sync.WaitGroup
			if name == "a byte a second" {
				dripping.Go(func() {
					for range 100 {
						time.Sleep(time.Second)
						_, _ = conn.Write([]byte("x"))
					}
				})
			}
			_, _ = io.ReadAll(conn) // until the server closes it
			if took := time.Since(start); took > time.Minute {
				t.Errorf("it was cut off after %v; want seconds", took)
			}
			if n := len(r.API.Requests()); n != 0 {
				t.Error("it was read for a request that never came")
			}
			dripping.Wait()
		})
	}
}

// TestAClientThatReadsSlowlyGetsEverything, as long as it reads at all and within
// the time that a Prometheus at the end of a bad line might take.
func TestAClientThatReadsSlowlyGetsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newServedRig(t, exportertest.NewAPI(1000), "--scrape.max-age=1h")
		want := exportertest.SessionSeries(r.Scrape("60"))
		conn := r.send("GET /metrics HTTP/1.1\r\nHost: exporter\r\nConnection: close\r\n\r\n")
		start := time.Now()
		response, err := http.ReadResponse(bufio.NewReader(slowReader{conn}), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || !slices.Equal(want, exportertest.SessionSeries(string(body))) {
			t.Errorf("it got %d bytes of %d series, and %v; want all %d", len(body), len(exportertest.SessionSeries(string(body))), err, len(want))
		}
		if took := time.Since(start); took < 20*time.Second {
			t.Errorf("it took %v, which is not slow", took)
		}
	})
}

// slowReader takes its time for each read, of 4 KiB at most.
type slowReader struct{ conn net.Conn }

func (r slowReader) Read(p []byte) (int, error) {
	time.Sleep(100 * time.Millisecond)
	return r.conn.Read(p[:min(len(p), 4<<10)])
}

// TestABodyThatNeverComes announces what is never sent. It is answered all the
// same, and holds nothing for long.
func TestABodyThatNeverComes(t *testing.T) {
	for _, path := range []string{"/metrics", "/", "/-/ready", "/nowhere"} {
		for _, announced := range []string{"Content-Length: 10", "Transfer-Encoding: chunked"} {
			exportertest.Bubble(t, path+"/"+announced, func(t *testing.T) {
				r := newServedRig(t, exportertest.NewAPI(2))
				start := time.Now()
				response, err := http.ReadResponse(bufio.NewReader(r.send("GET "+path+" HTTP/1.1\r\nHost: exporter\r\n"+announced+"\r\n\r\n")), nil)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("it was answered after %v", took)
				}
			})
		}
	}
}

// TestManyClientsAtOnceCostAsMuchMemoryAsFew has 200 scrape at once, none of which
// reads. They share a reading, and the metrics made of it.
func TestManyClientsAtOnceCostAsMuchMemoryAsFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(1000), "--no-collector.account")
		r.Scrape()
		r.API.SetLatency(time.Second)
		held := func(clients int) int64 {
			heap := func() int64 {
				var stats runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&stats)
				return int64(stats.HeapAlloc)
			}
			before, read := heap(), make(chan struct{})
			var scrapes sync.WaitGroup
			for range clients {
				scrapes.Go(func() {
					r.Handler.ServeHTTP(stalled{http.Header{}, read}, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
				})
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			during := heap()
			close(read)
			scrapes.Wait()
			return during - before
		}
		const each = 100 << 10 // what is not shared; the metrics of 1,000 sessions take more than 1 MiB
		if one, many := held(1), held(200); many-one > 200*each {
			t.Errorf("200 scrapes at once hold %d KiB; one holds %d", many>>10, one>>10)
		}
	})
}

// stalled is an http.ResponseWriter whose client reads nothing until then.
type stalled struct {
	header http.Header
	read   chan struct{}
}

func (s stalled) Header() http.Header { return s.header }
func (stalled) WriteHeader(int)       {}
func (s stalled) Write(p []byte) (int, error) {
	<-s.read
	return len(p), nil
}

// TestAbsurdTimeouts sends what Prometheus would never send along. Each scrape is
// answered, within the timeout that holds without any.
func TestAbsurdTimeouts(t *testing.T) {
	for _, timeout := range []string{"", "NaN", "-1", "0", "-Inf", "ten", "1e-300", "10s", strings.Repeat("9", 400)} {
		exportertest.Bubble(t, timeout, func(t *testing.T) {
			r := exportertest.New(t, exportertest.NewAPI(2), exportertest.IDFlags(2)...)
			r.API.Inject(simapi.Fault{ID: exportertest.SessionID(1), Handler: simapi.Hang()})
			start := time.Now()
			got := r.Scrape(timeout)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("the scrape took %v; want the 10s of --scrape.timeout at most", took)
			}
			exportertest.Has(t, got, exportertest.Up(1, 0))
			time.Sleep(time.Minute)
		})
	}
}
