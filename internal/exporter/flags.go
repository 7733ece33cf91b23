package exporter

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/internal/redact"
	"browseruse_exporter/web"
)

const (
	programName = "browseruse_exporter"
	keyVariable = "BROWSER_USE_API_KEY"
)

// Config is what flags and environment say, checked.
type Config struct {
	APIURL      string // base URL of the API
	allowHTTP   bool
	keyFile     string
	timeout     time.Duration
	concurrency int
	rateLimit   float64
	sessionIDs  []string
	discover    bool
	shortLived  bool
	linger      time.Duration
	settle      time.Duration
	minAge      time.Duration
	minCost     float64
	metadata    []string
	metadataMax int
	maxAge      time.Duration
	sessionFile string
	account     bool
	agents      bool
	deadline    web.Deadline
	web         *toolkit.FlagConfig
	telemetry   string
	pprof       bool
	logLevel    string
	logFormat   string
	once        bool
	demo        bool
	keyFromEnv  string
	app         *kingpin.Application // the command line itself
}

// errExit says that the command line asked for a text, which has been printed.
var errExit = errors.New("nothing left to do")

// ParseFlags reads the command line and the environment. --help and --version
// print to stdout and return errExit.
func ParseFlags(args []string, stdout io.Writer) (*Config, error) {
	c := &Config{keyFromEnv: os.Getenv(keyVariable)}
	app := NewApp(c, stdout)
	exited := false
	app.Terminate(func(int) { exited = true })
	given := map[string]*bool{"session.discover": new(false), "collector.agent-sessions": new(false)}
	for name, isSet := range given {
		app.GetFlag(name).IsSetByUser(isSet)
	}
	_, err := app.Parse(args)
	switch {
	case exited:
		return nil, errExit
	case err != nil:
		return nil, explainKingpin(err)
	}
	if err := checkEnvironment(app); err != nil {
		return nil, err
	}
	isGiven := func(flag string) bool { return *given[flag] || app.GetFlag(flag).HasEnvarValue() }
	if !isGiven("session.discover") {
		c.discover = len(c.sessionIDs) == 0 && c.sessionFile == ""
	}
	if !isGiven("collector.agent-sessions") {
		c.agents = c.demo
	}
	return c, c.check()
}

// NewApp returns the command line, which fills c.
func NewApp(c *Config, stdout io.Writer) *kingpin.Application {
	app := kingpin.New(programName, "Prometheus exporter for the browser sessions of Browser Use Cloud: state, cost, proxy traffic and time left. "+
		"With an API key and nothing else, it exports every active session of the key's project. The key comes from --api.key-file or from the environment's "+keyVariable+".")
	app.DefaultEnvars()
	app.UsageWriter(stdout).ErrorWriter(stdout)
	app.Version(version.Print(programName)).VersionFlag.NoEnvar()
	app.VersionFlag.Help("Show the version.")
	app.HelpFlag.Short('h').NoEnvar()
	app.HelpFlag.Help("Show this help.")
	c.app = app
	c.defineFlags(app)
	c.checkFlags(app)
	return app
}

