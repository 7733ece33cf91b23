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

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
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
	discover    *bool // nil: not given
	shortLived  bool
	linger      time.Duration
	settle      time.Duration
	metadata    []string
	maxAge      time.Duration
	sessionFile string
	account     bool
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
	_, err := app.Parse(args)
	switch {
	case exited:
		return nil, errExit
	case err != nil:
		return nil, err
	}
	return c, c.check()
}

// NewApp returns the command line, which fills c.
func NewApp(c *Config, stdout io.Writer) *kingpin.Application {
	app := kingpin.New(programName, "Prometheus exporter for the browser sessions of Browser Use Cloud: state, cost, proxy traffic and time left. "+
		"With an API key and nothing else, it exports every active session of the key's project. The key comes from --api.key-file or from the environment's "+keyVariable+".")
	app.DefaultEnvars()
	app.UsageWriter(stdout).ErrorWriter(stdout).UsageTemplate(helpTemplate).UsageFuncs(helpFuncs)
	app.Version(version.Print(programName)).VersionFlag.NoEnvar()
	app.VersionFlag.Help("Show the version.")
	app.HelpFlag.Short('h').NoEnvar()
	app.HelpFlag.Help("Show this help.")
	c.app = app
	c.defineFlags(flagSet{app})
	return app
}

// defineFlags declares the flags, in the order in which --help shows them.
func (c *Config) defineFlags(f flagSet) {
	f.value("api.url", "URL", "Base URL of the API, such as "+apiclient.EuropeanAPI+" for a project in Europe.", stringValue(&c.APIURL, parseAPIURL)).Default(apiclient.DefaultAPI)
	f.toggleDefault("api.allow-http", "Accept an http:// URL to a host that is not this one, though the key travels in clear.", &c.allowHTTP, false)
	f.value("api.key-file", "FILE", "File with the API key, read again when it changes. Default: the environment's "+keyVariable+".", stringValue(&c.keyFile, parsePath))
	f.value("api.timeout", "DURATION", "Timeout of one request, such as 5s or 500ms.", durationValue(&c.timeout, positive)).Default("5s")
	f.value("api.concurrency", "N", "Requests in flight, at most.", intValue(&c.concurrency)).Default("16")
	f.value("api.rate-limit", "N", "Requests a second, at most, with a burst of twice as many; 0 turns the limit off. The project has about 25, its production included.", rateValue(&c.rateLimit)).Default("10")
	f.values("session.id", "UUID", "ID of a session to export, such as 5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f; may be repeated.", idsValue(&c.sessionIDs))
	f.value("session.file", "FILE", "File with session IDs, one a line, # begins a comment; read again when it changes.", stringValue(&c.sessionFile, parsePath))
	f.toggle("session.discover", "Export every active session of the project, too. Default: on if neither ID nor file is given.", discoverValue(&c.discover))
	f.toggleDefault("session.short-lived", "When discovering, also read the newest stopped sessions, so that one that began and ended between two scrapes is seen.", &c.shortLived, true)
	f.value("session.linger", "DURATION", "How long a discovered session stays exported after it finished.", durationValue(&c.linger, notNegative)).Default("15m")
	f.value("session.settle", "DURATION", "How long after its finish a stopped session is read again now and then, since late metering can change its costs.", durationValue(&c.settle, notNegative)).Default("15m")
	f.values("session.metadata-label", "KEY", "Key of the sessions' metadata, such as team, to export as label metadata_<key> of browseruse_session_info; may be repeated.", keysValue(&c.metadata))
	f.toggleDefault("collector.account", "Export the account's credits and limits.", &c.account, true)
	f.value("scrape.timeout", "DURATION", "Deadline of a scrape that does not bring its own.", durationValue(&c.deadline.Default, positive)).Default("10s")
	f.value("scrape.timeout-offset", "DURATION", "Taken off the timeout that Prometheus sends along, so that the answer is there in time.", durationValue(&c.deadline.Offset, notNegative)).Default("500ms")
	f.value("scrape.max-age", "DURATION", "Answer from the last reading if it began at most so long ago, such as 25s for a pair of Prometheus servers that scrape every 30s; 0s: every scrape reads.", durationValue(&c.maxAge, notNegative)).Default("0s")
	c.defineWebFlags(f)
	f.value("web.telemetry-path", "PATH", "Path of the metrics.", stringValue(&c.telemetry, parseTelemetryPath)).Default("/metrics")
	f.toggleDefault("web.enable-pprof", "Serve profiles of the exporter at /debug/pprof/, behind the same TLS and password as the rest.", &c.pprof, false)
	f.value("log.level", "LEVEL", "Least severe messages to log: debug, info, warn or error.", stringValue(&c.logLevel, oneOf("debug", "info", "warn", "error"))).Default("info")
	f.value("log.format", "FORMAT", "Format of the log: logfmt or json.", stringValue(&c.logFormat, oneOf("logfmt", "json"))).Default("logfmt")
	f.toggleDefault("once", "Read once, print the metrics, and exit with 0 if every session was read, else 1.", &c.once, false)
	f.toggleDefault("demo", "Serve a simulated project instead of the API: no key needed, nothing leaves the machine.", &c.demo, false)
}

