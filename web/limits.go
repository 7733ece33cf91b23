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

// bodyTime is how long a client may take to send a body, which nobody wants.
const bodyTime = 2 * time.Second

// limitBody lets the server give up on a body that does not come: it reads what
// was announced before it sends the answer.
func limitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // not all can: a recorder of a test
	}
}
