package exporter

// Settings are those that the status page shows.
var Settings = (*Config).settings

// BuildVersion is the version of a build that was linked without one.
var BuildVersion = buildVersion
