package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMeasure measures a small fleet: every rule can be evaluated.
func TestMeasure(t *testing.T) {
	var out strings.Builder
	s := size{rules: filepath.Join("..", "..", "deploy", "prometheus", "rules.yml"), active: 3, perDay: 100, dense: time.Minute, evaluations: 1, top: 1000}
	if err := measure(s, &out); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"job:browseruse_spend_usd:total", "BrowserUseExporterDown"} {
		if !strings.Contains(out.String(), name+"\n") {
			t.Errorf("%s is not in the report:\n%s", name, out.String())
		}
	}
}
