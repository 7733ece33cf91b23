package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"browseruse_exporter/apiclient/apitest"
)

// TestWhatIsGatheredIsWhatIsCollected compares the exporter's own way to the
// exposition with that of a registry of somebody else's.
func TestWhatIsGatheredIsWhatIsCollected(t *testing.T) {
	setKey(t, testKey)
	api := newAPI(3)
	api.Add(apitest.Session{ID: sessionID(4), StartedAt: time.Now().Add(-time.Hour), StopAt: time.Now().Add(-time.Minute), Metadata: map[string]string{"team": "qa\n\"\xff"}})
	c, err := parseFlags(append(idFlags(5), "--session.metadata-label=team", "--session.discover", "--api.url="+serveAPI(t, api)), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newExporter(c, log.NewNopLogger(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	reading := e.collector.Read(t.Context())
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(reading)
	lines := func(gatherer prometheus.Gatherer) []string {
		families, err := gatherer.Gather()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) }) {
			t.Error("the families are not sorted by name")
		}
		var text bytes.Buffer
		for _, family := range families {
			if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
				t.Fatal(err)
			}
		}
		all := strings.Split(remaining.ReplaceAllString(text.String(), "$1 ..."), "\n")
		slices.Sort(all)
		return all
	}
	gathered, collected := lines(reading), lines(registry)
	if diff := cmp.Diff(collected, gathered); diff != "" {
		t.Errorf("(-collected +gathered):\n%s", diff)
	}
	has(t, strings.Join(gathered, "\n"), up(1, 1), up(4, 1), up(5, 0))
}
