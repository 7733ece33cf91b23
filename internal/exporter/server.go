package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	sloggokit "github.com/tjhop/slog-gokit"
)

// How the server ends: a scrape in progress may read for as long as
// lastReading, and then has until shutdownTimeout to write its answer out.
const (
	lastReading     = 2 * time.Second
	shutdownTimeout = 5 * time.Second
)

// Bounds on slow clients of the server.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 5 * time.Minute
	writeTimeout      = 2 * time.Hour // above the longest deadline that a scrape can ask for
)

// NewServer returns the exporter's server, with its bounds on slow clients.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      writeTimeout,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

// listenAndServe serves until ctx is over, then lets the scrapes in progress be
// answered; endReadings cuts their readings short.
func listenAndServe(ctx context.Context, c *Config, handler http.Handler, endReadings func(), logger *slog.Logger) error {
	server := NewServer(handler, logger)
	served := make(chan error, 1)
	go func() { served <- toolkit.ListenAndServe(server, c.web, logger) }()

	select {
	case err := <-served:
		return fmt.Errorf("--web.listen-address: %w", err)
	case <-ctx.Done():
	}
	last := time.AfterFunc(lastReading, endReadings)
	defer last.Stop()
	end, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		_ = server.Close() // clients that don't read: they can't be waited for
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newLogger returns the program's logger, and the same for exporter-toolkit,
// which wants an slog.Logger and adds times and callers itself.
func newLogger(c *Config, w io.Writer) (log.Logger, *slog.Logger) {
	base := log.NewLogfmtLogger(log.NewSyncWriter(w))
	if c.logFormat == "json" {
		base = log.NewJSONLogger(log.NewSyncWriter(w))
	}
	var slogLevel slog.Level
	_ = slogLevel.UnmarshalText([]byte(c.logLevel)) // checked with the flags
	const callDepth = 5                             // from log.Caller through the filter to the line that logs
	logger := log.With(base, "ts", log.DefaultTimestampUTC, "caller", log.Caller(callDepth))
	logger = level.NewFilter(logger, level.Allow(level.ParseDefault(c.logLevel, level.InfoValue())))
	return logger, slog.New(sloggokit.NewGoKitHandler(base, slogLevel))
}
