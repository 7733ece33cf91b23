package collector

import (
	"strings"
	"testing"

	"browseruse_exporter/apiclient"
)

// FuzzSessionFile checks that what is taken is IDs and nothing else, no more of
// them than lines, and that they read back as they are.
func FuzzSessionFile(f *testing.F) {
	const id = "5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f"
	for _, seed := range []string{"", id, "# a comment\n\n  " + strings.ToUpper(id) + "\t# of a crawl\r\n", "\uFEFF" + id + "\n" + id, "1234", "bu_key", id + " " + id, "#" + id, "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		ids, err := parseSessionIDs([]byte(content))
		if err != nil {
			if len(ids) > 0 || !strings.Contains(err.Error(), "line ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%d IDs and the error %q; want none, and one line that names the line", len(ids), err)
			}
			return
		}
		if lines := strings.Count(content, "\n") + 1; len(ids) > lines {
			t.Errorf("%d IDs from %d lines", len(ids), lines)
		}
		for _, id := range ids {
			if again, err := apiclient.ParseID(id); err != nil || again != id {
				t.Errorf("took %q for an ID", id)
			}
		}
		again, err := parseSessionIDs([]byte(strings.Join(ids, "\n")))
		if err != nil || len(again) != len(ids) {
			t.Errorf("%d IDs read back as %d, %v", len(ids), len(again), err)
		}
	})
}
