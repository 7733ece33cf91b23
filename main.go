// Browseruse_exporter is a Prometheus exporter for the browser sessions of
// Browser Use Cloud.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	if version.Version == "" {
		version.Version = "unknown" // a plain go build names none
	}
	c, err := parseFlags(args, stdout)
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
func serve(ctx context.Context, c *config, stderr io.Writer) error {
	logger, toolkitLogger := newLogger(c, stderr)
	e, err := newExporter(c, logger, nil)
	if err != nil {
		return err
	}
	defer e.close()
	e.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	_ = level.Info(logger).Log("msg", "Starting "+programName, "version", version.Info(), "build", version.BuildContext())
	_ = level.Info(logger).Log("msg", "Exporting", "sessions", c.exported(), "from", c.source(), "key", c.keySource(),
		"account", c.account, "at", c.address(), "path", c.telemetry)
	readings, endReadings := context.WithCancel(context.Background())
	defer endReadings()
	if c.demo {
		go watchDemo(readings, e.collector)
	}
	err = listenAndServe(ctx, c, e.handler(readings, c, logger), endReadings, toolkitLogger)
	if err == nil {
		_ = level.Info(logger).Log("msg", "Stopped")
	}
	return err
}

// exporter is what both ways to run are made of.
type exporter struct {
	collector *collector.Collector
	registry  *prometheus.Registry // the metrics about the exporter itself
	closers   []func()
}

// handler returns what serves the exporter's endpoints; readings under way end
// when stopping does.
func (e *exporter) handler(stopping context.Context, c *config, logger log.Logger) http.Handler {
	return web.NewHandler(web.Options{
		Collector:     e.collector,
		Exporter:      e.registry,
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

func (e *exporter) close() {
	for _, closer := range e.closers {
		closer()
	}
}

// newExporter returns the exporter that c describes. A transport other than the
// usual one is for tests.
func newExporter(c *config, logger log.Logger, transport http.RoundTripper) (*exporter, error) {
	e := &exporter{registry: prometheus.NewRegistry()}
	client := apiclient.Options{
		BaseURL:     c.apiURL,
		Timeout:     c.timeout,
		Concurrency: c.concurrency,
		RateLimit:   c.rateLimit,
		UserAgent:   programName + "/" + version.Version,
		Transport:   transport,
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
	e.registry.MustRegister(versioncollector.NewCollector(programName), api)
	e.collector = collector.New(collector.Options{
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
func newKey(c *config, logger log.Logger) (func() string, error) {
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
