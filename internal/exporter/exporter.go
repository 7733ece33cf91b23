// Package exporter is the program: its command line, and what it puts together
// from the client of the API, the collector and the web server.
package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"

	"browseruse_exporter/internal/redact"
	"browseruse_exporter/reloadfile"
	"browseruse_exporter/web"
)

// Run is the program; it returns the exit status. An interrupt or SIGTERM ends it,
// a SIGHUP has it read its files again. It silences the standard logger.
func Run(args []string, stdout, stderr io.Writer) int {
	stdlog.SetOutput(io.Discard) // net/http logs there what the API's side sends outside of a response
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	if version.Version == "" {
		version.Version = buildVersion(debug.ReadBuildInfo())
	}
	c, err := ParseFlags(args, stdout)
	switch {
	case errors.Is(err, errExit):
		return 0
	case err == nil && c.checkConfig:
		err = checkConfig(c, stdout)
	case err == nil && c.once:
		err = once(ctx, c, stdout, stderr)
	case err == nil:
		err = serve(ctx, c, hangups, stderr)
	}
	if err != nil {
		if c != nil {
			err = blameVariable(c.app, args, err)
		}
		_, _ = fmt.Fprintf(stderr, "%s: error: %s\n", programName, redact.Text(err.Error()))
		return 1
	}
	return 0
}

// checkConfig reports that the configuration file is good, or returns why it is not.
func checkConfig(c *Config, stdout io.Writer) error {
	e, err := New(c, log.NewNopLogger(), nil)
	if err != nil {
		return err
	}
	defer e.Close()
	_, err = fmt.Fprintf(stdout, "%s: good, projects: %d\n", redact.Value(c.configFile), len(e.Projects()))
	return err
}

// buildVersion returns the version that Go has put into a program that was linked
// without one.
func buildVersion(info *debug.BuildInfo, ok bool) string {
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "unknown" // such as of a test
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}

// serve answers scrapes until ctx is over.
func serve(ctx context.Context, c *Config, hangups <-chan os.Signal, stderr io.Writer) error {
	logger, base := newLogger(c, stderr)
	e, err := New(c, logger, nil)
	if err != nil {
		return err
	}
	defer e.Close()
	e.Registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	_ = level.Info(logger).Log("msg", "Starting "+programName, "version", version.Info(), "build", version.BuildContext())
	c.logStart(logger, len(e.Projects()))
	if c.demo {
		go e.watchDemo()
	}
	serverLog := &serverLog{logger: logger, base: base, webConfig: *c.web.WebConfigFile}
	e.reloads = append(e.reloads, serverLog.checkWebConfig)
	go e.reloadOn(hangups)
	err = listenAndServe(ctx, c, e.Handler(), e.Close, serverLog)
	if err == nil {
		_ = level.Info(logger).Log("msg", "Stopped")
	}
	return err
}

// logStart says what is exported, and where.
func (c *Config) logStart(logger log.Logger, projects int) {
	api := c.APIURL
	if c.demo {
		api = "simulated"
	}
	logger = log.With(logger, "msg", "Exporting")
	if c.configFile != "" {
		logger = log.With(logger, "projects", projects, "config_file", redact.Value(c.configFile))
	} else {
		logger = log.With(logger, "discover", c.discover, "session_ids", len(c.sessionIDs), "session_file", redact.Value(c.sessionFile),
			"api", api, "key_source", c.keySource(), "account", c.account, "agent_sessions", c.agents)
	}
	_ = level.Info(logger).Log("address", c.address(), "path", c.telemetry)
}

// reloadOn reads the files again at each signal, until e is closed.
func (e *Exporter) reloadOn(hangups <-chan os.Signal) {
	for {
		select {
		case <-hangups:
			_ = level.Info(e.logger).Log("msg", "Reading the files again", "signal", "SIGHUP")
			e.Reload()
		case <-e.closed.Done():
			return
		}
	}
}

// Exporter is what all ways to run are made of.
type Exporter struct {
	Registry *prometheus.Registry // the metrics about the exporter itself
	config   *Config
	logger   log.Logger
	projects *projectSet
	reloads  []func()        // each reads a file again that is not of one project
	closed   context.Context // over once the exporter is closed
	close    context.CancelFunc
}

// New returns the exporter that c describes. A transport other than the
// usual one is for tests.
func New(c *Config, logger log.Logger, transport http.RoundTripper) (*Exporter, error) {
	if c.demo {
		_ = level.Warn(logger).Log("msg", "Demo: the sessions, their costs and the account are simulated, nothing in them is real")
	}
	projects, err := c.openProjects(logger, func(project projectConfig) (*project, error) {
		return c.newProject(project, logger, transport)
	})
	if err != nil {
		return nil, err
	}
	e := &Exporter{Registry: prometheus.NewRegistry(), config: c, logger: logger, projects: projects}
	e.closed, e.close = context.WithCancel(context.Background())
	e.Registry.MustRegister(versioncollector.NewCollector(programName))
	if projects.file != nil {
		e.Registry.MustRegister(projects)
		e.reloads = append(e.reloads, func() { projects.file.Reload() })
		go projects.watch(e.closed)
	}
	return e, nil
}

// Projects returns what is exported now.
func (e *Exporter) Projects() []web.Project {
	current := e.projects.inForce().Value
	projects := make([]web.Project, 0, len(current))
	for _, p := range current {
		projects = append(projects, web.Project{Name: p.config.name, Collector: p.collector, Settings: p.settings})
	}
	return projects
}

// Handler returns what serves the exporter's endpoints.
func (e *Exporter) Handler() http.Handler {
	options := web.Options{
		Projects:      e.Projects,
		Exporter:      e.Registry,
		TelemetryPath: e.config.telemetry,
		Pprof:         e.config.pprof,
		Simulated:     e.config.demo,
		Deadline:      e.config.deadline,
		Version:       version.Version,
		Logger:        e.logger,
	}
	if e.projects.file != nil {
		options.ConfigFile = func() reloadfile.Status { return e.projects.inForce().Status }
	}
	return web.NewHandler(options)
}

// Reload reads the files again.
func (e *Exporter) Reload() {
	for _, reload := range e.reloads {
		reload()
	}
	for _, p := range e.projects.inForce().Value {
		for _, reload := range p.reloads {
			reload()
		}
	}
}

// Close cancels the readings under way and ends what the exporter holds.
func (e *Exporter) Close() {
	e.close()
	e.projects.close()
}