// defineWebFlags declares those of exporter-toolkit, with its names and
// meanings, but with errors that name the flag.
func (c *Config) defineWebFlags(f flagSet) {
	c.web = &toolkit.FlagConfig{WebListenAddresses: new([]string), WebSystemdSocket: new(bool), WebConfigFile: new(string)}
	f.values("web.listen-address", "ADDRESS", "Address to serve on, such as :10042 or [::1]:10042; may be repeated.", addressesValue(c.web.WebListenAddresses)).Default(":10042")
	f.value("web.config.file", "FILE", "File that turns on TLS or passwords, in exporter-toolkit's format.", stringValue(c.web.WebConfigFile, parsePath))
	if runtime.GOOS == "linux" {
		f.toggleDefault("web.systemd-socket", "Serve on the sockets that systemd passes, instead of --web.listen-address.", c.web.WebSystemdSocket, false)
	}
}

// check looks at what flags say together.
func (c *Config) check() error {
	if err := toolkit.Validate(*c.web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %w", err)
	}
	if err := collector.CheckMetadataLabels(c.metadata); err != nil {
		return fmt.Errorf("--session.metadata-label: %w", err)
	}
	if !c.discovers() && len(c.sessionIDs) == 0 && c.sessionFile == "" {
		return errors.New("--no-session.discover: leaves no session to export; give --session.id or --session.file")
	}
	if c.demo {
		return c.checkDemo()
	}
	if strings.HasPrefix(c.APIURL, "http:") && !c.allowHTTP && !isLoopback(c.APIURL) {
		return fmt.Errorf("--api.url: %q would send the API key in clear; use https://, or --api.allow-http if that is what you want", c.APIURL)
	}
	switch {
	case c.keyFile != "" && c.keyFromEnv != "":
		return fmt.Errorf("--api.key-file: given, and so is the environment's %s; give one of the two", keyVariable)
	case c.keyFile == "" && c.keyFromEnv == "":
		return fmt.Errorf("--api.key-file: no API key; name a file that holds it, or set the environment's %s (or try --demo, which needs none)", keyVariable)
	}
	return nil
}

// discovers says whether the project's active sessions are exported: on demand,
// or if nothing else is.
func (c *Config) discovers() bool {
	if c.discover != nil {
		return *c.discover
	}
	return len(c.sessionIDs) == 0 && c.sessionFile == ""
}

// exported says in words which sessions are exported.
func (c *Config) exported() string {
	var which []string
	if c.discovers() {
		which = append(which, "all active ones of the project")
	}
	if n := len(c.sessionIDs); n > 0 {
		which = append(which, fmt.Sprintf("%d of --session.id", n))
	}
	if c.sessionFile != "" {
		which = append(which, "those of "+c.sessionFile)
	}
	return strings.Join(which, ", ")
}

// keySource says where the key comes from. The key itself is never shown.
func (c *Config) keySource() string {
	switch {
	case c.demo:
		return "none"
	case c.keyFile != "":
		return c.keyFile
	default:
		return "the environment's " + keyVariable
	}
}

// source says where the values come from.
func (c *Config) source() string {
	if c.demo {
		return "a simulated project in this process"
	}
	return c.APIURL
}

