package collector

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/redact"
	"browseruse_exporter/reloadfile"
)

// SessionFile is a file of session IDs, one a line, that is read again before
// each reading.
type SessionFile = reloadfile.File[[]string]

// OpenSessionFile reads the file for the first time. Its error names the file
// and, where a line is to blame, that line. What changes in it is logged once.
func OpenSessionFile(path string, logger log.Logger, now func() time.Time) (*SessionFile, error) {
	return reloadfile.Open(path, parseSessionIDs, func(state reloadfile.State[[]string]) {
		if state.Err != nil {
			_ = level.Error(logger).Log("msg", "Session file is bad, its last good content stays in force", "sessions", len(state.Value), "err", state.Err)
			return
		}
		_ = level.Info(logger).Log("msg", "Session file loaded", "sessions", len(state.Value))
	}, now)
}

// parseSessionIDs reads one UUID a line. Blank lines are allowed, and so are
// comments, which go from a # to the end of the line. A file without any ID is an
// error: more likely its writer failed than that nothing is to be exported.
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
			return nil, fmt.Errorf("line %d: %s is no session ID (a UUID such as 5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f)", number, redact.Quote(line))
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, errors.New("holds no session ID")
	}
	return ids, nil
}
