package main

import (
	"fmt"
	"net/http"
	"strings"
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
			network, ended := apitest.NewNetwork(), make(chan struct{}, 1)
			server := &http.Server{WriteTimeout: writeTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
				defer func() { ended <- struct{}{} }()
				r.handler.ServeHTTP(w, request)
			})}
			go func() { _ = server.Serve(network) }()
			defer func() { _ = server.Close() }()

			conn, err := network.DialContext(t.Context(), "tcp", "exporter")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
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
