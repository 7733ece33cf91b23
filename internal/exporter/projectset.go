package exporter

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"browseruse_exporter/reloadfile"
)

// configInterval is how often the configuration file is read. What was written just
// now may be half of it, so it has to be longer than reloadfile takes that for.
const configInterval = 5 * time.Second

// projectSet is the projects that are exported: those of the configuration file, or one.
type projectSet struct {
	parser configParser
	open   func(projectConfig) (*project, error)
	logger log.Logger
	file   *reloadfile.File[[]*project] // nil without one

	mu     sync.Mutex
	state  reloadfile.State[[]*project]
	closed bool
}

// openProjects opens the projects of c's configuration file, or the one that c describes
// without such a file. An error names the file and the line.
func (c *Config) openProjects(logger log.Logger, open func(projectConfig) (*project, error)) (*projectSet, error) {
	s := &projectSet{
		parser: configParser{defaults: c.projectConfig, dir: filepath.Dir(c.configFile), keyless: c.demo},
		open:   open,
		logger: logger,
	}
	if c.configFile == "" {
		p, err := open(c.projectConfig)
		s.state.Value = []*project{p}
		return s, err
	}
	var err error
	if s.file, err = reloadfile.Open(c.configFile, s.parse, s.report, time.Now); err != nil {
		return nil, fmt.Errorf("--config.file: %w", err)
	}
	s.state = s.file.State() // those projects are open: a later content has to end them
	return s, nil
}

// watch reads the file again and again, until ctx is over.
func (s *projectSet) watch(ctx context.Context) {
	ticks := time.NewTicker(configInterval)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			s.file.Load()
		case <-ctx.Done():
			return
		}
	}
}

// inForce returns the projects that are exported now, and how the file was found.
func (s *projectSet) inForce() reloadfile.State[[]*project] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// parse returns the projects of a new content. One whose configuration is the same
// as before is the same project.
func (s *projectSet) parse(content []byte) ([]*project, error) {
	configs, err := s.parser.parse(content)
	if err != nil {
		return nil, err
	}
	before := s.inForce().Value
	projects := make([]*project, 0, len(configs))
	for _, config := range configs {
		i := slices.IndexFunc(before, func(p *project) bool { return p.config.name == config.name })
		if i >= 0 && reflect.DeepEqual(before[i].config, config.projectConfig) {
			projects = append(projects, before[i])
			continue
		}
		p, err := s.open(config.projectConfig)
		if err != nil {
			end(without(projects, before))
			return nil, config.blame(err)
		}
		projects = append(projects, p)
	}
	return projects, nil
}

// report puts into force what the file says now.
func (s *projectSet) report(state reloadfile.State[[]*project]) {
	s.mu.Lock()
	started, ended := without(state.Value, s.state.Value), without(s.state.Value, state.Value)
	closed := s.closed
	if closed { // while the file was read
		ended = started
	} else {
		s.state = state
	}
	s.mu.Unlock()
	end(ended)
	switch {
	case closed:
	case state.Err != nil:
		_ = level.Error(s.logger).Log("msg", "Configuration file is bad, its last good content stays in force", "projects", len(state.Value), "err", state.Err)
	default:
		_ = level.Info(s.logger).Log("msg", "Configuration file loaded", "projects", len(state.Value), "started", len(started), "ended", len(ended))
	}
}

func end(projects []*project) {
	for _, p := range projects {
		p.close()
	}
}

// close ends all projects, and from now on each that a reload opens.
func (s *projectSet) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	end(s.inForce().Value)
}

// without returns those projects that are not among others.
func without(projects, others []*project) []*project {
	return slices.DeleteFunc(slices.Clone(projects), func(p *project) bool { return slices.Contains(others, p) })
}

// Describe implements prometheus.Collector.
func (*projectSet) Describe(ch chan<- *prometheus.Desc) {
	ch <- configReloadSuccessful
	ch <- configReloadTimestamp
}

// Collect implements prometheus.Collector.
func (s *projectSet) Collect(ch chan<- prometheus.Metric) {
	state, successful := s.inForce(), 0.0
	if state.Err == nil {
		successful = 1
	}
	ch <- prometheus.MustNewConstMetric(configReloadSuccessful, prometheus.GaugeValue, successful)
	ch <- prometheus.MustNewConstMetric(configReloadTimestamp, prometheus.GaugeValue, float64(state.LoadedAt.UnixMilli())/1e3)
}

var (
	configReloadSuccessful = prometheus.NewDesc("browseruse_config_last_reload_successful",
		"Whether the configuration file is in force as it is now: 0 if it is bad or gone and its last good content is used.", nil, nil)
	configReloadTimestamp = prometheus.NewDesc("browseruse_config_last_reload_success_timestamp_seconds",
		"When the content of the configuration file that is in force was loaded, in seconds since the epoch.", nil, nil)
)
