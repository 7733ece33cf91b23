// Package packaging tests the files by which the exporter is built and run:
// Compose, the Dockerfile, systemd and the workflows.
package packaging

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

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
		build.Dir, build.Stderr = root, os.Stderr
		if err := build.Run(); err != nil {
			panic(fmt.Sprintf("build the exporter: %v", err))
		}
		return m.Run()
	}())
}

// startLog returns what the exporter logs until it has got so far as to listen,
// which it can't: somebody else does.
func startLog(t *testing.T, env []string, args ...string) string {
	t.Helper()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	command := exec.CommandContext(t.Context(), exporter, append(args, "--web.listen-address="+taken.Addr().String())...)
	command.Env = env
	output, _ := command.CombinedOutput()
	if !strings.Contains(string(output), "address already in use") {
		t.Fatalf("the exporter does not start with %q:\n%s", args, output)
	}
	return string(output)
}

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = free.Close() }()
	return free.Addr().String()
}

// program finds an installed program. Without it the test is skipped, but in CI,
// which has to install it.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}
