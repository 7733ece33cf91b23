package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"slices"
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

	mu         sync.Mutex // held while an answer is put together, which waits for nobody
	compressor *gzip.Writer
}

func newRenderer() *renderer {
	// Half the work of the usual compression, for a tenth more bytes.
	compressor, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // it knows the level
	}
	return &renderer{compressor: compressor}
}

// serve answers with what a handler writes, which must be the same for all whose
// key is the same, but for the form that they accept.
func (r *renderer) serve(w http.ResponseWriter, request *http.Request, key string, handler http.Handler) {
	key = strings.Join([]string{key, request.Method, request.URL.RawQuery, request.Header.Get("Accept"), request.Header.Get("Accept-Encoding")}, "\n")
	rendered, _, _ := r.shared.Do(key, func() (any, error) { // the error is always nil
		return r.put(handler, request), nil
	})
	limitWriting(w)
	rendered.(*answer).writeTo(w, request)
}

// put puts an answer together, compressed for those who can take that.
func (r *renderer) put(handler http.Handler, request *http.Request) *answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &answer{header: http.Header{"Vary": {"Accept-Encoding"}}, status: http.StatusOK}
	a.writer = &a.body
	if !acceptsGzip(request) {
		handler.ServeHTTP(a, request)
		return a
	}
	r.compressor.Reset(&a.body)
	a.writer = r.compressor
	handler.ServeHTTP(a, request)
	_ = r.compressor.Close() // the buffer takes everything
	a.header.Set("Content-Encoding", "gzip")
	return a
}

func acceptsGzip(request *http.Request) bool {
	for encoding := range strings.SplitSeq(request.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(encoding, ";")
		if strings.TrimSpace(name) == "gzip" {
			return !slices.Contains([]string{"q=0", "q=0.0", "q=0.00", "q=0.000"}, strings.TrimSpace(quality))
		}
	}
	return false
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
	writer io.Writer // to body
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(p []byte) (int, error) { return a.writer.Write(p) }

func (a *answer) writeTo(w http.ResponseWriter, request *http.Request) {
	maps.Copy(w.Header(), a.header)
	if request.Method != http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) //nolint:gosec // the handlers escape what they write
}
