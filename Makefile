# The commands that one types. What each does is one line, so that it can be
# typed without make, too.

GOLANGCI_LINT ?= go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION      ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
VERSION_PKG   := github.com/prometheus/common/version

.PHONY: build test race lint golden promtool bench browser picture fuzz soak dashboard demo ci

build: ## A static binary
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X $(VERSION_PKG).Version=$(VERSION) -X $(VERSION_PKG).Revision=$(REVISION)" -o browseruse_exporter .

test: ## All tests
	go test ./...

race: ## All tests under the race detector
	go test -race ./...

lint: ## The linters, at the version that CI has
	$(GOLANGCI_LINT) run

golden: ## Rewrite the golden files; read the diff
	go test . ./web ./web/statuspage -update

promtool: ## What promtool says of the golden files
	.ci/promtool

bench: ## The benchmarks, to compare with benchstat
	go test -run '^$$' -bench . -benchmem ./...

browser: ## The status page in a real Chromium
	cd web/browsertest && go test .

picture: ## The README's picture of the status page
	cd web/browsertest && go test -run TestPicture . -args -picture ../../docs/status-page.png

fuzz: ## Each fuzz target for a short while
	.ci/fuzz 10000x

soak: ## The built exporter through a bad time, for half an hour
	go run ./soak -duration 30m

dashboard: ## The Grafana dashboard, from its code
	cd deploy/grafana && go run .

demo: ## The exporter over a simulated project
	go run . --demo

ci: ## What CI runs
	.ci/run
