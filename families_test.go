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
	"github.com/prometheus/common/expfmt"

	"browseruse_exporter/apiclient/apitest"
	"browseruse_exporter/collector"
)

// TestWhatIsGatheredIsWhatIsCollected compares the exporter's own way to the
// exposition with that of a registry of somebody else's.
func TestWhatIsGatheredIsWhatIsCollected(t *testing.T) {
	setKey(t, testKey)
	api := newAPI(3)
	api.Add(apitest.Session{ID: sessionID(4), StartedAt: time.Now().Add(-time.Hour), StopAt: time.Now().Add(-time.Minute), Metadata: map[string]string{"team": "qa\n\"\xff"}})
	c, err := parseFlags(append(idFlags(5), "--session.metadata-label=team", "--session.metadata-label=a-b", "--session.metadata-label=Z", "--session.discover", "--api.url="+serveAPI(t, api)), io.Discard)
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
	lines := func(families []collector.Family, err error) []string {
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(families, func(a, b collector.Family) int { return strings.Compare(a.Name, b.Name) }) {
			t.Error("the families are not sorted by name")
		}
		var text bytes.Buffer
		for _, f := range families {
			family := f.Make()
			if len(family.GetMetric()) == 0 {
				continue
			}
			if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
				t.Fatal(err)
			}
		}
		all := strings.Split(remaining.ReplaceAllString(text.String(), "$1 ..."), "\n")
		slices.Sort(all)
		return all
	}
	var collectedFamilies []collector.Family
	made, err := registry.Gather()
	for _, family := range made {
		collectedFamilies = append(collectedFamilies, collector.FamilyOf(family))
	}
	gathered, collected := lines(reading.Families()), lines(collectedFamilies, err)
	if diff := cmp.Diff(collected, gathered); diff != "" {
		t.Errorf("(-collected +gathered):\n%s", diff)
	}
	has(t, strings.Join(gathered, "\n"), up(1, 1), up(4, 1), up(5, 0))
}
