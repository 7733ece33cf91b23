package exporter

// Settings are those that the status page shows.
var Settings = (*Config).settings
