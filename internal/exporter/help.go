package exporter

import (
	"strings"
	"text/template"

	"github.com/alecthomas/kingpin/v2"
)

// helpTemplate shows the flags by what they are about. It says once what is so
// of each flag's environment variable.
const helpTemplate = `usage: {{.App.Name}} [<flags>]

{{.App.Help | Wrap 0}}{{range .Context.Flags | byTopic}}
{{.Title}}:
{{.Flags | FlagsToTwoColumns | FormatTwoColumns}}{{end}}
{{"Each flag has an environment variable, its name in capitals with _ for . and -: BROWSERUSE_EXPORTER_API_TIMEOUT=10s is --api.timeout=10s. The values of a flag that may be repeated stand on a line each." | Wrap 0}}
Examples:
  browseruse_exporter --demo
  BROWSER_USE_API_KEY=bu_... browseruse_exporter
  browseruse_exporter --api.key-file=/run/secrets/browser-use --session.file=sessions.txt
  BROWSER_USE_API_KEY=bu_... browseruse_exporter --once
`

var helpFuncs = template.FuncMap{"byTopic": byTopic}

// topic is a group of flags in the help.
type topic struct {
	Title string
	Flags []*kingpin.FlagModel
}

// byTopic groups the flags by the first part of their names, and adds to each
// what it is if it is not given.
func byTopic(flags []*kingpin.FlagModel) []*topic {
	titles := []struct{ prefix, title string }{
		{"api.", "The API"},
		{"session.", "Which sessions"},
		{"collector.", "What else"},
		{"scrape.", "Scrapes"},
		{"web.", "The web server"},
		{"log.", "The log"},
		{"", "Other ways to run"},
	}
	topics := make([]*topic, len(titles))
	for i := range titles {
		topics[i] = &topic{Title: titles[i].title}
	}
	for _, flag := range flags {
		for i := range titles {
			if strings.HasPrefix(flag.Name, titles[i].prefix) {
				topics[i].Flags = append(topics[i].Flags, described(flag))
				break
			}
		}
	}
	return topics
}

// described is a flag whose help tells its default, and not its variable.
func described(flag *kingpin.FlagModel) *kingpin.FlagModel {
	shown := *flag
	shown.Envar = ""
	switch {
	case len(flag.Default) == 0 || flag.Default[0] == "false":
	case flag.Default[0] == "true":
		shown.Help += " Default: on."
	default:
		shown.Help += " Default: " + flag.Default[0] + "."
	}
	return &shown
}
