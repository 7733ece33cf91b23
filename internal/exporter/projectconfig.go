package exporter

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/kingpin/v2"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/internal/redact"
)

// projectConfig is the configuration of one project.
type projectConfig struct {
	name          string // "" without a configuration file
	APIURL        string // base URL of the API
	allowHTTP     bool
	keyFile       string
	timeout       time.Duration
	concurrency   int
	rateLimit     float64
	sessionIDs    []string
	sessionFile   string
	discover      bool
	discoverGiven bool // discover was set, so that nothing else decides it
	shortLived    bool
	minAge        time.Duration
	minCost       float64
	linger        time.Duration
	settle        time.Duration
	metadata      []string
	metadataMax   int
	account       bool
	agents        bool
	maxAge        time.Duration
}

// newFlags returns the flags of a project alone, which set p.
func (p *projectConfig) newFlags() *kingpin.Application {
	app := kingpin.New("", "")
	p.defineFlags(app)
	p.defineMaxAge(app)
	p.checkFlags(app)
	checkBoolFlags(app)
	return app
}

// defineFlags declares the flags of a project, in the order in which --help shows them.
func (p *projectConfig) defineFlags(app *kingpin.Application) {
	app.Flag("api.url", "Base URL of the API, such as "+apiclient.EuropeanAPI+" for a project in Europe.").Default(apiclient.DefaultAPI).StringVar(&p.APIURL)
	app.Flag("api.allow-http", "Accept an http:// URL to a host that is not this one, though the key travels in clear.").Default("false").BoolVar(&p.allowHTTP)
	app.Flag("api.key-file", "File with the API key, read again when it changes. Default: the environment's "+keyVariable+".").PlaceHolder("FILE").StringVar(&p.keyFile)
	app.Flag("api.timeout", "Timeout of one request, such as 5s or 500ms.").Default("5s").DurationVar(&p.timeout)
	app.Flag("api.concurrency", "Requests in flight, at most.").Default("16").IntVar(&p.concurrency)
	app.Flag("api.rate-limit", "Requests a second, at most, with a burst of twice as many; 0 turns the limit off. The project has about 25, its production included.").Default("10").Float64Var(&p.rateLimit)
	app.Flag("session.id", "ID of a session to export, such as 5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f; may be repeated.").PlaceHolder("UUID").StringsVar(&p.sessionIDs)
	app.Flag("session.file", "File with session IDs, one a line, # begins a comment; read again when it changes.").PlaceHolder("FILE").StringVar(&p.sessionFile)
	app.Flag("session.discover", "Export every active session of the project, too. Default: on if neither ID nor file is given.").BoolVar(&p.discover)
	app.Flag("session.short-lived", "When discovering, also read the newest stopped sessions, so that one that began and ended between two scrapes is seen.").Default("true").BoolVar(&p.shortLived)
	app.Flag("session.min-age", "Age from which a discovered session has series of its own, unless it has cost --session.min-cost before; 0s: its age gives it none. Both 0: at once.").Default("0s").DurationVar(&p.minAge)
	app.Flag("session.min-cost", "US dollars from which a discovered session has series of its own, unless it is --session.min-age old before; 0: its cost gives it none.").Default("0").Float64Var(&p.minCost)
	app.Flag("session.linger", "How long a discovered session stays exported after it finished.").Default("15m").DurationVar(&p.linger)
	app.Flag("session.settle", "How long after its finish a stopped session is read again now and then, since late metering can change its costs.").Default("15m").DurationVar(&p.settle)
	app.Flag("session.metadata-label", "Key of the sessions' metadata, such as team, to export as label metadata_<key> of browseruse_session_info; may be repeated.").PlaceHolder("KEY").StringsVar(&p.metadata)
	app.Flag("session.metadata-max-length", "Bytes of a metadata value that its label has, at most; 0 turns the limit off. A longer value is cut.").Default("128").IntVar(&p.metadataMax)
	app.Flag("collector.account", "Export the account's credits and limits.").Default("true").BoolVar(&p.account)
	app.Flag("collector.agent-sessions", "Export agent sessions, too: what their LLM cost, and their budgets. The API in Europe does not serve them. On with --demo, unless turned off.").Default("false").BoolVar(&p.agents)
}

