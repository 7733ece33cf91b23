package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"go.yaml.in/yaml/v3"

	"browseruse_exporter/internal/redact"
)

// projectKeys are the keys of a project in the configuration file, but for its
// name, and the flags whose values they take.
var projectKeys = []struct{ key, flag string }{
	{"api_url", "api.url"},
	{"allow_http", "api.allow-http"},
	{"api_key_file", "api.key-file"},
	{"timeout", "api.timeout"},
	{"concurrency", "api.concurrency"},
	{"rate_limit", "api.rate-limit"},
	{"session_ids", "session.id"},
	{"session_file", "session.file"},
	{"discover", "session.discover"},
	{"short_lived", "session.short-lived"},
	{"min_age", "session.min-age"},
	{"min_cost", "session.min-cost"},
	{"linger", "session.linger"},
	{"settle", "session.settle"},
	{"metadata_labels", "session.metadata-label"},
	{"metadata_max_length", "session.metadata-max-length"},
	{"account", "collector.account"},
	{"agent_sessions", "collector.agent-sessions"},
	{"max_age", "scrape.max-age"},
}

// ProjectKeys returns the flag of each key of a project in the configuration file.
func ProjectKeys() map[string]string {
	flags := map[string]string{}
	for _, k := range projectKeys {
		flags[k.key] = k.flag
	}
	return flags
}

var projectName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// fileProject is a project of the configuration file.
type fileProject struct {
	projectConfig
	line  int            // where it begins
	lines map[string]int // where its values are, by their flags
}

// configParser reads configuration files.
type configParser struct {
	defaults projectConfig
	dir      string // that relative paths in the file begin at
	keyless  bool   // no project needs an API key
}

// parse returns the projects in the file's order. An error names the line.
func (c *configParser) parse(content []byte) ([]*fileProject, error) {
	root, err := parseYAML(content)
	if err != nil {
		return nil, err
	}
	var projects []*fileProject
	err = eachEntry(root, "the file", []string{"projects"}, func(_ string, list *yaml.Node) error {
		return eachItem(list, "projects", func(node *yaml.Node) error {
			p, err := c.parseProject(node)
			if err != nil {
				return err
			}
			same := slices.IndexFunc(projects, func(other *fileProject) bool { return other.name == p.name })
			if same >= 0 {
				return lineErrorf(p.lines[nameKey], "%s: the project of line %d has this name already; want another one", nameKey, projects[same].line)
			}
			projects = append(projects, p)
			return nil
		})
	})
	if err == nil && len(projects) == 0 {
		return nil, lineErrorf(root.Line, "holds no project; want a list of them below the key projects")
	}
	return projects, err
}

// nameKey is the one key of a project that is no flag.
const nameKey = "name"

func (c *configParser) parseProject(node *yaml.Node) (*fileProject, error) {
	p := &fileProject{projectConfig: c.defaults, line: node.Line, lines: map[string]int{}}
	app, flags := p.newFlags(), ProjectKeys()
	keys := make([]string, 1+len(projectKeys))
	keys[0] = nameKey
	for i, k := range projectKeys {
		keys[1+i] = k.key
	}
	err := eachEntry(node, "a project", keys, func(key string, value *yaml.Node) error {
		if key == nameKey {
			p.name, p.lines[nameKey] = scalar(value), value.Line
			return nil
		}
		return p.set(app, key, flags[key], value)
	})
	if err != nil {
		return nil, err
	}
	for _, path := range []*string{&p.keyFile, &p.sessionFile} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(c.dir, *path)
		}
	}
	switch name, line := p.name, max(p.line, p.lines[nameKey]); {
	case name == "":
		return nil, lineErrorf(line, "a project without a name; want letters, digits, _ and -, such as shop-eu")
	case !projectName.MatchString(name) || redact.HoldsKey(name):
		return nil, lineErrorf(line, "name: %s: want letters, digits, _ and -, such as shop-eu", redact.Quote(name))
	case p.keyFile == "" && !c.keyless:
		return nil, lineErrorf(p.line, "the project %s has no api_key_file; want the path of the file with its API key", name)
	}
	return p, p.blame(p.check())
}

