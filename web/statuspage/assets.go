package statuspage

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"net/http"
	"time"
)

// Where the page and what belongs to it are served.
const (
	Path         = "/"
	SessionsPath = "/api/v1/sessions"
	AssetsPath   = "/assets/" // and the name of a file below
)

//go:embed assets
var assets embed.FS

// contentTypes are those of the assets. They are not left to the machine's own
// table of types, which differs.
var contentTypes = map[string]string{
	"page.css":    "text/css; charset=utf-8",
	"page.js":     "text/javascript; charset=utf-8",
	"sections.js": "text/javascript; charset=utf-8",
	"dom.js":      "text/javascript; charset=utf-8",
	"table.js":    "text/javascript; charset=utf-8",
	"rows.js":     "text/javascript; charset=utf-8",
	"format.js":   "text/javascript; charset=utf-8",
	"favicon.svg": "image/svg+xml",
}

// Handlers returns the page's endpoints by their path.
func (p *Page) Handlers() map[string]http.Handler {
	handlers := map[string]http.Handler{
		Path:         http.HandlerFunc(p.ServeHTML),
		SessionsPath: http.HandlerFunc(p.ServeJSON),
	}
	for name, contentType := range contentTypes {
		content, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // it is embedded, or the build is broken
		}
		handlers[AssetsPath+name] = asset(contentType, content)
	}
	return handlers
}

// asset serves a file that changes with the exporter's version only. A browser
// asks each time whether it has, so that a page never runs with another
// version's script.
func asset(contentType string, content []byte) http.Handler {
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(content))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
}
