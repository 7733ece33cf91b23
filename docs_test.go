package main

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"browseruse_exporter/apiclient/apitest"
)

// section returns the part of the README under a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("README.md has no section %q", heading)
	}
	body, _, _ := strings.Cut(rest, "\n## ")
	return body
}

// TestTheReadmeHasEveryFlag checks the table of flags, their defaults included,
// against the command line.
func TestTheReadmeHasEveryFlag(t *testing.T) {
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `--(\\[no-\\])?([a-z.-]+)`[^|]*\\| *([^|]*?) *\\|").FindAllStringSubmatch(section(t, "Flags"), -1) {
		documented[row[1]+row[2]] = strings.Trim(row[3], "`")
	}
	defined := map[string]string{}
	for _, flag := range newApp(&config{}, io.Discard).Model().Flags {
		name := flag.Name
		value := strings.Join(flag.Default, ", ")
		switch {
		case name == "help" || name == "help-long" || name == "help-man" || flag.Hidden:
			continue // --help stands beside --version
		case name == "version":
		case name == "session.discover":
			name, value = "[no-]"+name, "on if neither ID nor file is given"
		case flag.IsBoolFlag():
			name, value = "[no-]"+name, map[string]string{"true": "on", "false": "off"}[value]
		}
		defined[name] = value
	}
	if diff := cmp.Diff(defined, documented); diff != "" {
		t.Errorf("the flags and the README's table of them (-flags +README):\n%s", diff)
	}
}

// TestTheReadmeHasEveryMetric checks the table of metrics, their labels and
// types included, against an exporter for which everything is turned on.
func TestTheReadmeHasEveryMetric(t *testing.T) {
	setKey(t, testKey)
	api := newAPI(1)
	api.Add(apitest.Session{ID: sessionID(2), StartedAt: time.Now().Add(-time.Hour), StopAt: time.Now().Add(-time.Minute)})
	c, err := parseFlags([]string{
		"--api.url=" + serveAPI(t, api), "--session.discover", "--session.metadata-label=team",
		"--session.file=" + file(t, sessionID(2)+"\n"),
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newExporter(c, log.NewNopLogger(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	reading := prometheus.NewRegistry()
	reading.MustRegister(e.collector.Read(t.Context()))
	families, err := prometheus.Gatherers{reading, e.registry}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	exposed := map[string]string{}
	for _, family := range families {
		labels := map[string]bool{}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = true
			}
		}
		exposed[family.GetName()] = strings.ToLower(family.GetType().String()) + " " + joined(labels)
	}

	documented := map[string]string{}
	var same map[string]bool
	for _, row := range regexp.MustCompile("(?m)^\\| `(browseruse_\\w+)`([^|]*)\\| ([^|]*)\\|").FindAllStringSubmatch(section(t, "Metrics"), -1) {
		labels := map[string]bool{}
		for _, label := range regexp.MustCompile("`(\\w+(?:<key>)?)`(?:: [^;|]*)?").FindAllStringSubmatch(row[3], -1) {
			labels[strings.Replace(label[1], "<key>", "team", 1)] = true
		}
		if strings.HasPrefix(row[3], "same") {
			for label := range same {
				labels[label] = true
			}
		} else {
			same = labels
		}
		kind := "gauge"
		if match := regexp.MustCompile(`\((counter|histogram)`).FindStringSubmatch(row[2]); match != nil {
			kind = match[1]
		}
		documented[row[1]] = kind + " " + joined(labels)
	}
	if diff := cmp.Diff(exposed, documented); diff != "" {
		t.Errorf("the metrics and the README's table of them (-metrics +README):\n%s", diff)
	}
}

func joined(set map[string]bool) string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
