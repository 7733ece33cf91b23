package reloadfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/reloadfile"
)

// parse takes anything but what says that it is bad.
func parse(content []byte) (string, error) {
	if strings.HasPrefix(string(content), "bad") {
		return "", errors.New("is bad")
	}
	return string(content), nil
}

// file is a File in a directory of its own, with a clock that stands still. In a
// bubble, no read takes so long on a slow machine that it is given up.
type file struct {
	*reloadfile.File[string]
	t        *testing.T
	path     string
	now      time.Time
	mu       sync.Mutex
	reported []string
}

func open(t *testing.T, content string) *file {
	t.Helper()
	f := &file{t: t, path: filepath.Join(t.TempDir(), "file"), now: time.Unix(1_000, 0)}
	f.write(content, time.Minute)
	var err error
	f.File, err = reloadfile.Open(f.path, parse, func(state reloadfile.State[string]) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.reported = append(f.reported, fmt.Sprint(state.Value, " ", state.Err))
	}, func() time.Time { return f.now })
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// write gives the file a content that was written that long ago.
func (f *file) write(content string, ago time.Duration) {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Chtimes(f.path, time.Time{}, f.now.Add(-ago)); err != nil {
		f.t.Fatal(err)
	}
}

// holds checks a state, and what was reported since the last check.
func (f *file) holds(name string, state reloadfile.State[string], value string, loadedAt int64, err string, reports int) {
	f.t.Helper()
	if state.Value != value || state.LoadedAt.Unix() != loadedAt {
		f.t.Errorf("%s: %q of %d; want %q of %d", name, state.Value, state.LoadedAt.Unix(), value, loadedAt)
	}
	if got := text(state.Err); (got == "") != (err == "") || !strings.Contains(got, err) {
		f.t.Errorf("%s: error %q; want one with %q", name, got, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.reported) != reports || reports == 1 && f.reported[0] != fmt.Sprint(state.Value, " ", state.Err) {
		f.t.Errorf("%s: reported %q; want %d", name, f.reported, reports)
	}
	f.reported = nil
}

func TestFileThroughItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, "one")
		for _, step := range []struct {
			name     string
			change   func()
			value    string
			loadedAt int64
			err      string // part of it; "" for none
			reports  int
		}{
			{"as it was opened", func() {}, "one", 1_000, "", 0},
			{"another content of the same length", func() { f.write("two", time.Minute) }, "two", 1_010, "", 1},
			{"the same again", func() { f.write("two", 0) }, "two", 1_010, "", 0},
			{"a bad content", func() { f.write("bad", time.Minute) }, "two", 1_010, "is bad", 1},
			{"still bad", func() {}, "two", 1_010, "is bad", 0},
			{"bad in another way: gone", func() { _ = os.Remove(f.path) }, "two", 1_010, "no such file", 1},
			{"still gone", func() {}, "two", 1_010, "no such file", 0},
			{"back with the last good content", func() { f.write("two", time.Minute) }, "two", 1_070, "", 1},
			{"too large", func() { f.write(strings.Repeat("x", 5<<20), time.Minute) }, "two", 1_070, "longer than", 1},
			{"replaced by a rename, as secrets are rotated", func() {
				current := f.path
				f.path += ".new"
				f.write("three", 0)
				if err := os.Rename(f.path, current); err != nil {
					t.Fatal(err)
				}
				f.path = current
			}, "three", 1_090, "", 1},
		} {
			step.change()
			f.holds(step.name, f.Load(), step.value, step.loadedAt, step.err, step.reports)
			f.now = f.now.Add(10 * time.Second)
		}
	})
}

// TestAFileThatIsBeingWritten does not come into force half written.
func TestAFileThatIsBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, "one\ntwo\n")
		f.write("", 0)
		f.holds("just emptied", f.Load(), "one\ntwo\n", 1_000, "", 0)
		f.write("three\n", time.Second)
		f.holds("cut at the end of a line", f.Load(), "one\ntwo\n", 1_000, "", 0)
		f.write("bad", time.Second)
		f.holds("cut in a line", f.Load(), "one\ntwo\n", 1_000, "", 0)
		f.write("three\nfour\n", time.Second)
		f.holds("whole", f.Load(), "one\ntwo\n", 1_000, "", 0)
		f.holds("the same at the next load", f.Load(), "three\nfour\n", 1_000, "", 1)

		f.write("five\n", -time.Hour)
		f.holds("by a clock that is ahead", f.Load(), "three\nfour\n", 1_000, "", 0)
		f.holds("by a clock that is ahead, again", f.Load(), "five\n", 1_000, "", 1)

		f.write("six\n", 0)
		f.holds("for an operator who says that it is whole", f.Reload(), "six\n", 1_000, "", 1)

		f.write("bad", 2*time.Second)
		f.holds("not written for a while", f.Load(), "six\n", 1_000, "is bad", 1)
	})
}

// TestAFileSystemThatHangs has a pipe without a writer in the file's place.
func TestAFileSystemThatHangs(t *testing.T) {
	f := open(t, "one")
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(f.path, 0o600); err != nil {
		t.Skip(err)
	}
	f.holds("the load that hangs", f.Load(), "one", 1_000, "does not answer", 1)
	opened := make(chan *os.File)
	go func() {
		pipe, _ := os.OpenFile(f.path, os.O_WRONLY, 0)
		opened <- pipe
	}()
	pipe := <-opened // a second reader would take what is written from the first
	f.holds("one after it", f.Load(), "one", 1_000, "does not answer", 0)
	if _, err := pipe.WriteString("two"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	f.write("two", time.Minute)
	f.now = f.now.Add(time.Hour) // what the pipe had was not written just now
	_ = pipe.Close()
	for state := f.Load(); state.Err != nil; state = f.Load() {
		if !strings.Contains(text(state.Err), "does not answer") {
			t.Fatal(state.Err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.reported) != 1 {
		t.Errorf("reported %q; want that it is there again", f.reported)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad"), []byte("bad"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"a file that is bad": "bad", "a file that is not there": "missing", "a directory": "."} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, file)
			if _, err := reloadfile.Open(path, parse, func(reloadfile.State[string]) {}, time.Now); !strings.Contains(text(err), path) {
				t.Errorf("Open(%q) gives the error %q; want one that names the file", path, text(err))
			}
		})
	}
	path := filepath.Join(dir, "bu_key")
	if _, err := reloadfile.Open(path, parse, func(reloadfile.State[string]) {}, time.Now); err == nil || strings.Contains(text(err), "bu_key") {
		t.Errorf("the key instead of a path gives the error %q", text(err))
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
