package helm

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the tables of values into the chart's README")

// A value is one that values.yaml documents.
type value struct{ section, name, standard, meaning string }

// documentedValues reads values.yaml, of which each line is a section's title, a
// map of values, or a value with its default and its meaning.
func documentedValues(t *testing.T) (values []value) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^( {2})?(\w+):(?: (.+?) # (.+))?$`)
	var section, parent string
	for i, text := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if title, ok := strings.CutPrefix(text, "# "); ok || text == "" {
			section, parent = title, ""
			continue
		}
		match := line.FindStringSubmatch(text)
		if match == nil {
			t.Fatalf("values.yaml:%d: %q is no value with a meaning", i+1, text)
		}
		if match[1] == "" {
			parent = ""
		}
		if match[3] == "" {
			parent = match[2] + "."
			continue
		}
		values = append(values, value{section, parent + match[2], match[3], match[4]})
	}
	return values
}

// TestTheReadmeHasEveryValue with its default and its meaning.
func TestTheReadmeHasEveryValue(t *testing.T) {
	var tables strings.Builder
	section := ""
	for _, v := range documentedValues(t) {
		if v.section != section {
			section = v.section
			fmt.Fprintf(&tables, "\n### %s\n\n| value | default | meaning |\n|---|---|---|\n", section)
		}
		fmt.Fprintf(&tables, "| `%s` | `%s` | %s |\n", v.name, v.standard, strings.NewReplacer("<", "&lt;", "|", "\\|").Replace(v.meaning))
	}
	path := filepath.Join(chart, "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const heading = "\n## Values\n"
	head, got, _ := strings.Cut(string(readme), heading)
	if *update {
		if err := os.WriteFile(path, []byte(head+heading+tables.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(tables.String(), got); diff != "" {
		t.Errorf("run go test -update . (-values.yaml +README.md):\n%s", diff)
	}
}

// TestTheSchemaHasEveryValue and none that values.yaml does not explain, but the
// condition under which another chart contains this one.
func TestTheSchemaHasEveryValue(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Properties map[string]node
	}
	var schema node
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, property := range schema.Properties {
		if property.Properties == nil {
			got = append(got, name)
		}
		for inner := range property.Properties {
			got = append(got, name+"."+inner)
		}
	}
	values := documentedValues(t)
	want := make([]string, 0, len(values)+1)
	for _, v := range append(values, value{name: "enabled"}) {
		want = append(want, v.name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the schema differs from values.yaml (-values.yaml +schema):\n%s", diff)
	}
}

// TestEveryValueIsTried by one of the values files or of the conventions.
func TestEveryValueIsTried(t *testing.T) {
	var tried []map[string]any
	each(t, func(t *testing.T, file string) {
		tried = append(tried, valuesOf(t, filepath.Join(valueFiles, file)))
	})
	for _, convention := range conventions {
		tried = append(tried, demo(t, convention.values))
	}
	elsewhere := []string{"web.auth", "prometheusRule.additionalRuleLabels", "prometheusRule.rules"}
	for _, v := range documentedValues(t) {
		path := strings.Split(v.name, ".")
		parent, name := path[:len(path)-1], path[len(path)-1]
		if !slices.Contains(elsewhere, v.name) && !slices.ContainsFunc(tried, func(values map[string]any) bool {
			in, ok := field(values, parent).(map[string]any)
			_, set := in[name]
			return ok && set
		}) {
			t.Errorf("nothing tries %s", v.name)
		}
	}
}

// TestNullIsNoValue: each value but those that are on or off may be null, as
// charts that contain this one may have it.
func TestNullIsNoValue(t *testing.T) {
	needed := []string{"image.repository", "apiKey.secretKey", "replicaCount", "image.pullPolicy", "service.type"}
	for _, v := range documentedValues(t) {
		if v.standard == "true" || v.standard == "false" || slices.Contains(needed, v.name) {
			continue
		}
		names := strings.Split(v.name, ".")
		var set any
		for _, name := range slices.Backward(names) {
			set = map[string]any{name: set}
		}
		text, err := yaml.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := render(demo(t, string(text))); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}

// TestTheReadmesExamplesRender with nothing else but the key and the image.
func TestTheReadmesExamplesRender(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(chart, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(examples) == 0 {
		t.Fatal("there are none")
	}
	for _, example := range examples {
		decodedValues(t, demo(t, example[1]))
	}
}
