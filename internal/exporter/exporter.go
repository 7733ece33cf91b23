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
	"strings"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/livefile"
	"browseruse_exporter/web"
)

// Run is the program; it returns the exit status. An interrupt or SIGTERM ends it.
func Run(args []string, stdout, stderr io.Writer) int {
	stdlog.SetOutput(io.Discard) // net/http quotes there what the API's side sends besides a response
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	if version.Version == "" {
		version.Version = "unknown" // a plain go build names none
	}
	c, err := ParseFlags(args, stdout)
	switch {
	case errors.Is(err, errExit):
		return 0
	case err == nil && c.once:
		err = once(ctx, c, stdout, stderr)
	case err == nil:
		err = serve(ctx, c, stderr)
	}
	if err != nil {
		line := strings.Join(strings.Fields(err.Error()), " ") // some libraries' errors are several lines
		_, _ = fmt.Fprintf(stderr, "%s: error: %s\n", programName, line)
		return 1
	}
	return 0
}

// serve answers scrapes until ctx is over.
func serve(ctx context.Context, c *Config, stderr io.Writer) error {
	logger, toolkitLogger := newLogger(c, stderr)
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
	_ = level.Info(logger).Log("msg", "Exporting", "sessions", c.exported(), "from", c.source(), "key", c.keySource(),
		"account", c.account, "at", c.address(), "path", c.telemetry)
	readings, endReadings := context.WithCancel(context.Background())
	defer endReadings()
	if c.demo {
		go watchDemo(readings, e.Collector)
	}
	err = listenAndServe(ctx, c, e.Handler(readings, c, logger), endReadings, toolkitLogger)
	if err == nil {
		_ = level.Info(logger).Log("msg", "Stopped")
	}
	return err
}

// Exporter is what both ways to run are made of.
type Exporter struct {
	Collector *collector.Collector
	Registry  *prometheus.Registry // the metrics about the exporter itself
	closers   []func()
}

// Handler returns what serves the exporter's endpoints; readings under way end
// when stopping does.
func (e *Exporter) Handler(stopping context.Context, c *Config, logger log.Logger) http.Handler {
	return web.NewHandler(web.Options{
		Collector:     e.Collector,
		Exporter:      e.Registry,
		TelemetryPath: c.telemetry,
		Pprof:         c.pprof,
		Settings:      c.settings(),
		Simulated:     c.demo,
		Deadline:      c.deadline,
		Version:       version.Version,
		Logger:        logger,
		Stopping:      stopping,
	})
}

// Close ends what the exporter holds.
func (e *Exporter) Close() {
	for _, closer := range e.closers {
		closer()
	}
}

// New returns the exporter that c describes. A transport other than the
// usual one is for tests.
func New(c *Config, logger log.Logger, transport http.RoundTripper) (*Exporter, error) {
	e := &Exporter{Registry: prometheus.NewRegistry()}
	client := apiclient.Options{
		BaseURL:      c.APIURL,
		Timeout:      c.timeout,
		Concurrency:  c.concurrency,
		RateLimit:    c.rateLimit,
		MetadataKeys: c.metadata,
		UserAgent:    programName + "/" + version.Version,
		Transport:    transport,
	}
	if c.demo {
		_ = level.Warn(logger).Log("msg", "Demo: the sessions, their costs and the account are simulated, nothing in them is real")
		e.closers = append(e.closers, startDemo(&client))
	} else {
		key, err := newKey(c, logger)
		if err != nil {
			return nil, err
		}
		client.Key = key
	}
	var sessionFile *collector.SessionFile
	if c.sessionFile != "" {
		var err error
		if sessionFile, err = collector.OpenSessionFile(c.sessionFile, logger, time.Now); err != nil {
			return nil, fmt.Errorf("--session.file: %w", err)
		}
	}
	api := apiclient.New(client)
	e.closers = append([]func(){api.CloseIdleConnections}, e.closers...)
	e.Registry.MustRegister(versioncollector.NewCollector(programName))
	e.Collector = collector.New(collector.Options{
		Client:         api,
		Discover:       c.discovers(),
		Linger:         c.linger,
		Settle:         c.settle,
		MetadataLabels: c.metadata,
		MaxAge:         c.maxAge,
		SessionIDs:     c.sessionIDs,
		SessionFile:    sessionFile,
		Account:        c.account,
		Timeout:        c.deadline.Default,
		Logger:         logger,
	})
	return e, nil
}

// newKey returns where the client gets its key from.
func newKey(c *Config, logger log.Logger) (func() string, error) {
	if c.keyFile == "" {
		key, err := apiclient.ParseKey([]byte(c.keyFromEnv))
		if err != nil {
			return nil, fmt.Errorf("--api.key-file: not given, and the environment's %s %w", keyVariable, err)
		}
		return func() string { return key }, nil
	}
	file, err := livefile.Open(c.keyFile, apiclient.ParseKey, time.Now)
	if err != nil {
		return nil, fmt.Errorf("--api.key-file: %w", err)
	}
	return func() string {
		state := file.Look()
		switch {
		case state.Changed && state.Err != nil:
			_ = level.Error(logger).Log("msg", "Key file is bad, the last good key stays in force", "err", state.Err)
		case state.Changed:
			_ = level.Info(logger).Log("msg", "Key file loaded again")
		}
		return state.Value
	}, nil
}
