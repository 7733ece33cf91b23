package exporter

import (
	"fmt"
	"net/http"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/collector"
	"browseruse_exporter/reloadfile"
	"browseruse_exporter/web/statuspage"
)

// project is one project while it is exported: its collector, and what that needs.
type project struct {
	config    projectConfig
	settings  []statuspage.Setting // the flags that are in force
	collector *collector.Collector
	reloads   []func() // each reads a file again
	close     func()   // cancels the reading under way, and closes the connections
}

// newProject returns the project that config describes.
func (c *Config) newProject(config projectConfig, logger log.Logger, transport http.RoundTripper) (p *project, err error) {
	p = &project{config: config, settings: c.settings(&config)}
	if config.name != "" {
		logger = log.With(logger, "project", config.name)
	}
	client := apiclient.Options{
		BaseURL:       config.APIURL,
		Timeout:       config.timeout,
		Concurrency:   config.concurrency,
		RateLimit:     config.rateLimit,
		MetadataKeys:  config.metadata,
		AgentSessions: config.agents,
		UserAgent:     programName + "/" + version.Version,
		Transport:     transport,
	}
	var keyFile func() reloadfile.Status
	if !c.demo {
		if client.Key, keyFile, err = p.newKey(c.keyFromEnv, logger); err != nil {
			return nil, fmt.Errorf("--api.key-file: %w", err)
		}
	}
	var sessionFile *collector.SessionFile
	if config.sessionFile != "" {
		if sessionFile, err = collector.OpenSessionFile(config.sessionFile, logger, time.Now); err != nil {
			return nil, fmt.Errorf("--session.file: %w", err)
		}
		p.reloads = append(p.reloads, func() { sessionFile.Reload() })
	}
	endDemo := func() {}
	if c.demo {
		endDemo = startDemo(config.name, &client)
	}
	api := apiclient.New(client)
	p.collector = collector.New(collector.Options{
		Client:            api,
		Discover:          config.discover,
		ShortLived:        config.shortLived,
		Linger:            config.linger,
		Settle:            config.settle,
		MinAge:            config.minAge,
		MinCost:           config.minCost,
		MetadataMaxLength: config.metadataMax,
		MaxAge:            config.maxAge,
		SessionIDs:        config.sessionIDs,
		SessionFile:       sessionFile,
		KeyFile:           keyFile,
		Account:           config.account,
		Timeout:           c.deadline.Default,
		Logger:            logger,
	})
	p.close = func() {
		p.collector.Close()
		api.CloseIdleConnections()
		endDemo()
	}
	return p, nil
}

// newKey returns where the client gets its key from, and, if that is a file, how the file
// was found when the key was read last.
func (p *project) newKey(fromEnv string, logger log.Logger) (func() string, func() reloadfile.Status, error) {
	if p.config.keyFile == "" {
		key, err := apiclient.ParseKey([]byte(fromEnv))
		if err != nil {
			return nil, nil, fmt.Errorf("not given, and the environment's %s %w", keyVariable, err)
		}
		return func() string { return key }, nil, nil
	}
	file, err := reloadfile.Open(p.config.keyFile, apiclient.ParseKey, func(state reloadfile.State[string]) {
		if state.Err != nil {
			_ = level.Error(logger).Log("msg", "Key file is bad, the last good key stays in force", "err", state.Err)
			return
		}
		_ = level.Info(logger).Log("msg", "Key file loaded again")
	}, time.Now)
	if err != nil {
		return nil, nil, err
	}
	p.reloads = append(p.reloads, func() { file.Reload() })
	return func() string { return file.Load().Value }, func() reloadfile.Status { return file.State().Status }, nil
}
