package helm

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const projectsValues = "projects-values.yaml"

// projectsOf returns the projects of the configuration file in a rendering.
func projectsOf(t *testing.T, m *manifests) []map[string]any {
	t.Helper()
	var file struct{ Projects []map[string]any }
	if err := yaml.UnmarshalStrict([]byte(mounted(m)["/etc/projects/projects.yml"]), &file); err != nil {
		t.Fatal(err)
	}
	return file.Projects
}

// TestTheConfigurationFileHasWhatTheValuesSay, of each project in their order.
func TestTheConfigurationFileHasWhatTheValuesSay(t *testing.T) {
	keyFiles := []string{"/etc/keys/shop/api-key", "/etc/keys/Shop_EU/eu.key", "/etc/keys/007/api-key"}
	var want []map[string]any
	for i, item := range valuesOf(t, filepath.Join(valueFiles, projectsValues))["projects"].([]any) {
		project := maps.Clone(item.(map[string]any))
		delete(project, "apiKey")
		delete(project, "thresholds")
		project["api_key_file"] = keyFiles[i]
		want = append(want, project)
	}
	if diff := cmp.Diff(want, projectsOf(t, decoded(t, projectsValues))); diff != "" {
		t.Errorf("the configuration file (-want +got):\n%s", diff)
	}
}

// TestEachProjectHasAKeyOfItsOwn in a volume of its own: a Secret that is missing
// keeps no other from being renewed.
func TestEachProjectHasAKeyOfItsOwn(t *testing.T) {
	m := decoded(t, projectsValues)
	pod := m.deployment.Spec.Template.Spec
	secrets := map[string]string{} // by the files that the exporter finds them in
	for i, volume := range pod.Volumes {
		if volume.Secret == nil {
			continue
		}
		if *volume.Secret.DefaultMode != 0o444 {
			t.Errorf("the mode of %s is %o: the user that the cluster chooses can't read it", volume.Name, *volume.Secret.DefaultMode)
		}
		mount := pod.Containers[0].VolumeMounts[i]
		for _, item := range volume.Secret.Items {
			secrets[filepath.Join(mount.MountPath, item.Path)] = volume.Secret.SecretName + " " + item.Key
		}
	}
	for i, want := range []string{"shop api-key", "shop-eu eu.key", "bond api-key"} {
		if file := projectsOf(t, m)[i]["api_key_file"].(string); secrets[file] != want {
			t.Errorf("%s is of the Secret %q, want %q", file, secrets[file], want)
		}
	}
	if len(secrets) != 3 {
		t.Errorf("the Secrets are %v", secrets)
	}
	if secrets := decoded(t, "projects-demo-values.yaml").deployment.Spec.Template.Spec.Volumes; len(secrets) != 1 {
		t.Errorf("the demo needs more than the configuration file: %v", secrets)
	}
}

// TestEachProjectIsATarget with the labels by which the rules know it, beside the
// exporter's own metrics.
func TestEachProjectIsATarget(t *testing.T) {
	values := valuesOf(t, filepath.Join(valueFiles, projectsValues))
	values["extraArgs"] = []any{"--web.telemetry-path=/own"}
	endpoints := decodedValues(t, values).monitor.Spec.Endpoints
	type target struct {
		Path    string
		Params  map[string][]string
		Project []string
	}
	var got []target
	for _, endpoint := range endpoints {
		got = append(got, target{endpoint.Path, endpoint.Params, replacements(endpoint, "project")})
		if !slices.Equal(replacements(endpoint, "team"), []string{"web"}) || endpoint.Interval != "30s" || endpoint.ScrapeTimeout != "10s" {
			t.Errorf("what serviceMonitor says is not said of %v", endpoint)
		}
	}
	want := []target{{Path: "/own"}}
	for _, name := range []string{"shop", "Shop_EU", "007"} {
		want = append(want, target{"/probe", map[string][]string{"project": {name}}, []string{name}})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the targets (-want +got):\n%s", diff)
	}
}

// TestAProjectMayHaveThresholdsOfItsOwn beside those of the job.
func TestAProjectMayHaveThresholdsOfItsOwn(t *testing.T) {
	var got []string
	for _, group := range decoded(t, projectsValues).rule.Spec.Groups {
		for _, rule := range group.Rules {
			if l := rule.Labels; rule.Record == "browseruse_threshold" && (l["project"] != "" || l["threshold"] == "hourly_spend_usd") {
				got = append(got, strings.Join([]string{group.Name, l["job"], l["project"], l["threshold"], rule.Expr.String()}, " "))
			}
		}
	}
	want := []string{
		"browseruse-thresholds browseruse/watch/money  hourly_spend_usd 10",
		"browseruse-thresholds browseruse/watch/money shop hourly_spend_usd 40",
		"browseruse-thresholds browseruse/watch/money shop session_cost_usd 2.5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the thresholds (-want +got):\n%s", diff)
	}
}

// TestAProjectMayHaveEveryKey that docs/projects.md has, but the key's file, for
// which there is the Secret. The values file tries them all.
func TestAProjectMayHaveEveryKey(t *testing.T) {
	page, err := os.ReadFile("../../docs/projects.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"apiKey", "name", "thresholds"}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| `--").FindAllStringSubmatch(string(page), -1) {
		if row[1] != "api_key_file" {
			want = append(want, row[1])
		}
	}
	text, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct {
			Projects struct {
				Items struct{ Properties map[string]any }
			}
		}
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	tried := map[string]any{}
	for _, project := range valuesOf(t, filepath.Join(valueFiles, projectsValues))["projects"].([]any) {
		maps.Copy(tried, project.(map[string]any))
	}
	slices.Sort(want)
	for name, keys := range map[string]map[string]any{"schema": schema.Properties.Projects.Items.Properties, projectsValues: tried} {
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(keys))); diff != "" {
			t.Errorf("the keys of a project (-docs +%s):\n%s", name, diff)
		}
	}
}

func TestTheNotesNameTheProjects(t *testing.T) {
	for values, want := range map[string]string{
		"projects: [{name: shop}, {name: shop-eu}]": " serves the simulated projects shop, shop-eu. Its status page:",
		"{}": " serves a simulated project. Its status page:",
	} {
		notes := rendered(t, demo(t, values))[chart+"/templates/NOTES.txt"]
		if !strings.Contains(notes, want) {
			t.Errorf("the notes do not say %q:\n%s", want, notes)
		}
	}
}
