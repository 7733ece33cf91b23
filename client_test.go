package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/apiclient/apitest"
)

// TestAClientThatNeverReadsIsCutOff asks for more than a connection holds and
// takes nothing of it. Others are served meanwhile.
func TestAClientThatNeverReadsIsCutOff(t *testing.T) {
	for _, path := range []string{"/metrics", "/", "/api/v1/sessions"} {
		bubble(t, path, func(t *testing.T) {
			r := newRig(t, newAPI(300))
			r.scrape()
			conn, ended := connect(t, r)
			start := time.Now()
			if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: exporter\r\n\r\n", path); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			has(t, r.scrape(), "browseruse_up 1")
			<-ended
			if took := time.Since(start); took > 2*time.Minute {
				t.Errorf("it was cut off after %v; want a minute", took)
			}
		})
	}
}

// connect returns a connection to the exporter behind its real server, and what
// is told when an answer has ended.
func connect(t *testing.T, r *rig) (conn net.Conn, ended chan struct{}) {
	t.Helper()
	network := apitest.NewNetwork()
	ended = make(chan struct{}, 1)
	server := &http.Server{WriteTimeout: writeTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		defer func() { ended <- struct{}{} }()
		r.handler.ServeHTTP(w, request)
	})}
	go func() { _ = server.Serve(network) }()
	t.Cleanup(func() { _ = server.Close() })
	conn, err := network.DialContext(t.Context(), "tcp", "exporter")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, ended
}

// TestABodyThatNeverComes announces what is never sent. It is answered all the
// same, and holds nothing for long.
func TestABodyThatNeverComes(t *testing.T) {
	for _, path := range []string{"/metrics", "/", "/-/ready", "/nowhere"} {
		for _, announced := range []string{"Content-Length: 10", "Transfer-Encoding: chunked"} {
			bubble(t, path+"/"+announced, func(t *testing.T) {
				conn, _ := connect(t, newRig(t, newAPI(2)))
				start := time.Now()
				if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: exporter\r\n%s\r\n\r\n", path, announced); err != nil {
					t.Fatal(err)
				}
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
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

// TestManyClientsAtOnceCostAsMuchMemoryAsFew has 200 scrape at once. They share a
// reading, and what is written of it.
func TestManyClientsAtOnceCostAsMuchMemoryAsFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newAPI(1000), "--no-collector.account")
		r.scrape()
		r.api.SetLatency(time.Second)
		allocated := func(clients int) uint64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var scrapes sync.WaitGroup
			for range clients {
				scrapes.Go(func() {
					request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
					request.Header.Set("Accept-Encoding", "gzip")
					r.handler.ServeHTTP(nowhere{http.Header{}}, request)
				})
			}
			scrapes.Wait()
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		if one, many := allocated(1), allocated(200); many > 4*one {
			t.Errorf("200 scrapes at once take %d KiB; one takes %d", many>>10, one>>10)
		}
	})
}

// nowhere is an http.ResponseWriter for whom only the cost counts.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header       { return n.header }
func (nowhere) WriteHeader(int)             {}
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// TestAbsurdTimeouts sends what Prometheus would never send along. Each scrape is
// answered, within the timeout that holds without any.
func TestAbsurdTimeouts(t *testing.T) {
	for _, timeout := range []string{"", "NaN", "-1", "0", "-Inf", "ten", "1e-300", "10s", strings.Repeat("9", 400)} {
		bubble(t, timeout, func(t *testing.T) {
			r := newRig(t, newAPI(2), idFlags(2)...)
			r.api.Inject(apitest.Fault{ID: sessionID(1), Handler: apitest.Hang()})
			start := time.Now()
			got := r.scrape(timeout)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("the scrape took %v; want the 10s of --scrape.timeout at most", took)
			}
			has(t, got, up(1, 0))
			time.Sleep(time.Minute)
		})
	}
}
