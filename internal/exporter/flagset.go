package exporter

import (
	"fmt"
	"strconv"

	"github.com/alecthomas/kingpin/v2"
)

// flagSet defines flags whose errors say which flag is meant: kingpin's own
// values do not.
type flagSet struct{ app *kingpin.Application }

// value defines a flag; the help shows its placeholder as its value.
func (f flagSet) value(name, placeholder, help string, set func(string) error) *kingpin.FlagClause {
	clause := f.app.Flag(name, help).PlaceHolder(placeholder)
	clause.SetValue(&flagValue{name: name, set: set})
	return clause
}

// values defines a flag that may be repeated; set is called with each value.
func (f flagSet) values(name, placeholder, help string, set func(string) error) *kingpin.FlagClause {
	clause := f.app.Flag(name, help).PlaceHolder(placeholder)
	clause.SetValue(&flagValue{name: name, set: set, repeats: true})
	return clause
}

// toggle defines a flag that is given as --name or --no-name.
func (f flagSet) toggle(name, help string, set func(string) error) *kingpin.FlagClause {
	clause := f.app.Flag(name, help)
	clause.SetValue(&toggleValue{flagValue{name: name, set: set}})
	return clause
}

// toggleDefault defines one that has a value where it is not given.
func (f flagSet) toggleDefault(name, help string, target *bool, value bool) {
	f.toggle(name, help, boolValue(func(b bool) { *target = b })).Default(strconv.FormatBool(value))
}

// flagValue is a kingpin.Value.
type flagValue struct {
	name    string
	set     func(string) error
	text    string // as it was given
	repeats bool
}

func (v *flagValue) Set(s string) error {
	if err := v.set(s); err != nil {
		return fmt.Errorf("--%s: %w", v.name, err)
	}
	if v.repeats && v.text != "" {
		s = v.text + ", " + s
	}
	v.text = s
	return nil
}

func (v *flagValue) String() string { return v.text }

// IsCumulative lets kingpin accept a flag several times.
func (v *flagValue) IsCumulative() bool { return v.repeats }

// toggleValue is the value of a flag that is given as --name or --no-name.
type toggleValue struct{ flagValue }

func (*toggleValue) IsBoolFlag() bool { return true }
