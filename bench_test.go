package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-kit/log"
)

// discard is a response that nobody keeps.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkScrape reads 1,000 sessions over loopback and writes them out. The
// simulated API works in the same process, so its time is in the figure.
func BenchmarkScrape(b *testing.B) {
	const sessions = 1000
	b.Setenv(keyVariable, testKey)
	server := httptest.NewServer(newAPI(sessions))
	defer server.Close()
	c, err := parseFlags(append(idFlags(sessions), "--api.rate-limit=0", "--scrape.timeout=60s", "--api.url="+server.URL+"/api/v3"), io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	e, err := newExporter(c, log.NewNopLogger(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer e.close()
	handler := e.handler(b.Context(), c, log.NewNopLogger())
	request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(discard{http.Header{}}, request)
	}
}
