package statuspage

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"browseruse_exporter/collector"
)

// Project is a project that the page shows.
type Project struct {
	Name        string                    // "" without a configuration file
	MetricsPath string                    // where its metrics are, with a query
	Last        func() *collector.Reading // its last reading; nil before the first
	Settings    []Setting                 // the configuration in force, without secrets
}

// Overview is all that the list of projects shows, and what /api/v1/projects
// answers.
type Overview struct {
	Timestamp  time.Time       `json:"timestamp"` // now, by the exporter's clock
	Version    string          `json:"version"`
	Health     []Notice        `json:"health"`
	ConfigFile *File           `json:"config_file"`
	Active     int             `json:"active"`                 // of the projects that were read, as the sums after it
	ActiveCost float64         `json:"active_cost_usd"`        // what the active sessions have cost so far
	Pace       *float64        `json:"usd_per_hour,omitempty"` // nil: not known of any
	Projects   []ProjectStatus `json:"projects"`               // those that need attention first
}

// The states of projects.
const (
	Down       State = "down"
	Paused     State = "paused" // no request is sent before a hold is over
	NotScraped State = "not scraped"
	Up         State = "up"
)

// ProjectStatus is one project of an Overview.
type ProjectStatus struct {
	Project string   `json:"project"`
	State   State    `json:"state"`
	Level   Level    `json:"level"` // of Text
	Text    string   `json:"text"`  // what to look at first
	Reading *Reading `json:"reading"`
	Totals  *Totals  `json:"totals,omitempty"`
	Account *Account `json:"account,omitempty"`

	activeCost float64
}

// Choose returns the project that a request names, or answers 404 with the names of
// all projects.
func Choose[P any](w http.ResponseWriter, r *http.Request, projects []P, name func(P) string) (project P, ok bool) {
	wanted := r.URL.Query().Get("project")
	names := make([]string, 0, len(projects))
	for _, p := range projects {
		if wanted != "" && name(p) == wanted {
			return p, true
		}
		names = append(names, name(p))
	}
	http.Error(w, "want ?project= with one of: "+strings.Join(names, ", "), http.StatusNotFound)
	return project, false
}

// overview returns what is known now of all projects.
func (p *Page) overview() *Overview {
	file := newFile(new(p.options.ConfigFile()))
	o := &Overview{
		Timestamp: stamp(p.options.Now()), Version: p.options.Version, Health: file.notices("configuration"), ConfigFile: file, Projects: []ProjectStatus{},
	}
	troubled := 0
	for _, project := range p.options.Projects() {
		status := newProjectStatus(project.Name, p.status(project))
		if status.Level == Bad || status.Level == Warning {
			troubled++
		}
		if sums := status.Totals.sums(); sums != nil {
			o.Active += sums.Active
			o.ActiveCost += sums.ActiveCostUSD
			if sums.Pace != nil {
				o.Pace = new(orZero(o.Pace) + sums.Pace.USDPerHour)
			}
			status.activeCost = sums.ActiveCostUSD
		}
		o.Projects = append(o.Projects, status)
	}
	slices.SortStableFunc(o.Projects, func(a, b ProjectStatus) int {
		return cmp.Or(cmp.Compare(severity[a.Level], severity[b.Level]), cmp.Compare(b.activeCost, a.activeCost))
	})
	if troubled > 0 {
		o.Health = append(o.Health, Notice{Warning, fmt.Sprintf("%d of %d projects need a look.", troubled, len(o.Projects))})
	}
	if len(o.Health) == 0 {
		o.Health = append(o.Health, Notice{Good, "No project needs a look."})
	}
	if p.options.Simulated {
		o.Health = append(o.Health, simulated)
	}
	return o
}

var severity = map[Level]int{Bad: 0, Warning: 1, Note: 2, Good: 3}

// newProjectStatus sums a project's status up.
func newProjectStatus(name string, s *Status) ProjectStatus {
	status := ProjectStatus{Project: name, State: Up, Level: s.Health[0].Level, Text: s.Health[0].Text, Reading: s.Reading, Totals: s.Totals, Account: s.Account}
	switch {
	case s.Reading == nil:
		status.State = NotScraped
	case !s.Exporter.HoldUntil.IsZero():
		status.State = Paused
	case !*s.Up:
		status.State = Down
	}
	for _, a := range s.Attention {
		if severity[a.Level] < severity[status.Level] && a.Level != Note {
			status.Level, status.Text = a.Level, a.Text+"."
		}
	}
	return status
}