// address says where the exporter serves.
func (c *Config) address() string {
	if *c.web.WebSystemdSocket {
		return "the sockets that systemd passes"
	}
	return strings.Join(*c.web.WebListenAddresses, " ")
}

func (c *Config) checkDemo() error {
	switch {
	case c.APIURL != apiclient.DefaultAPI:
		return errors.New("--demo: serves a simulated project instead of the API; it can't be combined with --api.url")
	case c.keyFile != "":
		return errors.New("--demo: needs no API key; it can't be combined with --api.key-file")
	}
	return nil
}

func parseAPIURL(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", errors.New("want a URL such as " + apiclient.DefaultAPI)
	case u.User != nil:
		return "", errors.New("a URL without user or password is wanted; the key has a flag of its own")
	case u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("a URL without query and fragment is wanted")
	}
	return strings.TrimRight(u.String(), "/"), nil // String writes the scheme in lower case
}

// isLoopback says whether a URL is one of this machine.
func isLoopback(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && address.IsLoopback()
}

func parseTelemetryPath(s string) (string, error) {
	if u, err := url.Parse(s); err != nil || u.Path != s || !strings.HasPrefix(s, "/") {
		return "", fmt.Errorf("%q: want a path such as /metrics", s)
	}
	if err := web.CheckTelemetryPath(s); err != nil {
		return "", fmt.Errorf("%q: %w", s, err)
	}
	return s, nil
}

func parsePath(s string) (string, error) {
	if s == "" {
		return "", errors.New("want the path of a file")
	}
	return s, nil
}

func oneOf(choices ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(choices, s) {
			return "", fmt.Errorf("%q: want one of %s", s, strings.Join(choices, ", "))
		}
		return s, nil
	}
}

func positive(d time.Duration) bool    { return d > 0 }
func notNegative(d time.Duration) bool { return d >= 0 }

func stringValue(target *string, parse func(string) (string, error)) func(string) error {
	return func(s string) (err error) {
		*target, err = parse(s)
		return err
	}
}

func durationValue(target *time.Duration, ok func(time.Duration) bool) func(string) error {
	return func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || !ok(d) {
			return fmt.Errorf("%q: want a duration such as 5s or 500ms", s)
		}
		*target = d
		return nil
	}
}

func intValue(target *int) func(string) error {
	const most = 100 // four times what a project may ask in a second
	return func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > most {
			return fmt.Errorf("%q: want a whole number from 1 to %d", s, most)
		}
		*target = n
		return nil
	}
}

func addressesValue(target *[]string) func(string) error {
	return func(s string) error {
		if _, _, err := net.SplitHostPort(s); err != nil && !strings.HasPrefix(s, "vsock://") {
			return fmt.Errorf("%q: want an address such as :10042 or 127.0.0.1:10042", s)
		}
		*target = append(*target, s)
		return nil
	}
}

func rateValue(target *float64) func(string) error {
	return func(s string) error {
		r, err := strconv.ParseFloat(s, 64)
		if err != nil || !(r >= 0) || math.IsInf(r, 0) {
			return fmt.Errorf("%q: want a number of requests a second, or 0 for no limit", s)
		}
		*target = r
		return nil
	}
}

func boolValue(set func(bool)) func(string) error {
	return func(s string) error {
		b, err := strconv.ParseBool(s)
		if err != nil {
			return fmt.Errorf("%q: want true or false", s)
		}
		set(b)
		return nil
	}
}

func discoverValue(target **bool) func(string) error {
	return boolValue(func(b bool) { *target = &b })
}

func keysValue(target *[]string) func(string) error {
	return func(s string) error {
		if s == "" {
			return errors.New("want a key of the sessions' metadata")
		}
		if !slices.Contains(*target, s) {
			*target = append(*target, s)
		}
		return nil
	}
}

func idsValue(target *[]string) func(string) error {
	return func(s string) error {
		id, err := apiclient.ParseID(s)
		if err != nil {
			return fmt.Errorf("%s is no session ID; want a UUID such as 5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f", collector.Excerpt(s))
		}
		*target = append(*target, id)
		return nil
	}
}
