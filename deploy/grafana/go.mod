// The dashboard as code. It is a module of its own, so that the exporter's
// stays lean.
module browseruse_exporter/deploy/grafana

go 1.26.0

require github.com/grafana/grafana-foundation-sdk/go v0.0.22
