package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMeasure measures a small fleet: every rule can be evaluated, and all of them
// together read few samples. A rule that reads a metric of each session adds 150.
func TestMeasure(t *testing.T) {
	const mostSamples = 11_900
	var out strings.Builder
	s := size{rules: filepath.Join("..", "..", "deploy", "prometheus", "rules.yml"), active: 100, perDay: 5000, dense: time.Minute, evaluations: 1, top: 1000}
	if err := measure(s, &out); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"job:browseruse_spend_usd:total", "BrowserUseExporterDown"} {
		if !strings.Contains(out.String(), name+"\n") {
			t.Errorf("%s is not in the report:\n%s", name, out.String())
		}
	}
	_, line, _ := strings.Cut(out.String(), "an evaluation reads ")
	read := 0
	if _, err := fmt.Sscanf(line, "%d samples", &read); err != nil || read > mostSamples {
		t.Errorf("an evaluation reads %d samples (%v); want %d at most", read, err, mostSamples)
	}
}
