package exporter_test

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/exporter/exportertest"
)

// TestSettings checks that the page tells every flag, and of the key the source.
func TestSettings(t *testing.T) {
	noPage := map[string]bool{"once": true, "check-config": true, "version": true, "help-long": true} // in force, they serve none
	shown := func(args ...string) map[string]string {
		c, err := exporter.ParseFlags(args, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]string{}
		for _, setting := range exporter.Settings(c) {
			values[setting.Flag] = setting.Value
		}
		return values
	}
	exportertest.SetKey(t, exportertest.Key)
	values := shown()
	if diff := cmp.Diff("key from: environment", values["api.key-file"]); diff != "" {
		t.Error(diff)
	}
	var help strings.Builder
	if _, err := exporter.ParseFlags([]string{"--help"}, &help); err == nil {
		t.Fatal("--help goes on")
	}
	for _, flag := range regexp.MustCompile(`(?m)^ +--(?:\[no-\])?([a-z0-9.-]+)`).FindAllStringSubmatch(help.String(), -1) {
		if _, ok := values[flag[1]]; !ok && !noPage[flag[1]] {
			t.Errorf("the page does not tell --%s", flag[1])
		}
	}
	exportertest.SetKey(t, "")
	path := exportertest.File(t, exportertest.Key)
	values = shown("--api.key-file="+path, "--session.id="+exportertest.SessionID(1), "--session.id="+exportertest.SessionID(2))
	if values["api.key-file"] != "key from: file" || values["session.id"] != "2 given" || values["session.discover"] != "false" {
		t.Errorf("settings %v", values)
	}
	if text := fmt.Sprint(values); strings.Contains(text, exportertest.Key) || strings.Contains(text, path) {
		t.Errorf("settings %v show the key, or where it is", values)
	}
}