// defineFlags declares the flags, in the order in which --help shows them.
func (c *Config) defineFlags(app *kingpin.Application) {
	app.Flag("api.url", "Base URL of the API, such as "+apiclient.EuropeanAPI+" for a project in Europe.").Default(apiclient.DefaultAPI).StringVar(&c.APIURL)
	app.Flag("api.allow-http", "Accept an http:// URL to a host that is not this one, though the key travels in clear.").Default("false").BoolVar(&c.allowHTTP)
	app.Flag("api.key-file", "File with the API key, read again when it changes. Default: the environment's "+keyVariable+".").PlaceHolder("FILE").StringVar(&c.keyFile)
	app.Flag("api.timeout", "Timeout of one request, such as 5s or 500ms.").Default("5s").DurationVar(&c.timeout)
	app.Flag("api.concurrency", "Requests in flight, at most.").Default("16").IntVar(&c.concurrency)
	app.Flag("api.rate-limit", "Requests a second, at most, with a burst of twice as many; 0 turns the limit off. The project has about 25, its production included.").Default("10").Float64Var(&c.rateLimit)
	app.Flag("session.id", "ID of a session to export, such as 5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f; may be repeated.").PlaceHolder("UUID").StringsVar(&c.sessionIDs)
	app.Flag("session.file", "File with session IDs, one a line, # begins a comment; read again when it changes.").PlaceHolder("FILE").StringVar(&c.sessionFile)
	app.Flag("session.discover", "Export every active session of the project, too. Default: on if neither ID nor file is given.").BoolVar(&c.discover)
	app.Flag("session.short-lived", "When discovering, also read the newest stopped sessions, so that one that began and ended between two scrapes is seen.").Default("true").BoolVar(&c.shortLived)
	app.Flag("session.min-age", "Age from which a discovered session has series of its own, unless it has cost --session.min-cost before; 0s: its age gives it none. Both 0: at once.").Default("0s").DurationVar(&c.minAge)
	app.Flag("session.min-cost", "US dollars from which a discovered session has series of its own, unless it is --session.min-age old before; 0: its cost gives it none.").Default("0").Float64Var(&c.minCost)
	app.Flag("session.linger", "How long a discovered session stays exported after it finished.").Default("15m").DurationVar(&c.linger)
	app.Flag("session.settle", "How long after its finish a stopped session is read again now and then, since late metering can change its costs.").Default("15m").DurationVar(&c.settle)
	app.Flag("session.metadata-label", "Key of the sessions' metadata, such as team, to export as label metadata_<key> of browseruse_session_info; may be repeated.").PlaceHolder("KEY").StringsVar(&c.metadata)
	app.Flag("session.metadata-max-length", "Bytes of a metadata value that its label has, at most; 0 turns the limit off. A longer value is cut.").Default("128").IntVar(&c.metadataMax)
	app.Flag("collector.account", "Export the account's credits and limits.").Default("true").BoolVar(&c.account)
	app.Flag("collector.agent-sessions", "Export agent sessions, too: what their LLM cost, and their budgets. The API in Europe does not serve them. On with --demo, unless turned off.").Default("false").BoolVar(&c.agents)
	app.Flag("scrape.timeout", "Deadline of a scrape that does not bring its own.").Default("10s").DurationVar(&c.deadline.Default)
	app.Flag("scrape.timeout-offset", "Taken off the timeout that Prometheus sends along, so that the answer is there in time.").Default("500ms").DurationVar(&c.deadline.Offset)
	app.Flag("scrape.max-age", "Answer from the last reading if it began at most so long ago, such as 25s for a pair of Prometheus servers that scrape every 30s; 0s: every scrape reads.").Default("0s").DurationVar(&c.maxAge)
	c.web = kingpinflag.AddFlags(app, ":10042")
	app.GetFlag("web.config.file").PlaceHolder("FILE").Default() // that it has, "", would have an empty value accepted
	if runtime.GOOS == "linux" {
		app.GetFlag("web.systemd-socket").Default("false")
	}
	app.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&c.telemetry)
	app.Flag("web.enable-pprof", "Serve profiles of the exporter at /debug/pprof/, behind the same TLS and password as the rest.").Default("false").BoolVar(&c.pprof)
	app.Flag("log.level", "Least severe messages to log: debug, info, warn or error.").Default("info").EnumVar(&c.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Format of the log: logfmt or json.").Default("logfmt").EnumVar(&c.logFormat, "logfmt", "json")
	app.Flag("once", "Read once, print the metrics, and exit with 0 if every session was read, else 1.").Default("false").BoolVar(&c.once)
	app.Flag("demo", "Serve a simulated project instead of the API: no key needed, nothing leaves the machine.").Default("false").BoolVar(&c.demo)
}

// checkFlags says of each flag which values it takes.
func (c *Config) checkFlags(app *kingpin.Application) {
	const maxConcurrency = 100 // four times what a project may ask in a second
	for _, flag := range app.Model().Flags {
		if flag.IsBoolFlag() {
			checkFlag(app, flag.Name, "true or false", nil)
		}
	}
	for name, d := range map[string]*time.Duration{"api.timeout": &c.timeout, "scrape.timeout": &c.deadline.Default} {
		checkFlag(app, name, "a duration such as 5s or 500ms", func() bool { return *d > 0 })
	}
	for name, d := range map[string]*time.Duration{
		"session.linger": &c.linger, "session.settle": &c.settle, "session.min-age": &c.minAge, "scrape.timeout-offset": &c.deadline.Offset, "scrape.max-age": &c.maxAge,
	} {
		checkFlag(app, name, "a duration such as 5s or 500ms", func() bool { return *d >= 0 })
	}
	for name, path := range map[string]*string{"api.key-file": &c.keyFile, "session.file": &c.sessionFile, "web.config.file": c.web.WebConfigFile} {
		checkFlag(app, name, "the path of a file", func() bool { return *path != "" })
	}
	checkFlag(app, "api.concurrency", fmt.Sprintf("a whole number from 1 to %d", maxConcurrency), func() bool { return c.concurrency >= 1 && c.concurrency <= maxConcurrency })
	checkFlag(app, "api.rate-limit", "a number of requests a second, or 0 for no limit", func() bool { return c.rateLimit >= 0 && !math.IsInf(c.rateLimit, 0) })
	checkFlag(app, "session.min-cost", "an amount in US dollars such as 0.05", func() bool { return c.minCost >= 0 && !math.IsInf(c.minCost, 0) })
	checkFlag(app, "session.id", "a UUID such as 5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f", func() (ok bool) {
		last := &c.sessionIDs[len(c.sessionIDs)-1]
		id, err := apiclient.ParseID(*last)
		*last = id
		return err == nil
	})
	checkFlag(app, "session.metadata-label", "a key of the sessions' metadata", func() bool {
		others, last := c.metadata[:len(c.metadata)-1], c.metadata[len(c.metadata)-1]
		if slices.Contains(others, last) {
			c.metadata = others
		}
		return last != "" && !redact.HoldsKey(last)
	})
	checkFlag(app, "session.metadata-max-length", "a whole number of characters, or 0 for no limit", func() bool { return c.metadataMax >= 0 })
	checkFlag(app, "web.listen-address", "an address such as :10042 or 127.0.0.1:10042", func() bool {
		addresses := *c.web.WebListenAddresses
		return isAddress(addresses[len(addresses)-1])
	})
	checkFlag(app, "web.telemetry-path", "a path such as /metrics", func() bool {
		u, err := url.Parse(c.telemetry)
		return err == nil && u.Path == c.telemetry && strings.HasPrefix(c.telemetry, "/") && !redact.HoldsKey(c.telemetry)
	})
	checkFlag(app, "log.level", "one of debug, info, warn, error", nil)
	checkFlag(app, "log.format", "one of logfmt, json", nil)
}

