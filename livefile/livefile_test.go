package livefile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"browseruse_exporter/livefile"
)

// parse takes anything but what says that it is bad.
func parse(content []byte) (string, error) {
	if strings.HasPrefix(string(content), "bad") {
		return "", errors.New("is bad")
	}
	return string(content), nil
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFileThroughItsLife(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	now := time.Unix(1_000, 0)
	write(t, path, "one")
	file, err := livefile.Open(path, parse, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name     string
		change   func()
		value    string
		loadedAt int64
		err      string // part of it; "" for none
		changed  bool
	}{
		{"as it was opened", func() {}, "one", 1_000, "", false},
		{"another content of the same length", func() { write(t, path, "two") }, "two", 1_010, "", true},
		{"the same again", func() { write(t, path, "two") }, "two", 1_010, "", false},
		{"a bad content", func() { write(t, path, "bad") }, "two", 1_010, "is bad", true},
		{"still bad", func() {}, "two", 1_010, "is bad", false},
		{"bad in another way: gone", func() { _ = os.Remove(path) }, "two", 1_010, "no such file", true},
		{"still gone", func() {}, "two", 1_010, "no such file", false},
		{"back with the last good content", func() { write(t, path, "two") }, "two", 1_070, "", true},
		{"too large", func() { write(t, path, strings.Repeat("x", 17<<20)) }, "two", 1_070, "longer than", true},
		{"replaced by a rename, as secrets are rotated", func() {
			write(t, path+".new", "three")
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}, "three", 1_090, "", true},
	} {
		step.change()
		state := file.Look()
		if state.Value != step.value || state.LoadedAt.Unix() != step.loadedAt || state.Changed != step.changed {
			t.Errorf("%s: got %+v; want %q, loaded at %d, changed %v", step.name, state.Err, step.value, step.loadedAt, step.changed)
		}
		if got := text(state.Err); (got == "") != (step.err == "") || !strings.Contains(got, step.err) {
			t.Errorf("%s: error %q; want one with %q", step.name, got, step.err)
		}
		now = now.Add(10 * time.Second)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bad"), "bad")
	for name, file := range map[string]string{"a file that is bad": "bad", "a file that is not there": "missing", "a directory": "."} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, file)
			if _, err := livefile.Open(path, parse, time.Now); !strings.Contains(text(err), path) {
				t.Errorf("Open(%q) gives the error %q; want one that names the file", path, text(err))
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
