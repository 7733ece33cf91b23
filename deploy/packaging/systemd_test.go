package packaging

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// units copies the units to a folder, with the binary where it is in the test.
func units(t *testing.T) (service, socket string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"browseruse_exporter.service", "browseruse_exporter.socket"} {
		text, err := os.ReadFile(filepath.Join("../systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), "/usr/bin/browseruse_exporter", exporter, 1))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "browseruse_exporter.service"), filepath.Join(dir, "browseruse_exporter.socket")
}

func TestSystemdTakesTheUnits(t *testing.T) {
	analyze := program(t, "systemd-analyze")
	service, socket := units(t)
	if output, err := exec.CommandContext(t.Context(), analyze, "verify", service, socket).CombinedOutput(); err != nil || strings.Contains(string(output), "browseruse_exporter") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, output)
	}
	// An exposure of 2.0 at most, of 10.
	if output, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=19", service).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, output)
	}
}

// TestTheServiceStartsTheExporter runs what ExecStart says, with the credential
// where systemd would put it.
func TestTheServiceStartsTheExporter(t *testing.T) {
	service, _ := units(t)
	text, err := os.ReadFile(service)
	if err != nil {
		t.Fatal(err)
	}
	credentials := t.TempDir()
	var args []string
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "ExecStart="); ok {
			args = strings.Fields(strings.ReplaceAll(command, "${CREDENTIALS_DIRECTORY}", credentials))[1:]
		}
		if credential, ok := strings.CutPrefix(line, "LoadCredential="); ok {
			name, _, _ := strings.Cut(credential, ":")
			if err := os.WriteFile(filepath.Join(credentials, name), []byte("bu_x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if log := startLog(t, nil, args...); !strings.Contains(log, "key_source=file") {
		t.Errorf("the key is not the credential:\n%s", log)
	}
}

// TestAReloadLeavesTheServiceRunning sends what ExecReload says to the exporter,
// and then the SIGTERM of a stop: it is the latter that ends it.
func TestAReloadLeavesTheServiceRunning(t *testing.T) {
	service, _ := units(t)
	text, err := os.ReadFile(service)
	if err != nil {
		t.Fatal(err)
	}
	var reload []string
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "ExecReload="); ok {
			reload = strings.Fields(command)
		}
	}
	if len(reload) == 0 {
		t.Fatal("the service has no ExecReload")
	}
	kill := program(t, filepath.Base(reload[0]))
	address := freeAddress(t)
	running := exec.CommandContext(t.Context(), exporter, "--demo", "--web.listen-address="+address)
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	ready(t, address)
	reload[len(reload)-1] = strings.Replace(reload[len(reload)-1], "$MAINPID", strconv.Itoa(running.Process.Pid), 1)
	if output, err := exec.CommandContext(t.Context(), kill, reload[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%q: %v\n%s", reload, err, output)
	}
	// The kernel hands over the signals in this order.
	_ = running.Process.Signal(syscall.SIGTERM)
	if err := running.Wait(); err != nil {
		t.Errorf("the exporter ended with %v", err)
	}
}

// TestTheSocketIsTaken has systemd's own tool pass a socket, as the socket unit
// would: the first request starts the exporter, and is answered by it.
func TestTheSocketIsTaken(t *testing.T) {
	activate := program(t, "systemd-socket-activate")
	address := freeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	command := exec.CommandContext(ctx, activate, "--listen="+address, exporter, "--demo", "--web.systemd-socket")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = command.Wait() }()

	ready(t, address)
}

// ready waits until the exporter at an address answers that it is ready.
func ready(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/-/ready", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("the exporter answers %s", response.Status)
			}
			return
		}
		select {
		case <-tick.C: // nobody listens yet
		case <-ctx.Done():
			t.Fatal("nobody ever answered")
		}
	}
}
