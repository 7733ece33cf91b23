package web

import (
	"net/http"
	"time"
)

// writeTime is how long a client may take to read an answer: more than any
// Prometheus waits, on any line. Without a limit, one that never reads would hold
// the answer in memory, and a connection, for as long as it likes.
const writeTime = time.Minute

// limitWriting lets the answer's writing fail when writeTime is over. The server
// sets a limit of its own for each request, which this replaces.
func limitWriting(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime)) // not all can: a recorder of a test
}

// maxPages is how many requests for the status page, and as many for its JSON,
// are served at once. Each holds a response about all sessions in memory.
const maxPages = 8

// limitPages lets requests beyond maxPages wait, and cuts off clients that don't
// read.
func limitPages(next http.Handler) http.Handler {
	slots := make(chan struct{}, maxPages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			limitWriting(w)
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// bodyTime is how long a client may take to send a body, which no endpoint reads.
const bodyTime = 2 * time.Second

// limitBody lets the server give up on a body that does not come: it reads what
// was announced before it sends the answer.
func limitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // not all can: a recorder of a test
	}
}
