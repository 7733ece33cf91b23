package exporter

import (
	"cmp"
	"fmt"

	"browseruse_exporter/web/statuspage"
)

// settings returns the configuration in force for a project, for the status page.
// Of the API key, only the source is shown.
func (c *Config) settings(p *projectConfig) []statuspage.Setting {
	ofProject := p.newFlags()
	instead := map[string]string{
		"api.url":          p.APIURL,
		"api.key-file":     "key from: environment",
		"session.id":       fmt.Sprintf("%d given", len(p.sessionIDs)),
		"session.discover": fmt.Sprint(p.discover),
	}
	if p.keyFile != "" {
		instead["api.key-file"] = "key from: file"
	}
	if c.demo {
		instead["api.url"], instead["api.key-file"] = "simulated (--demo)", "no key needed"
	}
	var settings []statuspage.Setting
	for _, flag := range c.app.Model().Flags {
		switch flag.Name {
		case "help", "version", "once", "check-config":
			continue // serves no page
		}
		value := flag.Value
		if of := ofProject.GetFlag(flag.Name); of != nil {
			value = of.Model().Value
		}
		if !flag.Hidden {
			settings = append(settings, statuspage.Setting{Flag: flag.Name, Value: cmp.Or(instead[flag.Name], value.String(), "none")})
		}
	}
	return settings
}
