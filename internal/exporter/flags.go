package exporter

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/redact"
	"browseruse_exporter/web"
)

const (
	programName = "browseruse_exporter"
	keyVariable = "BROWSER_USE_API_KEY"
)

// Config is what flags and environment say, checked.
type Config struct {
	projectConfig
	configFile  string
	checkConfig bool
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
	given := map[string]*bool{"session.discover": &c.discoverGiven, "collector.agent-sessions": new(false)}
	for name, isSet := range given {
		app.GetFlag(name).IsSetByUser(isSet)
	}
	_, err := app.Parse(args)
	switch {
	case exited:
		return nil, errExit
	case err != nil:
		return nil, blameVariable(app, args, explainKingpin(app, err))
	}
	if err := checkEnvironment(app); err != nil {
		return nil, err
	}
	for name, isSet := range given {
		*isSet = *isSet || app.GetFlag(name).HasEnvarValue()
	}
	if !*given["collector.agent-sessions"] {
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
	c.projectConfig.defineFlags(app)
	app.Flag("config.file", "File with several projects, read again when it changes: each answers at /probe?project=<name>. Flags give the defaults of all.").PlaceHolder("FILE").StringVar(&c.configFile)
	app.Flag("scrape.timeout", "Deadline of a scrape that does not bring its own.").Default("10s").DurationVar(&c.deadline.Default)
	app.Flag("scrape.timeout-offset", "Taken off the timeout that Prometheus sends along, so that the answer is there in time.").Default("500ms").DurationVar(&c.deadline.Offset)
	c.defineMaxAge(app)
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
	app.Flag("check-config", "Report whether the file of --config.file is good, and exit with 0 if it is, else 1.").Default("false").BoolVar(&c.checkConfig)
	app.Flag("demo", "Serve a simulated project, or each of --config.file simulated, instead of the API: no key needed, nothing leaves the machine.").Default("false").BoolVar(&c.demo)
}

// checkFlags says of each flag which values it takes.
func (c *Config) checkFlags(app *kingpin.Application) {
	c.projectConfig.checkFlags(app)
	checkBoolFlags(app)
	checkFlag(app, "scrape.timeout", wantDuration, func() bool { return c.deadline.Default > 0 })
	checkFlag(app, "scrape.timeout-offset", wantDuration, func() bool { return c.deadline.Offset >= 0 })
	checkFlag(app, "config.file", wantPath, func() bool { return c.configFile != "" })
	checkFlag(app, "web.config.file", wantPath, func() bool { return *c.web.WebConfigFile != "" })
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
func (c *Config) check() error {
	if err := web.CheckTelemetryPath(c.telemetry, c.configFile != ""); err != nil {
		return fmt.Errorf("--web.telemetry-path: %s: %w", redact.Quote(c.telemetry), err)
	}
	if err := toolkit.Validate(*c.web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %w", redact.Error(err))
	}
	if c.demo && c.APIURL != apiclient.DefaultAPI {
		return errors.New("--demo: serves a simulated project instead of the API; it can't be combined with --api.url")
	}
	if c.configFile != "" {
		return c.checkSeveral()
	}
	if err := c.projectConfig.check(); err != nil {
		return err
	}
	switch {
	case c.checkConfig:
		return errors.New("--check-config: reports whether the file of --config.file is good; give that, too")
	case c.demo && c.keyFile != "":
		return errors.New("--demo: needs no API key; it can't be combined with --api.key-file")
	case c.demo:
	case c.keyFile != "" && c.keyFromEnv != "":
		return fmt.Errorf("--api.key-file: given, and so is the environment's %s; give one of the two", keyVariable)
	case c.keyFile == "" && c.keyFromEnv == "":
		return fmt.Errorf("--api.key-file: no API key; name a file that holds it, or set the environment's %s (or try --demo, which needs none)", keyVariable)
	}
	return nil
}

// checkSeveral checks what flags and environment say beside a configuration file.
// It checks the defaults that they give for themselves, so that no line of the file
// is blamed for them.
func (c *Config) checkSeveral() error {
	defaults := c.projectConfig
	defaults.discoverGiven, defaults.discover = true, true
	if err := defaults.check(); err != nil {
		return err
	}
	switch {
	case c.keyFile != "":
		return errors.New("--config.file: it can't be combined with --api.key-file; give each project an api_key_file of its own")
	case len(c.sessionIDs) > 0:
		return errors.New("--config.file: it can't be combined with --session.id; give the project that they belong to session_ids")
	case c.sessionFile != "":
		return errors.New("--config.file: it can't be combined with --session.file; give the project that it belongs to a session_file")
	case c.keyFromEnv != "" && !c.demo:
		return fmt.Errorf("--config.file: it can't be combined with the environment's %s; give each project an api_key_file of its own", keyVariable)
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

// keySource returns where the key of the one project comes from. The key itself is never shown.
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

// isAddress reports whether a server can listen at an address, by its form.
func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s, "vsock://"))
	return err == nil && isPort(port) && !redact.HoldsKey(s)
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}
