package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	sloggokit "github.com/tjhop/slog-gokit"

	"browseruse_exporter/internal/redact"
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
func NewServer(handler http.Handler, errorLog io.Writer) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      writeTimeout,
		ErrorLog:          stdlog.New(errorLog, "", 0),
	}
}

// Shutdown ends the server when the scrapes in progress are answered, or time is up;
// cancelReadings cuts their readings short.
func Shutdown(server *http.Server, cancelReadings func()) {
	last := time.AfterFunc(lastReading, cancelReadings)
	defer last.Stop()
	end, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		_ = server.Close() // clients that don't read: they can't be waited for
	}
}

// listenAndServe serves until ctx is over, then as Shutdown does.
func listenAndServe(ctx context.Context, c *Config, handler http.Handler, cancelReadings func(), l *serverLog) error {
	server := NewServer(handler, l)
	served := make(chan error, 1)
	go func() { served <- toolkit.ListenAndServe(server, c.web, l.slog(c.logLevel)) }()

	select {
	case err := <-served:
		return c.blame(err)
	case <-ctx.Done():
	}
	Shutdown(server, cancelReadings)
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// blame adds the flag that is to blame for an error of serving, if one is.
func (c *Config) blame(err error) error {
	var failed *net.OpError
	isOp := errors.As(err, &failed)
	switch {
	case isOp && failed.Op == "listen":
		return fmt.Errorf("--web.listen-address: %w", err)
	case !isOp && *c.web.WebSystemdSocket:
		return fmt.Errorf("--web.systemd-socket: %w; want a start by a socket unit of systemd", err)
	default:
		return err
	}
}

// newLogger returns the program's logger, and what it writes to.
func newLogger(c *Config, w io.Writer) (logger, base log.Logger) {
	base = log.NewLogfmtLogger(log.NewSyncWriter(w))
	if c.logFormat == "json" {
		base = log.NewJSONLogger(log.NewSyncWriter(w))
	}
	const callDepth = 5 // from log.Caller through the filter to the line that logs
	logger = log.With(base, "ts", log.DefaultTimestampUTC, "caller", log.Caller(callDepth))
	return level.NewFilter(logger, level.Allow(level.ParseDefault(c.logLevel, level.InfoValue()))), base
}

// serverLog logs what net/http and exporter-toolkit report about serving.
type serverLog struct {
	logger, base log.Logger // as newLogger returns them
	webConfig    string     // the file of --web.config.file; "": none

	mu       sync.Mutex
	webError string // what is wrong with webConfig; "": nothing
}

// Write logs a line of net/http. A failed handshake is the client's: a probe that
// only connects causes one each time.
func (l *serverLog) Write(line []byte) (int, error) {
	text := redact.Text(string(line))
	if strings.HasPrefix(text, "http: TLS handshake error") || strings.HasPrefix(text, "http2: server: error reading preface") {
		_ = level.Debug(l.logger).Log("msg", "Connection failed", "err", text)
		l.checkWebConfig() // unless it is the server's after all
		return len(line), nil
	}
	_ = level.Warn(l.logger).Log("msg", "Request failed", "err", text)
	return len(line), nil
}

// checkWebConfig logs that the web configuration, which exporter-toolkit reads for
// each connection and request, has become bad, or good again.
func (l *serverLog) checkWebConfig() {
	l.mu.Lock()
	defer l.mu.Unlock() // held while reading, so that the last one to log knows the newest state
	text := ""
	if err := toolkit.Validate(l.webConfig); err != nil {
		text = redact.Error(err).Error()
	}
	switch text {
	case l.webError:
	case "":
		_ = level.Info(l.logger).Log("msg", "Web configuration is good again")
	default:
		_ = level.Error(l.logger).Log("msg", "Web configuration is bad, requests fail until it is mended", "err", text)
	}
	l.webError = text
}

// slog returns the logger for exporter-toolkit. Its lines get the keys of all
// others, in their order.
func (l *serverLog) slog(logLevel string) *slog.Logger {
	var least slog.Level
	_ = least.UnmarshalText([]byte(logLevel)) // checked with the flags
	return slog.New(sloggokit.NewGoKitHandler(log.LoggerFunc(func(keyvals ...any) error {
		line := []any{"ts", log.DefaultTimestampUTC(), "caller", nil}
		for i := 0; i+1 < len(keyvals); i += 2 {
			key, value := keyvals[i], keyvals[i+1]
			if typed, ok := value.(slog.Value); ok {
				value = typed.Any() // a number or a bool, which would be text in JSON
			}
			switch {
			case key == "msg" && value == "Unable to parse configuration":
				l.checkWebConfig() // it says so at each request
				return nil
			case key == "caller":
				line[3] = value
			case key != slog.TimeKey:
				line = append(line, key, value)
			}
		}
		return l.base.Log(line...)
	}), least))
}
