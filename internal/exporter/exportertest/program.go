package exportertest

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"syscall"
	"testing"
	"time"

	"browseruse_exporter/internal/exporter"
)

// KeyVariable is the environment variable with the API key.
const KeyVariable = "BROWSER_USE_API_KEY"

// SetKey puts a key, or none, into the environment of a test.
func SetKey(t testing.TB, key string) {
	t.Helper()
	t.Setenv(KeyVariable, key)
}

// ServeAPI serves a simulated API on loopback and returns its URL.
func ServeAPI(t *testing.T, api http.Handler) string {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return server.URL + "/api/v3"
}

// listening finds the address in the log line of exporter-toolkit.
var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// ListensOn returns the address that a log says, and lets the log go on.
func ListensOn(t *testing.T, log io.Reader) (address string) {
	t.Helper()
	lines := bufio.NewScanner(log)
	for address == "" && lines.Scan() {
		if match := listening.FindStringSubmatch(lines.Text()); match != nil {
			address = match[1]
		}
	}
	if address == "" {
		t.Fatal("it ended before it listened")
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	return address
}

// Run runs the program in the background until stop, which returns its exit
// status, and waits until it listens on address.
func Run(t *testing.T, args ...string) (address string, stop func() int) {
	t.Helper()
	stderr, log := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- exporter.Run(append(args, "--web.listen-address=127.0.0.1:0"), io.Discard, log)
		_ = log.Close()
	}()
	return ListensOn(t, stderr), func() int {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		return Receive(t, ended)
	}
}

// Receive waits for what comes in a moment, and does not wait for ever.
func Receive[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
	}
	return value
}

// Fetch returns what a URL answers.
func Fetch(ctx context.Context, url string) (status int, body string, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}
