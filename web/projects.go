package web

import (
	"encoding/json"
	"net/http"

	"browseruse_exporter/collector"
	"browseruse_exporter/web/statuspage"
)

// The endpoints of an exporter with a configuration file.
const (
	ProbePath     = "/probe" // the metrics of the project that its query names
	DiscoveryPath = "/sd"    // the projects as targets, for http_sd_configs
)

// Project is one project, of which there may be several.
type Project struct {
	Name      string // "" without a configuration file
	Collector *collector.Collector
	Settings  []statuspage.Setting // the configuration that its page shows, without secrets
}

// pages returns the projects for the status page.
func (o *Options) pages() []statuspage.Project {
	projects := o.Projects()
	pages := make([]statuspage.Project, 0, len(projects))
	for _, p := range projects {
		path := o.TelemetryPath
		if p.Name != "" {
			path = ProbePath + "?project=" + p.Name
		}
		pages = append(pages, statuspage.Project{Name: p.Name, MetricsPath: path, Last: p.Collector.Last, Settings: p.Settings})
	}
	return pages
}

// choose returns the project that a request names, or answers 404.
func choose(w http.ResponseWriter, r *http.Request, projects []Project) (Project, bool) {
	return statuspage.Choose(w, r, projects, func(p Project) string { return p.Name })
}

// targetGroup is a target as http_sd_configs has it.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// serveDiscovery answers with the projects as targets at the address by which the
// request came.
func serveDiscovery(projects func() []Project) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "" { // of HTTP/1.0
			http.Error(w, "want a Host header: it is the address of the targets", http.StatusBadRequest)
			return
		}
		groups := []targetGroup{}
		for _, p := range projects() {
			labels := map[string]string{"__metrics_path__": ProbePath, "__param_project": p.Name, "project": p.Name}
			if r.TLS != nil {
				labels["__scheme__"] = "https"
			}
			groups = append(groups, targetGroup{[]string{r.Host}, labels})
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		limitWriting(w)
		_ = json.NewEncoder(w).Encode(groups) // fails only where the client does
	}
}
