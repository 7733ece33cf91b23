package web

import (
	"bytes"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/singleflight"
)

// renderer puts answers together in memory, one at a time, and then writes them
// out. So neither many clients nor slow ones multiply what an answer about
// thousands of sessions takes while it is put together; those who want the same
// at the same time share it.
type renderer struct {
	shared singleflight.Group
	mu     sync.Mutex // held while an answer is put together, which waits for nobody
}

// serve answers with what a handler writes, which must be the same for all whose
// key is the same, but for the form that they accept.
func (r *renderer) serve(w http.ResponseWriter, request *http.Request, key string, handler http.Handler) {
	key = strings.Join([]string{key, request.Method, request.Header.Get("Accept"), request.Header.Get("Accept-Encoding")}, "\n")
	rendered, _, _ := r.shared.Do(key, func() (any, error) { // the error is always nil
		r.mu.Lock()
		defer r.mu.Unlock()
		a := &answer{header: http.Header{}, status: http.StatusOK}
		handler.ServeHTTP(a, request)
		return a, nil
	})
	limitWriting(w)
	rendered.(*answer).writeTo(w, request)
}

// render returns a handler that answers so, with what there is at a path.
func (r *renderer) render(path string, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) { r.serve(w, request, path, handler) })
}

// answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answer) writeTo(w http.ResponseWriter, request *http.Request) {
	maps.Copy(w.Header(), a.header)
	if request.Method != http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}
