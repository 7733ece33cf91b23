package web

import (
	"net/http"
	"net/http/pprof" // registers with http.DefaultServeMux, too, which nothing here serves
	"strings"
)

// PprofPath is where the profiles are, below it, if they are served at all.
const PprofPath = "/debug/pprof/"

// pprofHandler returns what serves a path below PprofPath.
func pprofHandler(path string) http.Handler {
	switch strings.TrimPrefix(path, PprofPath) {
	case "cmdline":
		return http.HandlerFunc(pprof.Cmdline)
	case "profile":
		return http.HandlerFunc(pprof.Profile)
	case "symbol":
		return http.HandlerFunc(pprof.Symbol)
	case "trace":
		return http.HandlerFunc(pprof.Trace)
	default:
		return http.HandlerFunc(pprof.Index) // the list, and all profiles that have a name
	}
}
