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
	if output, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", service, socket).CombinedOutput(); err != nil || strings.Contains(string(output), "browseruse_exporter") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, output)
	}
	// An exposure of 2.0 at most, of 10.
	if output, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=19", service).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, output)
	}
}

// TestTheServiceStartsTheExporter runs what ExecStart says, with the credentials
// where systemd would put them.
func TestTheServiceStartsTheExporter(t *testing.T) {
	service, _ := units(t)
	if log := startUnit(t, service); !strings.Contains(log, "key_source=file") {
		t.Errorf("the key is not the credential:\n%s", log)
	}
	if log := startUnit(t, "../systemd/projects.conf"); !strings.Contains(log, "msg=Exporting projects=2 ") {
		t.Errorf("the two projects are not exported:\n%s", log)
	}
}

// startUnit returns what a unit's ExecStart logs.
func startUnit(t *testing.T, unit string) string {
	t.Helper()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	credentials := t.TempDir()
	var args []string
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "ExecStart=/"); ok {
			args = strings.Fields(strings.ReplaceAll(command, "${CREDENTIALS_DIRECTORY}", credentials))[1:]
		}
		name, _, ok := strings.Cut(strings.TrimPrefix(line, "LoadCredential="), ":/")
		if !ok || !strings.HasPrefix(line, "LoadCredential=") {
			continue
		}
		content := "bu_x"
		if name == "projects.yml" {
			content = "projects: [{name: shop, api_key_file: shop}, {name: eu, api_key_file: shop-eu}]"
		}
		if err := os.WriteFile(filepath.Join(credentials, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return startLog(t, nil, args...)
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
