package bench_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
)

// BenchmarkProjects measures the built binary while 200 projects of 50 active
// sessions each are scraped every 30 seconds, for two minutes after half a minute
// that does not count. One round of it is enough:
//
//	go test -run '^$' -bench Projects -benchtime 1x ./bench
func BenchmarkProjects(b *testing.B) {
	const (
		projects = 200
		sessions = 50
		interval = 30 * time.Second
		rounds   = 4
	)
	url := startBenchAPI(b, sessions, 50*time.Millisecond)
	dir, config := b.TempDir(), "projects:\n"
	for n := range projects {
		config += fmt.Sprintf("  - {name: project-%d, api_url: '%s', api_key_file: key}\n", n, url)
	}
	for name, text := range map[string]string{"key": exportertest.Key, "projects.yml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		process := startProcessWith(b, buildExporter(b), "", "--config.file="+filepath.Join(dir, "projects.yml"))
		ticks := time.NewTicker(interval / projects)
		var took []time.Duration
		round := func() {
			for n := range projects {
				<-ticks.C
				start := time.Now()
				if text := process.get(b, fmt.Sprintf("/probe?project=project-%d", n)); strings.Count(text, "\nbrowseruse_session_active{") != sessions {
					b.Fatalf("a scrape has %.200s", text)
				}
				took = append(took, time.Since(start))
			}
		}
		round()
		took = nil
		before, start := process.metric(b, "process_cpu_seconds_total"), time.Now()
		for range rounds {
			round()
		}
		ticks.Stop()
		cpu := (process.metric(b, "process_cpu_seconds_total") - before) / time.Since(start).Seconds()
		slices.Sort(took)
		requests := 0.0
		for _, match := range regexp.MustCompile(`(?m)^browseruse_api_requests_total\{.*\} (\S+)$`).FindAllStringSubmatch(process.get(b, "/probe?project=project-0"), -1) {
			count, _ := strconv.ParseFloat(match[1], 64)
			requests += count
		}
		b.ReportMetric(100*cpu, "cpu-%")
		b.ReportMetric(process.memory(b, "VmRSS"), "MiB")
		b.ReportMetric(process.memory(b, "VmHWM"), "peak-MiB")
		b.ReportMetric(process.metric(b, "process_open_fds"), "open-files")
		b.ReportMetric(process.metric(b, "go_goroutines"), "goroutines")
		b.ReportMetric(requests/(rounds+2), "requests/scrape")
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(0, "ns/op") // of no meaning here
		process.stop(b)
	}
}

// get returns what a path answers.
func (p *process) get(b *testing.B, path string) string {
	b.Helper()
	response, err := http.Get("http://" + p.address + path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return string(body)
}

// metric returns one of those about the process itself.
func (p *process) metric(b *testing.B, name string) float64 {
	b.Helper()
	match := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(p.get(b, "/metrics"))
	if match == nil {
		b.Fatalf("no %s", name)
	}
	value, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		b.Fatal(err)
	}
	return value
}
