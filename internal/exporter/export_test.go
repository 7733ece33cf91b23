package exporter

import (
	"github.com/alecthomas/kingpin/v2"

	"browseruse_exporter/web/statuspage"
)

// Settings are those that the status page shows.
func Settings(c *Config) []statuspage.Setting { return c.settings(&c.projectConfig) }

// ConfigInterval is how often the configuration file is read.
const ConfigInterval = configInterval

// ProjectFlags are the flags of one project.
func ProjectFlags() []*kingpin.FlagModel { return new(projectConfig).newFlags().Model().Flags }

// ParseConfigFile returns the names of the projects of a configuration file.
func ParseConfigFile(content []byte) (names []string, err error) {
	c, err := ParseFlags([]string{"--demo"}, nil)
	if err != nil {
		return nil, err
	}
	projects, err := (&configParser{defaults: c.projectConfig, dir: "/etc"}).parse(content)
	for _, p := range projects {
		names = append(names, p.name)
	}
	return names, err
}

// BuildVersion is the version of a build that was linked without one.
var BuildVersion = buildVersion
