package exporter

import (
	"cmp"
	"fmt"

	"browseruse_exporter/web/statuspage"
)

// settings returns the configuration in force, for the status page. Of the API
// key, only the source is shown.
func (c *Config) settings() []statuspage.Setting {
	instead := map[string]string{
		"api.url":          c.APIURL,
		"api.key-file":     "key from: environment",
		"session.id":       fmt.Sprintf("%d given", len(c.sessionIDs)),
		"session.discover": fmt.Sprint(c.discover),
	}
	if c.keyFile != "" {
		instead["api.key-file"] = "key from: file"
	}
	if c.demo {
		instead["api.url"], instead["api.key-file"] = "simulated (--demo)", "no key needed"
	}
	var settings []statuspage.Setting
	for _, flag := range c.app.Model().Flags {
		if flag.Hidden || flag.Name == "help" || flag.Name == "version" || flag.Name == "once" {
			continue // serves no page
		}
		value := cmp.Or(instead[flag.Name], flag.Value.String(), "none")
		settings = append(settings, statuspage.Setting{Flag: flag.Name, Value: value})
	}
	return settings
}
