package collector

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/livefile"
)

// SessionFile is a file of session IDs, one a line, that is read again before
// each reading.
type SessionFile struct {
	file   *livefile.File[[]string]
	logger log.Logger
}

// OpenSessionFile reads the file for the first time. Its error names the file
// and, where a line is to blame, that line.
func OpenSessionFile(path string, logger log.Logger, now func() time.Time) (*SessionFile, error) {
	file, err := livefile.Open(path, parseSessionIDs, now)
	if err != nil {
		return nil, err
	}
	return &SessionFile{file: file, logger: logger}, nil
}

// load returns the IDs in force and how the file was found. What changed is
// logged once.
func (f *SessionFile) load() ([]string, *SessionFileState) {
	state := f.file.Look()
	switch {
	case state.Changed && state.Err != nil:
		_ = level.Error(f.logger).Log("msg", "Session file is bad, its last good content stays in force", "sessions", len(state.Value), "err", state.Err)
	case state.Changed:
		_ = level.Info(f.logger).Log("msg", "Session file loaded", "sessions", len(state.Value))
	}
	return state.Value, &SessionFileState{LoadedAt: state.LoadedAt, Err: state.Err}
}

// parseSessionIDs reads one UUID a line. Blank lines are allowed, and so are
// comments, which go from a # to the end of the line.
func parseSessionIDs(content []byte) ([]string, error) {
	var ids []string
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(content), "\uFEFF")) {
		number++
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		id, err := apiclient.ParseID(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s is no session ID (a UUID such as 5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f)", number, Excerpt(line))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Excerpt quotes what an operator wrote where a session ID belongs, shortened.
// What may be a key or a credential URL that landed in the wrong place is not
// shown.
func Excerpt(s string) string {
	const most = 40
	switch {
	case strings.HasPrefix(s, "bu_") || strings.Contains(s, "://"):
		return "what looks like a credential (not shown)"
	case len(s) > most:
		return fmt.Sprintf("%.*q...", most, s)
	default:
		return fmt.Sprintf("%q", s)
	}
}
