package exporter

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"browseruse_exporter/internal/redact"
)

// checked is a kingpin.Value whose error names the flag and what is wanted, and
// shows the refused value only as far as it can't be a key.
type checked struct {
	kingpin.Value
	name string
	want string      // such as "true or false"
	ok   func() bool // reports whether the value that was set last is fine; nil: any is
}

func (c *checked) Set(s string) error {
	if c.Value.Set(s) != nil || c.ok != nil && !c.ok() {
		return fmt.Errorf("--%s: %s: want %s", c.name, redact.Quote(s), c.want)
	}
	return nil
}

// IsBoolFlag has kingpin accept --name and --no-name.
func (c *checked) IsBoolFlag() bool {
	value, ok := c.Value.(interface{ IsBoolFlag() bool })
	return ok && value.IsBoolFlag()
}

// IsCumulative has kingpin accept a flag several times.
func (c *checked) IsCumulative() bool {
	value, ok := c.Value.(interface{ IsCumulative() bool })
	return ok && value.IsCumulative()
}

// checkFlag wraps the value of a flag that is defined already.
func checkFlag(app *kingpin.Application, name, want string, ok func() bool) {
	flag := app.GetFlag(name)
	flag.SetValue(&checked{Value: flag.Model().Value, name: name, want: want, ok: ok})
}

// checkBoolFlags says of the flags that are on or off which values they take.
func checkBoolFlags(app *kingpin.Application) {
	for _, flag := range app.Model().Flags {
		if flag.IsBoolFlag() {
			checkFlag(app, flag.Name, "true or false", nil)
		}
	}
}

// kingpinError is an error of kingpin about an argument, which it quotes.
var kingpinError = regexp.MustCompile(`(?s)^(unexpected|unknown (?:long|short) flag|expected argument for flag|failed to (?:open|read) arguments (?:file|from)) (.*)$`)

// explainKingpin returns an error of kingpin as it may be shown. Those of a flag's
// value are of checked, and fine.
func explainKingpin(err error) error {
	match := kingpinError.FindStringSubmatch(err.Error())
	if match == nil {
		return err
	}
	what, value := match[1], strings.Trim(match[2], "'")
	if path, ok := strings.CutPrefix(value, `"`); ok {
		value, _, _ = strings.Cut(path, `"`) // why it can't be read follows
	}
	return fmt.Errorf("%s %s; --help lists the flags", what, redact.Quote(value))
}

// serviceVariable matches a variable that Kubernetes sets in a container beside a
// service that is called like the exporter.
var serviceVariable = regexp.MustCompile(`^\w+?_(SERVICE_(HOST|PORT\w*)=|PORT(_\d+_(TCP|UDP|SCTP))?=\w+://|PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)=)`)

// checkEnvironment refuses variables that look like those of flags but are not:
// a mistyped one would be ignored in silence.
func checkEnvironment(app *kingpin.Application) error {
	prefix := strings.ToUpper(app.Name) + "_"
	known := map[string]bool{}
	for _, flag := range app.Model().Flags {
		known[flag.Envar] = true
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, prefix) || known[name] || serviceVariable.MatchString(variable) {
			continue
		}
		hint := "--help shows that of each flag"
		rest, negated := strings.CutPrefix(name[len(prefix):], "NO_")
		for _, flag := range app.Model().Flags {
			likely := strings.TrimPrefix(flag.Envar, prefix)
			if flag.Hidden || likely == "" || !strings.HasPrefix(rest, likely) && !strings.HasPrefix(likely, rest) {
				continue
			}
			hint = "did you mean " + flag.Envar
			if negated {
				hint += "=false"
			}
			hint += "?"
		}
		return fmt.Errorf("the environment's %s: no flag has this variable; %s", redact.Value(name), hint)
	}
	return nil
}
