package exporter

import (
	"fmt"
	"strconv"
	"strings"

	"browseruse_exporter/web/statuspage"
)

// settings returns the configuration in force, for the status page. Of the key
// it tells the source alone.
func (c *Config) settings() []statuspage.Setting {
	api, key := c.APIURL, "key from: environment"
	if c.keyFile != "" {
		key = "key from: file"
	}
	if c.demo {
		api, key = "simulated (--demo)", "no key needed"
	}
	return []statuspage.Setting{
		{Flag: "api.url", Value: api},
		{Flag: "api.allow-http", Value: strconv.FormatBool(c.allowHTTP)},
		{Flag: "api.key-file", Value: key},
		{Flag: "api.timeout", Value: c.timeout.String()},
		{Flag: "api.concurrency", Value: strconv.Itoa(c.concurrency)},
		{Flag: "api.rate-limit", Value: strconv.FormatFloat(c.rateLimit, 'g', -1, 64)},
		{Flag: "session.id", Value: fmt.Sprintf("%d given", len(c.sessionIDs))},
		{Flag: "session.file", Value: orNone(c.sessionFile)},
		{Flag: "session.discover", Value: strconv.FormatBool(c.discover)},
		{Flag: "session.linger", Value: c.linger.String()},
		{Flag: "session.settle", Value: c.settle.String()},
		{Flag: "session.metadata-label", Value: orNone(strings.Join(c.metadata, ", "))},
		{Flag: "session.metadata-max-length", Value: strconv.Itoa(c.metadataMax)},
		{Flag: "collector.account", Value: strconv.FormatBool(c.account)},
		{Flag: "scrape.timeout", Value: c.deadline.Default.String()},
		{Flag: "scrape.timeout-offset", Value: c.deadline.Offset.String()},
		{Flag: "scrape.max-age", Value: c.maxAge.String()},
		{Flag: "web.listen-address", Value: strings.Join(*c.web.WebListenAddresses, ", ")},
		{Flag: "web.config.file", Value: orNone(*c.web.WebConfigFile)},
		{Flag: "web.systemd-socket", Value: strconv.FormatBool(*c.web.WebSystemdSocket)},
		{Flag: "web.telemetry-path", Value: c.telemetry},
		{Flag: "web.enable-pprof", Value: strconv.FormatBool(c.pprof)},
		{Flag: "log.level", Value: c.logLevel},
		{Flag: "log.format", Value: c.logFormat},
		{Flag: "demo", Value: strconv.FormatBool(c.demo)},
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
