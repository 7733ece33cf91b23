package bench_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter/exportertest"
)

// BenchmarkProcess measures the built binary: how large it is, how soon it is
// ready, and what memory it has when it waits, and at its peak when it is
// scraped over and over with 10,000 sessions, with compression and without. One round of it is enough:
//
//	go test -run '^$' -bench Process -benchtime 1x ./bench
func BenchmarkProcess(b *testing.B) {
	const (
		starts   = 21
		scrapes  = 20
		sessions = 10000
	)
	binary := buildExporter(b)
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	url := startBenchAPI(b, sessions, 0)

	for b.Loop() {
		ready := make([]time.Duration, 0, starts)
		var waiting float64
		for range starts {
			process := startProcess(b, binary, url)
			ready = append(ready, process.ready)
			waiting = max(waiting, process.memory(b, "VmRSS"))
			process.stop(b)
		}
		slices.Sort(ready)

		for _, encoding := range []string{"gzip", "identity"} {
			process := startProcess(b, binary, url)
			for range scrapes {
				body, err := scrapeAs(http.DefaultClient, "http://"+process.address, encoding)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, body)
				_ = body.Close()
			}
			b.ReportMetric(process.memory(b, "VmHWM"), "peak-MiB-"+encoding)
			process.stop(b)
		}

		b.ReportMetric(float64(info.Size())/(1<<20), "binary-MiB")
		b.ReportMetric(float64(ready[starts/2].Microseconds())/1000, "ready-ms")
		b.ReportMetric(waiting, "waiting-MiB")
		b.ReportMetric(0, "ns/op") // of no meaning here
	}
}

// buildExporter returns the path of the binary as it is released.
func buildExporter(b *testing.B) string {
	b.Helper()
	binary := filepath.Join(b.TempDir(), "browseruse_exporter")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	return binary
}

// process is a running exporter.
type process struct {
	command *exec.Cmd
	address string
	ready   time.Duration // from its start until it answered
}

// startProcess starts an exporter of one project.
func startProcess(b *testing.B, binary, url string) *process {
	b.Helper()
	return startProcessWith(b, binary, exportertest.Key, "--api.url="+url, "--no-collector.account", "--api.rate-limit=0", "--scrape.timeout=60s")
}

func startProcessWith(b *testing.B, binary, key string, args ...string) *process {
	b.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	p := &process{address: free.Addr().String()}
	_ = free.Close()
	p.command = exec.Command(binary, append(args, "--web.listen-address="+p.address)...)
	p.command.Env = append(os.Environ(), exportertest.KeyVariable+"="+key)
	start := time.Now()
	if err := p.command.Start(); err != nil {
		b.Fatal(err)
	}
	for {
		response, err := http.Get("http://" + p.address + "/-/ready")
		if err == nil {
			p.ready = time.Since(start)
			_ = response.Body.Close()
			return p
		}
		if time.Since(start) > 10*time.Second {
			b.Fatal("it does not get ready")
		}
	}
}

func (p *process) stop(b *testing.B) {
	b.Helper()
	_ = p.command.Process.Signal(syscall.SIGTERM)
	if err := p.command.Wait(); err != nil {
		b.Fatal(err)
	}
}

// memory returns what the kernel says of the process, in MiB.
func (p *process) memory(b *testing.B, field string) float64 {
	b.Helper()
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		b.Skip(err)
	}
	defer func() { _ = status.Close() }()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), field+":"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib / 1024
		}
	}
	b.Fatalf("the kernel says nothing of %s", field)
	return 0
}
