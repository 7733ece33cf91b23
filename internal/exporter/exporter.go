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
	"browseruse_exporter/internal/redact"
	"browseruse_exporter/reloadfile"
	"browseruse_exporter/web"
)

// Run is the program; it returns the exit status. An interrupt or SIGTERM ends it,
// a SIGHUP has it read its files again. It silences the standard logger.
func Run(args []string, stdout, stderr io.Writer) int {
	stdlog.SetOutput(io.Discard) // net/http quotes there what the API's side sends besides a response
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

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
		err = serve(ctx, c, hangups, stderr)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: error: %s\n", programName, redact.Text(err.Error()))
		return 1
	}
	return 0
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
	api := c.APIURL
	if c.demo {
		api = "simulated"
	}
	_ = level.Info(logger).Log("msg", "Exporting", "discover", c.discover, "session_ids", len(c.sessionIDs), "session_file", redact.Value(c.sessionFile),
		"api", api, "key_source", c.keySource(), "account", c.account, "address", c.address(), "path", c.telemetry)
	readings, endReadings := context.WithCancel(context.Background())
	defer endReadings()
	if c.demo {
		go watchDemo(readings, e.Collector)
	}
	serverLog := &serverLog{logger: logger, base: base, webConfig: *c.web.WebConfigFile}
	e.reloads = append(e.reloads, serverLog.checkWebConfig)
	go e.reloadOn(hangups, readings.Done(), logger)
	err = listenAndServe(ctx, c, e.Handler(readings, c, logger), endReadings, serverLog)
	if err == nil {
		_ = level.Info(logger).Log("msg", "Stopped")
	}
	return err
}

// reloadOn reads the files again at each signal, until done.
func (e *Exporter) reloadOn(hangups <-chan os.Signal, done <-chan struct{}, logger log.Logger) {
	for {
		select {
		case <-hangups:
			_ = level.Info(logger).Log("msg", "Reading the files again", "signal", "SIGHUP")
			for _, reload := range e.reloads {
				reload()
			}
		case <-done:
			return
		}
	}
}

// Exporter is what both ways to run are made of.
type Exporter struct {
	Collector *collector.Collector
	Registry  *prometheus.Registry // the metrics about the exporter itself
	closers   []func()
	reloads   []func() // each reads a file again
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
	if err := e.assemble(c, logger, transport); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// assemble fills e. After an error, Close ends what was begun.
func (e *Exporter) assemble(c *Config, logger log.Logger, transport http.RoundTripper) (err error) {
	client := apiclient.Options{
		BaseURL:      c.APIURL,
		Timeout:      c.timeout,
		Concurrency:  c.concurrency,
		RateLimit:    c.rateLimit,
		MetadataKeys: c.metadata,
		UserAgent:    programName + "/" + version.Version,
		Transport:    transport,
	}
	var keyFile func() collector.FileState
	if c.demo {
		_ = level.Warn(logger).Log("msg", "Demo: the sessions, their costs and the account are simulated, nothing in them is real")
		e.closers = append(e.closers, startDemo(&client))
	} else if client.Key, keyFile, err = e.newKey(c, logger); err != nil {
		return err
	}
	var sessionFile *collector.SessionFile
	if c.sessionFile != "" {
		if sessionFile, err = collector.OpenSessionFile(c.sessionFile, logger, time.Now); err != nil {
			return fmt.Errorf("--session.file: %w", err)
		}
		e.reloads = append(e.reloads, sessionFile.Reload)
	}
	api := apiclient.New(client)
	e.closers = append([]func(){api.CloseIdleConnections}, e.closers...)
	e.Registry.MustRegister(versioncollector.NewCollector(programName))
	e.Collector = collector.New(collector.Options{
		Client:            api,
		Discover:          c.discover,
		ShortLived:        c.shortLived,
		Linger:            c.linger,
		Settle:            c.settle,
		MinAge:            c.minAge,
		MinCost:           c.minCost,
		MetadataLabels:    c.metadata,
		MetadataMaxLength: c.metadataMax,
		MaxAge:            c.maxAge,
		SessionIDs:        c.sessionIDs,
		SessionFile:       sessionFile,
		KeyFile:           keyFile,
		Account:           c.account,
		Timeout:           c.deadline.Default,
		Logger:            logger,
	})
	return nil
}

// newKey returns where the client gets its key from, and the state of the key
// file if that is a file.
func (e *Exporter) newKey(c *Config, logger log.Logger) (func() string, func() collector.FileState, error) {
	if c.keyFile == "" {
		key, err := apiclient.ParseKey([]byte(c.keyFromEnv))
		if err != nil {
			return nil, nil, fmt.Errorf("--api.key-file: not given, and the environment's %s %w", keyVariable, err)
		}
		return func() string { return key }, nil, nil
	}
	file, err := reloadfile.Open(c.keyFile, apiclient.ParseKey, func(state reloadfile.State[string]) {
		if state.Err != nil {
			_ = level.Error(logger).Log("msg", "Key file is bad, the last good key stays in force", "err", state.Err)
			return
		}
		_ = level.Info(logger).Log("msg", "Key file loaded again")
	}, time.Now)
	if err != nil {
		return nil, nil, fmt.Errorf("--api.key-file: %w", err)
	}
	e.reloads = append(e.reloads, func() { file.Reload() })
	key := func() string { return file.Load().Value }
	state := func() collector.FileState {
		s := file.Load()
		return collector.FileState{LoadedAt: s.LoadedAt, Err: s.Err}
	}
	return key, state, nil
}
