// Package livefile keeps the content of a file that may change while the
// program runs, such as a rotated secret. A file that goes bad leaves the last
// good content in force.
package livefile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// maxBytes is far above any sensible content: 400,000 session IDs.
const maxBytes = 16 << 20

// File is a file whose content, parsed, is a T. It is safe for concurrent use.
type File[T any] struct {
	path  string
	parse func([]byte) (T, error)
	now   func() time.Time

	mu      sync.Mutex
	content []byte // of the last good reading
	state   State[T]
}

// State is what is known of a file after it was looked at.
type State[T any] struct {
	Value    T         // the last good content
	LoadedAt time.Time // when that was read first
	Err      error     // why the file could not be read now; nil if Value is its content
	Changed  bool      // whether this look brought another Value, or another Err, than the one before
}

// Open reads the file for the first time.
func Open[T any](path string, parse func([]byte) (T, error), now func() time.Time) (*File[T], error) {
	f := &File[T]{path: path, parse: parse, now: now}
	if state := f.Look(); state.Err != nil {
		return nil, state.Err
	}
	return f, nil
}

// Look reads the file again and says what is in force now. It always reads:
// the times that file systems keep are too coarse to tell every change, and
// such a file is small.
func (f *File[T]) Look() State[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.state.Err
	changed, err := f.reload()
	f.state.Err = err
	state := f.state
	state.Changed = changed || text(before) != text(err)
	return state
}

// reload takes over the file's content if it is good and not the one in force.
func (f *File[T]) reload() (changed bool, err error) {
	content, err := read(f.path)
	if err != nil {
		return false, err
	}
	known := !f.state.LoadedAt.IsZero()
	if known && f.state.Err == nil && bytes.Equal(content, f.content) {
		return false, nil
	}
	value, err := f.parse(content)
	if err != nil {
		return false, fmt.Errorf("%s: %w", f.path, err)
	}
	f.content, f.state.Value, f.state.LoadedAt = content, value, f.now()
	return true, nil
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxBytes {
		return nil, fmt.Errorf("%s: longer than %d bytes", path, maxBytes)
	}
	return content, nil
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