// check checks the flags that have more to say than what they want, and what flags
// say together.
func (c *Config) check() (err error) {
	if c.APIURL, err = parseAPIURL(c.APIURL); err != nil {
		return fmt.Errorf("--api.url: %w", err)
	}
	if err := web.CheckTelemetryPath(c.telemetry); err != nil {
		return fmt.Errorf("--web.telemetry-path: %s: %w", redact.Quote(c.telemetry), err)
	}
	if err := toolkit.Validate(*c.web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %w", redact.Error(err))
	}
	if err := collector.CheckMetadataLabels(c.metadata); err != nil {
		return fmt.Errorf("--session.metadata-label: %w", err)
	}
	if !c.discover && len(c.sessionIDs) == 0 && c.sessionFile == "" {
		return errors.New("--no-session.discover: leaves no session to export; give --session.id or --session.file")
	}
	return c.checkAPI()
}

// checkAPI checks what flags and environment say of the API and its key.
func (c *Config) checkAPI() error {
	switch {
	case c.demo && c.APIURL != apiclient.DefaultAPI:
		return errors.New("--demo: serves a simulated project instead of the API; it can't be combined with --api.url")
	case c.demo && c.keyFile != "":
		return errors.New("--demo: needs no API key; it can't be combined with --api.key-file")
	case c.demo:
		return nil
	case strings.HasPrefix(c.APIURL, "http:") && !c.allowHTTP && !isLoopback(c.APIURL):
		return errors.New("--api.url: http:// to another host would send the API key in clear; use https://, or --api.allow-http if that is what you want")
	case c.keyFile != "" && c.keyFromEnv != "":
		return fmt.Errorf("--api.key-file: given, and so is the environment's %s; give one of the two", keyVariable)
	case c.keyFile == "" && c.keyFromEnv == "":
		return fmt.Errorf("--api.key-file: no API key; name a file that holds it, or set the environment's %s (or try --demo, which needs none)", keyVariable)
	}
	return nil
}

// address says where the exporter serves.
func (c *Config) address() string {
	if *c.web.WebSystemdSocket {
		return "systemd"
	}
	return strings.Join(*c.web.WebListenAddresses, " ")
}

// keySource says where the key comes from. The key itself is never shown.
func (c *Config) keySource() string {
	switch {
	case c.demo:
		return "none"
	case c.keyFile != "":
		return "file"
	default:
		return "env"
	}
}

// parseAPIURL returns a base URL as the client wants it. It is shown in the log,
// so nothing in it may be a key.
func parseAPIURL(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case strings.ContainsFunc(s, unicode.IsSpace):
		return "", errors.New("a URL without spaces is wanted")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || redact.HoldsKey(s):
		return "", errors.New("want a URL such as " + apiclient.DefaultAPI)
	case u.User != nil:
		return "", errors.New("a URL without user or password is wanted; the key has a flag of its own")
	case strings.ContainsAny(s, "?#"):
		return "", errors.New("a URL without query and fragment is wanted")
	case u.Port() != "" && (!isPort(u.Port()) || u.Port() == "0"):
		return "", errors.New("a port from 1 to 65535 is wanted")
	}
	base := strings.TrimRight(u.String(), "/") // String writes the scheme in lower case
	for _, endpoint := range []string{"/browsers", "/sessions", "/billing", "/billing/account"} {
		if strings.HasSuffix(base, endpoint) {
			return "", errors.New("the base URL is wanted, without " + endpoint + " at its end, such as " + apiclient.DefaultAPI)
		}
	}
	return base, nil
}

// isLoopback reports whether a URL is one of this machine.
func isLoopback(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && address.IsLoopback()
}

// isAddress reports whether a server can listen at an address, by its form.
func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s, "vsock://"))
	return err == nil && isPort(port) && !redact.HoldsKey(s)
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}
