package simapi

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is an answer that takes the place of the API's own.
type Fault struct {
	Endpoint string // "browser", "browsers", "stopped" (the list of stopped browsers), "account", "agent_session" or "agent_sessions"; "": any
	ID       string // of this session only; "": any
	Page     int    // of the list, this one only; 0: any
	Times    int    // how often; 0: until it is removed
	Handler  http.HandlerFunc
}

// injected is a fault in force.
type injected struct {
	Fault
	left int // how often it still happens, if Times is set
}

// Inject puts a fault in force, until remove is called. Of several that match,
// the one injected first answers.
func (s *Server) Inject(f Fault) (remove func()) {
	fault := &injected{Fault: f, left: f.Times}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fault)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(other *injected) bool { return other == fault })
	}
}

// fault returns the answer of the fault that a request meets, or nil. s.mu is
// held.
func (s *Server) fault(r route) http.HandlerFunc {
	for _, f := range s.faults {
		if f.Endpoint != "" && f.Endpoint != r.endpoint || f.ID != "" && !strings.EqualFold(f.ID, r.id) || f.Page != 0 && f.Page != r.page {
			continue
		}
		if f.Times > 0 {
			if f.left == 0 {
				continue
			}
			f.left--
		}
		return f.Handler
	}
	return nil
}

// Status answers with a status and a body, JSON unless the headers, pairs of
// name and value, say otherwise.
func Status(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for pair := range slices.Chunk(header, 2) {
			w.Header().Set(pair[0], pair[1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Hang never answers, and returns when the client goes away.
func Hang() http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
}

// Drip answers 200 with a body that comes a byte at a time, each after a pause.
func Drip(body string, pause time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		flusher := http.NewResponseController(w)
		for i := range len(body) {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(pause):
			}
			_, _ = w.Write([]byte{body[i]})
			_ = flusher.Flush()
		}
	}
}

// Reset cuts the connection instead of an answer.
func Reset() http.HandlerFunc {
	return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
}

// Truncate announces more than the body, sends half of it, and cuts the
// connection.
func Truncate(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
		_, _ = w.Write([]byte(body[:len(body)/2]))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Raw sends bytes as they are instead of an answer, be they HTTP or not. Then it
// cuts the connection, or, if it is to hang, says nothing more until the client
// goes away.
func Raw(text string, hang bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // HTTP/2, which has no bytes to send as they are
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write([]byte(text))
		if hang {
			_, _ = conn.Read(make([]byte, 1))
		}
	}
}

// Leak lets an answer carry the Credential in its headers as well.
func Leak(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Server", "Set-Cookie", "X-" + Credential} {
			w.Header().Set(name, Credential)
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+Credential+`"`)
		answer(w, r)
	}
}

// NotHTTP returns what a peer can send that is no response of HTTP, by name. Each
// has the Credential where a client may quote it.
func NotHTTP() map[string]string {
	const ok = "HTTP/1.1 200 OK\r\n"
	return map[string]string{
		"another protocol":  "220 " + Credential + " ready\r\n",
		"a bad version":     "HTTP/" + Credential + " 200 OK\r\n\r\n",
		"a bad status":      "HTTP/1.1 " + Credential + "\r\n\r\n",
		"a bad header line": ok + Credential + "\r\n\r\n",
		"a bad length":      ok + "Content-Length: " + Credential + "\r\n\r\n",
		"a bad encoding":    ok + "Transfer-Encoding: " + Credential + "\r\n\r\n",
		"a bad chunk":       ok + "Transfer-Encoding: chunked\r\n\r\n" + Credential + "\r\n",
		"a bad trailer":     ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + Credential + "\r\n\r\n",
	}
}

// Late answers after a pause, unless the client goes away before.
func Late(answer http.HandlerFunc, pause time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if wait(r.Context(), pause) {
			answer(w, r)
		}
	}
}
