package deploy

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// patience is how long a test waits for what must come, on a slow machine.
const patience = time.Minute

// program finds an installed program under one of its names. Without it the
// test is skipped, but in CI, which has to install it.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", names[0])
	}
	t.Skipf("%s is not installed", names[0])
	return ""
}

// exporter is the built binary.
var exporter string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "browseruse_exporter")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		exporter = filepath.Join(dir, "browseruse_exporter")
		build := exec.Command("go", "build", "-o", exporter, ".")
		build.Dir = ".."
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			panic("build the exporter: " + err.Error())
		}
		return m.Run()
	}())
}

// startExporter starts the exporter and returns its address.
func startExporter(t *testing.T, args ...string) string {
	t.Helper()
	address := freeAddress(t)
	start(t, address+"/-/ready", exporter, append(args, "--web.listen-address="+address)...)
	return address
}

// startPrometheus starts a Prometheus at an address with a configuration.
func startPrometheus(t *testing.T, address, config string) promv1.API {
	t.Helper()
	start(t, address+"/-/ready", program(t, "prometheus"),
		"--config.file="+config,
		"--storage.tsdb.path="+t.TempDir(),
		"--web.listen-address="+address,
	)
	client, err := promapi.NewClient(promapi.Config{Address: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	return promv1.NewAPI(client)
}

// startAlertmanager starts an Alertmanager with a configuration and returns its
// address.
func startAlertmanager(t *testing.T, config string) string {
	t.Helper()
	address := freeAddress(t)
	start(t, address+"/-/ready", program(t, "alertmanager", "prometheus-alertmanager"),
		"--config.file="+config,
		"--storage.path="+t.TempDir(),
		"--web.listen-address="+address,
		"--cluster.listen-address=",
	)
	return address
}

// start runs a program until the test ends, when it has to stop well at a
// SIGTERM. It waits until it is ready. What it printed is shown if the test failed.
func start(t *testing.T, ready, name string, args ...string) {
	t.Helper()
	output, err := os.Create(filepath.Join(t.TempDir(), filepath.Base(name)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(name, args...)
	command.Stdout, command.Stderr = output, output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s at a SIGTERM: %v", name, err)
			}
		case <-time.After(patience):
			_ = command.Process.Kill()
			t.Errorf("%s did not end at a SIGTERM", name)
		}
		if text, _ := os.ReadFile(output.Name()); t.Failed() {
			t.Logf("%s printed:\n%s", name, text)
		}
	})
	eventually(t, name+" to be ready", func() bool {
		response, err := http.Get("http://" + ready)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// freeAddress is one on loopback that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// adapted is a shipped configuration with some of its words replaced, such as
// addresses by those of this test: all of what is shipped is used but them.
func adapted(t *testing.T, path string, replacements map[string]string) string {
	t.Helper()
	shipped, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(shipped)
	for from, to := range replacements {
		if !strings.Contains(text, from) {
			t.Fatalf("%s has no %q any more", path, from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	return write(t, filepath.Base(path), text)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// prometheusConfig is the shipped configuration with another pace and with the
// addresses of this test.
func prometheusConfig(t *testing.T, self, exporter, alertmanager string) string {
	t.Helper()
	return adapted(t, "prometheus/prometheus.yml", map[string]string{
		"_interval: 30s":      "_interval: 1s",
		"scrape_timeout: 10s": "scrape_timeout: 1s",
		"- rules.yml":         "- " + rulesPath(t),
		"localhost:9090":      self,
		"localhost:9093":      alertmanager,
		"localhost:10042":     exporter,
	})
}

// rulesPath is where the shipped rules are, for a configuration that is elsewhere.
func rulesPath(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
