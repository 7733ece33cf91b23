package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// exporter is the built binary, running.
type exporter struct {
	command *exec.Cmd
	url     string
	ended   chan error

	mu  sync.Mutex
	log bytes.Buffer
}

func startExporter(w *world) (*exporter, error) {
	binary := filepath.Join(w.dir, "browseruse_exporter")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build the exporter, at the root of the repository: %w", err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := free.Addr().String()
	_ = free.Close()
	e := &exporter{url: "http://" + address, ended: make(chan error, 1)}
	e.command = exec.Command(binary, "--api.url="+w.url, "--api.key-file="+w.keyFile(), "--api.timeout=2s", "--session.file="+w.sessionFile(), "--session.discover",
		"--session.linger="+linger.String(), "--session.settle="+settle.String(), "--session.metadata-label=team", "--collector.agent-sessions", "--scrape.timeout="+scrapeTimeout.String(), "--scrape.timeout-offset="+writeOut.String(),
		"--log.level=debug", "--web.enable-pprof", "--web.listen-address="+address)
	e.command.Stdout, e.command.Stderr = e, e
	if err := e.command.Start(); err != nil {
		return nil, err
	}
	go func() { e.ended <- e.command.Wait() }()
	for range 100 {
		if _, err := e.get("/-/ready"); err == nil {
			return e, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("the exporter does not get ready:\n%s", e.output())
}

// Write takes what the exporter prints.
func (e *exporter) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.Write(p)
}

func (e *exporter) output() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.String()
}

func (e *exporter) get(path string) (string, error) {
	response, err := http.Get(e.url + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %s", path, response.Status)
	}
	return string(body), err
}

// stop ends the exporter as a supervisor does.
func (e *exporter) stop() error {
	if err := e.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-e.ended:
		if err != nil {
			return fmt.Errorf("at SIGTERM: %w", err)
		}
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("SIGTERM did not end the exporter in 10s")
	}
}

func (e *exporter) kill() { _ = e.command.Process.Kill() }