// defineMaxAge declares the flag of a project that stands beside those of all scrapes.
func (p *projectConfig) defineMaxAge(app *kingpin.Application) {
	app.Flag("scrape.max-age", "Answer from the last reading if it began at most so long ago, such as 25s for a pair of Prometheus servers that scrape every 30s; 0s: every scrape reads.").Default("0s").DurationVar(&p.maxAge)
}

// What several flags want.
const (
	wantDuration = "a duration such as 500ms, 5s or 1d"
	wantPath     = "the path of a file"
)

// checkFlags says of each flag of a project which values it takes.
func (p *projectConfig) checkFlags(app *kingpin.Application) {
	const maxConcurrency = 100 // four times what a project may ask in a second
	checkFlag(app, "api.timeout", wantDuration, func() bool { return p.timeout > 0 })
	for name, d := range map[string]*time.Duration{
		"session.linger": &p.linger, "session.settle": &p.settle, "session.min-age": &p.minAge, "scrape.max-age": &p.maxAge,
	} {
		checkFlag(app, name, wantDuration, func() bool { return *d >= 0 })
	}
	for name, path := range map[string]*string{"api.key-file": &p.keyFile, "session.file": &p.sessionFile} {
		checkFlag(app, name, wantPath, func() bool { return *path != "" })
	}
	checkFlag(app, "api.concurrency", fmt.Sprintf("a whole number from 1 to %d", maxConcurrency), func() bool { return p.concurrency >= 1 && p.concurrency <= maxConcurrency })
	checkFlag(app, "api.rate-limit", "a number of requests a second, or 0 for no limit", func() bool { return p.rateLimit >= 0 && !math.IsInf(p.rateLimit, 0) })
	checkFlag(app, "session.min-cost", "an amount in US dollars such as 0.05", func() bool { return p.minCost >= 0 && !math.IsInf(p.minCost, 0) })
	checkFlag(app, "session.id", "a UUID such as 5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f", func() (ok bool) {
		last := &p.sessionIDs[len(p.sessionIDs)-1]
		id, err := apiclient.ParseID(*last)
		*last = id
		return err == nil
	})
	checkFlag(app, "session.metadata-label", "a key of the sessions' metadata", func() bool {
		others, last := p.metadata[:len(p.metadata)-1], p.metadata[len(p.metadata)-1]
		if slices.Contains(others, last) {
			p.metadata = others
		}
		return last != "" && !redact.HoldsKey(last)
	})
	checkFlag(app, "session.metadata-max-length", "a whole number of characters, or 0 for no limit", func() bool { return p.metadataMax >= 0 })
}

// check checks the flags that have more to say than what they want, and what flags
// say together. Each of its errors begins with the flag that is to blame.
func (p *projectConfig) check() (err error) {
	if p.APIURL, err = parseAPIURL(p.APIURL); err != nil {
		return fmt.Errorf("--api.url: %w", err)
	}
	if err := collector.CheckMetadataLabels(p.metadata); err != nil {
		return fmt.Errorf("--session.metadata-label: %w", err)
	}
	named := len(p.sessionIDs) > 0 || p.sessionFile != ""
	if !p.discoverGiven {
		p.discover = !named
	}
	switch {
	case !p.discover && !named:
		return errors.New("--no-session.discover: leaves no session to export; give --session.id or --session.file")
	case strings.HasPrefix(p.APIURL, "http:") && !p.allowHTTP && !isLoopback(p.APIURL):
		return errors.New("--api.url: http:// to another host would send the API key in clear; use https://, or --api.allow-http if that is what you want")
	}
	return nil
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
