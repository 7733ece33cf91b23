package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestWhoGetsGzip(t *testing.T) {
	const text = "all that there is"
	handler := newRenderer().render("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
	for accepted, compressed := range map[string]bool{
		"": false, "gzip": true, "deflate, gzip;q=0.5, br": true, "identity": false, "gzip;q=0": false, "gzip; q=0.000": false, "x-gzip-like": false,
	} {
		t.Run(accepted, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodGet, "/", nil)
			request.Header.Set("Accept-Encoding", accepted)
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			response := recorder.Result()
			if got := response.Header.Get("Content-Encoding") == "gzip"; got != compressed || response.ContentLength != int64(recorder.Body.Len()) {
				t.Fatalf("compressed: %v; want %v; %d bytes announced, %d sent", got, compressed, response.ContentLength, recorder.Body.Len())
			}
			var body io.Reader = recorder.Body
			if compressed {
				var err error
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := io.ReadAll(body); err != nil || string(got) != text {
				t.Errorf("the body is %q, %v", got, err)
			}
		})
	}
}
