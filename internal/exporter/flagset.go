package exporter

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"

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
	if c.Value.Set(inGo(c.Value, s)) != nil || c.ok != nil && !c.ok() {
		return fmt.Errorf("--%s: %s: want %s", c.name, redact.Quote(s), c.want)
	}
	return nil
}

// inGo returns a duration of Prometheus, such as 1d, as time.ParseDuration reads
// it, and any other value as it is.
func inGo(value kingpin.Value, s string) string {
	if getter, ok := value.(kingpin.Getter); ok {
		if _, ok := getter.Get().(time.Duration); ok {
			if d, err := model.ParseDuration(s); err == nil {
				return time.Duration(d).String()
			}
		}
	}
	return s
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
func explainKingpin(app *kingpin.Application, err error) error {
	match := kingpinError.FindStringSubmatch(err.Error())
	if match == nil {
		return err
	}
	what, value := match[1], strings.Trim(match[2], "'")
	if path, ok := strings.CutPrefix(value, `"`); ok {
		value, _, _ = strings.Cut(path, `"`) // why it can't be read follows
	}
	hint := "--help lists the flags"
	if likely := likelyFlag(app, value); likely != nil && what == "unknown long flag" {
		hint = "did you mean --" + likely.Name + "?"
	}
	return fmt.Errorf("%s %s; %s", what, redact.Quote(value), hint)
}

// likelyFlag returns the flag that a mistyped flag or variable may mean, or nil: the
// one with the fewest other letters, if these are few or only lack at an end.
func likelyFlag(app *kingpin.Application, typed string) (likely *kingpin.FlagModel) {
	plain := func(name string) string {
		name = strings.Trim(strings.ToLower(strings.NewReplacer("_", ".", "-", ".").Replace(name)), ".")
		return strings.TrimPrefix(name, "no.")
	}
	const few = 2
	fewest := math.MaxInt
	typed = plain(typed)
	for _, flag := range app.Model().Flags {
		name := plain(flag.Name)
		distance := editDistance(typed, name)
		isPart := strings.HasPrefix(name, typed) || strings.HasPrefix(typed, name)
		if !flag.Hidden && typed != "" && distance < fewest && (distance <= few || isPart) {
			likely, fewest = flag, distance
		}
	}
	return likely
}

// editDistance returns how many letters differ: to put in, take out or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1) // from the part of a that was seen to each part of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// flagError matches an error that begins with the flag that is to blame.
var flagError = regexp.MustCompile(`^--(?:no-)?([a-z0-9.-]+): `)

// blameVariable adds to an error of a flag the variable that set the flag, if none of
// the arguments did.
func blameVariable(app *kingpin.Application, args []string, err error) error {
	match := flagError.FindStringSubmatch(err.Error())
	if match == nil {
		return err
	}
	flag := app.GetFlag(match[1])
	if flag == nil || !flag.HasEnvarValue() {
		return err
	}
	parsed, _ := app.ParseContext(args)
	for _, element := range parsed.Elements {
		if element.Clause == flag {
			return err
		}
	}
	return fmt.Errorf("the environment's %s: %w", flag.Model().Envar, err)
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
		if likely := likelyFlag(app, name[len(prefix):]); likely != nil && likely.Envar != "" {
			hint = "did you mean " + likely.Envar
			if strings.HasPrefix(name, prefix+"NO_") {
				hint += "=false"
			}
			hint += "?"
		}
		return fmt.Errorf("the environment's %s: no flag has this variable; %s", redact.Value(name), hint)
	}
	return nil
}
