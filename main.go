// Browseruse_exporter is a Prometheus exporter for the browser sessions of
// Browser Use Cloud.
package main

import (
	"os"

	"browseruse_exporter/internal/exporter"
)

func main() { os.Exit(exporter.Run(os.Args[1:], os.Stdout, os.Stderr)) }