// set gives a flag of the project the value of a key.
func (p *fileProject) set(app *kingpin.Application, key, flag string, node *yaml.Node) error {
	value := app.GetFlag(flag).Model().Value
	setOne := func(node *yaml.Node) error {
		if node.Kind != yaml.ScalarNode {
			return lineErrorf(node.Line, "%s: want one value, no list and no mapping", key)
		}
		p.lines[flag] = node.Line
		return p.blame(value.Set(scalar(node)))
	}
	switch flag {
	case "session.discover":
		p.discoverGiven = true
	case "session.id":
		return eachItem(node, key, setOne)
	case "session.metadata-label":
		p.metadata = nil // they replace those that flags give
		return eachItem(node, key, setOne)
	}
	return setOne(node)
}

// blame says of an error that begins with a flag which line of the file is to
// blame, and calls flags by their keys.
func (p *fileProject) blame(err error) error {
	if err == nil {
		return nil
	}
	names := make([]string, 0, 4*len(projectKeys))
	for _, k := range projectKeys {
		names = append(names, "--no-"+k.flag, k.key, "--"+k.flag, k.key)
	}
	flag, _, _ := strings.Cut(err.Error(), ":")
	line := p.lines[strings.TrimPrefix(strings.TrimPrefix(flag, "--"), "no-")]
	return lineErrorf(max(line, p.line), "%s", strings.NewReplacer(names...).Replace(err.Error()))
}

// parseYAML returns the content of the one document that there is.
func parseYAML(content []byte) (*yaml.Node, error) {
	var document, another yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return &yaml.Node{Kind: yaml.MappingNode, Line: 1}, nil
	}
	if err == nil {
		if err = decoder.Decode(&another); errors.Is(err, io.EOF) {
			return document.Content[0], nil
		}
	}
	if err == nil {
		return nil, lineErrorf(another.Line, "a second document; want one")
	}
	text := quoted.ReplaceAllString(redact.Error(err).Error(), "(not shown)")
	return nil, errors.New(strings.TrimPrefix(text, "yaml: "))
}

// quoted matches what an error of YAML quotes of the file, but not the single characters
// that it expects there.
var quoted = regexp.MustCompile(`'[^']{2,}'`)

// eachEntry calls each with the entries of a mapping. Its keys are some of those
// given, each once.
func eachEntry(node *yaml.Node, what string, keys []string, each func(key string, value *yaml.Node) error) error {
	node = resolved(node)
	if node.Kind != yaml.MappingNode {
		return lineErrorf(node.Line, "%s: want a mapping with the keys %s", what, strings.Join(keys, ", "))
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		switch line, double := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode || !slices.Contains(keys, key.Value):
			return lineErrorf(key.Line, "%s: no key of %s; want %s", redact.Quote(key.Value), what, strings.Join(keys, ", "))
		case double:
			return lineErrorf(key.Line, "%s: stands in line %d, too; want it once", key.Value, line)
		}
		seen[key.Value] = key.Line
		if err := each(key.Value, resolved(node.Content[i+1])); err != nil {
			return err
		}
	}
	return nil
}

// eachItem calls each with the items of a list.
func eachItem(node *yaml.Node, what string, each func(*yaml.Node) error) error {
	if node.Kind != yaml.SequenceNode {
		return lineErrorf(node.Line, "%s: want a list", what)
	}
	for _, item := range node.Content {
		if err := each(resolved(item)); err != nil {
			return err
		}
	}
	return nil
}

// resolved returns the node that an alias stands for, in the alias's line.
func resolved(node *yaml.Node) *yaml.Node {
	if node.Kind != yaml.AliasNode {
		return node
	}
	aliased := *node.Alias
	aliased.Line = node.Line
	return &aliased
}

// scalar returns a value as it is written; nothing is "".
func scalar(node *yaml.Node) string {
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
		return ""
	}
	return node.Value
}

func lineErrorf(line int, format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{line}, args...)...)
}
