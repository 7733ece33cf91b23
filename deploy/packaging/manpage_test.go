package packaging

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheManPageHasEveryFlag writes the man page as a release does.
func TestTheManPageHasEveryFlag(t *testing.T) {
	path := filepath.Join(t.TempDir(), "man", "page.1.gz")
	if output, err := exec.CommandContext(t.Context(), "./manpage", path).CombinedOutput(); err != nil {
		t.Fatalf("manpage: %v\n%s", err, output)
	}
	zipped, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(string(text), `\-`, "-")
	if name := ".TH BROWSERUSE_EXPORTER 1\n.SH \"NAME\"\nbrowseruse_exporter - "; !strings.HasPrefix(page, name) {
		t.Errorf("man and whatis want %q at the beginning:\n%.300s", name, page)
	}
	help, err := exec.CommandContext(t.Context(), exporter, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^ +(?:-h, )?--(?:\[no-\])?([a-z.-]+)`).FindAllStringSubmatch(string(help), -1)
	if len(flags) < 20 {
		t.Errorf("--help has %d flags; want 20 at least", len(flags))
	}
	for _, flag := range flags {
		if !regexp.MustCompile(`\\fB(-h, )?--` + regexp.QuoteMeta(flag[1]) + `[=\\]`).MatchString(page) {
			t.Errorf("the man page does not have --%s", flag[1])
		}
	}
	if strings.Contains(page, "build user") {
		t.Error("the man page has the build in its head")
	}
}
