// Package reloadfile reads a file that may change while the program runs, such
// as a rotated secret, again and again. A file that goes bad leaves the last
// good content in force.
package reloadfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"browseruse_exporter/internal/redact"
)

const (
	// maxBytes is far above any sensible content: 100,000 session IDs.
	maxBytes = 4 << 20

	// maxWait is how long a Load waits for a file system that hangs.
	maxWait = 2 * time.Second

	// settleTime is how long ago a file was written to last for its content to be
	// taken for whole.
	settleTime = 2 * time.Second
)

var errHangs = errors.New("the file system does not answer")

// File is a file whose content, parsed, is a T. It is safe for concurrent use.
type File[T any] struct {
	path   string
	parse  func([]byte) (T, error)
	now    func() time.Time
	report func(State[T])

	mu      sync.Mutex    // never held while the file is read
	reading chan struct{} // closed when the read under way ends; nil: none is
	hangs   bool          // it takes longer than maxWait
	info    os.FileInfo   // of the file when it was read last; nil: never
	content []byte        // in force
	recent  []byte        // what was found, but was written too recently to be taken; nil: nothing
	state   State[T]
}

// State is what is known of a file.
type State[T any] struct {
	Value T // in force: the last good content
	Status
}

// Status is how a file was found.
type Status struct {
	LoadedAt time.Time // when the content in force was read first
	Err      error     // why the file as it is now is not in force; nil if it is, or is just being written
}

// Open reads the file for the first time; its error names the file. From then on
// report is called, by one goroutine at a time, with each Value or Err that
// differs from the one before. It must not call the File.
func Open[T any](path string, parse func([]byte) (T, error), report func(State[T]), now func() time.Time) (*File[T], error) {
	f := &File[T]{path: path, parse: parse, now: now, report: func(State[T]) {}}
	f.read(true)
	f.report = report
	return f, f.state.Err
}

// State returns what is in force, without reading.
func (f *File[T]) State() State[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Load reads the file again and returns what is in force now. It always reads,
// since the times that file systems keep are too coarse to show every change,
// and such a file is small. What was written moments ago may be half of it: it
// comes into force once it has not changed for a while, or from one Load to the
// next. A file that was put in the place of another is whole. Loads at once share
// one read. While the file system hangs, the state is the last one, at once.
func (f *File[T]) Load() State[T] { return f.load(false) }

// Reload is a Load for an operator who says that the file is whole.
func (f *File[T]) Reload() State[T] { return f.load(true) }

func (f *File[T]) load(whole bool) State[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hangs {
		return f.state
	}
	if f.reading == nil {
		f.reading = make(chan struct{})
		go f.read(whole)
	}
	done := f.reading
	f.mu.Unlock()
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	f.mu.Lock()
	if f.reading == done {
		f.hangs = true
		f.fail(fmt.Errorf("%s: %w", redact.Value(f.path), errHangs))
	}
	return f.state
}

// read takes over the file's content if it is good and not the one in force.
func (f *File[T]) read(whole bool) {
	content, info, err := read(f.path)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reading != nil {
		close(f.reading)
	}
	f.reading, f.hangs = nil, false
	known := !f.state.LoadedAt.IsZero()
	inPlace := f.info != nil && info != nil && os.SameFile(f.info, info)
	f.info = info
	switch {
	case err != nil:
		f.fail(err)
		return
	case known && f.state.Err == nil && bytes.Equal(content, f.content):
		f.recent = nil
		return
	case !whole && inPlace && f.now().Sub(info.ModTime()) < settleTime && (f.recent == nil || !bytes.Equal(content, f.recent)):
		f.recent = content
		return
	}
	value, err := f.parse(content)
	if err != nil {
		f.fail(fmt.Errorf("%s: %w", redact.Value(f.path), err))
		return
	}
	f.content, f.recent = content, nil
	f.state = State[T]{value, Status{LoadedAt: f.now()}}
	f.report(f.state)
}

// fail leaves the last good content in force.
func (f *File[T]) fail(err error) {
	f.recent = nil
	known := f.state.Err != nil && f.state.Err.Error() == err.Error()
	f.state.Err = err
	if !known {
		f.report(f.state)
	}
}

// read returns a file's content, and what is known of it after that.
func read(path string) ([]byte, os.FileInfo, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, nil, redact.Error(err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, nil, redact.Error(err)
	}
	if len(content) > maxBytes {
		return nil, nil, fmt.Errorf("%s: longer than %d bytes", redact.Value(path), maxBytes)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, nil, redact.Error(err)
	}
	return content, info, nil
}
