package exporter

import "browseruse_exporter/web/statuspage"

// Settings are those that the status page shows.
func Settings(c *Config) []statuspage.Setting { return c.settings(&c.projectConfig) }
