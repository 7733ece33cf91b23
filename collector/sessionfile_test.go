package collector

import (
	"strings"
	"testing"

	"browseruse_exporter/apiclient"
)

// FuzzSessionFile checks that what is taken is IDs and nothing else, at least one,
// no more of them than lines, that they read back as they are, and that an error
// shows no key.
func FuzzSessionFile(f *testing.F) {
	const id = "5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f"
	for _, seed := range []string{"", id, "# a comment\n\n  " + strings.ToUpper(id) + "\t# of a crawl\r\n", "\uFEFF" + id + "\n" + id, "1234", "bu_key", "API_KEY=bu_key", id + " " + id, "#" + id, "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		ids, err := parseSessionIDs([]byte(content))
		if err != nil {
			text := err.Error()
			if len(ids) > 0 || !strings.HasPrefix(text, "line ") && text != "holds no session ID" || strings.Contains(text, "\n") {
				t.Errorf("%d IDs and the error %q; want none, and one line that names the line", len(ids), err)
			}
			if strings.Contains(text, "bu_") {
				t.Errorf("the error %q shows what may be a key", err)
			}
			return
		}
		if len(ids) == 0 {
			t.Error("no IDs and no error")
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
