package helm

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

const (
	rulesFile     = "../prometheus/rules.yml"
	dashboardFile = "../grafana/browseruse.json"
)

// rulesOf returns those of the repository, whose thresholds are of a job.
func rulesOf(t *testing.T, job string) monitoringv1.PrometheusRuleSpec {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var spec monitoringv1.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict(text, &spec); err != nil {
		t.Fatal(err)
	}
	for _, group := range spec.Groups {
		for i := range group.Rules {
			if group.Rules[i].Record == "browseruse_threshold" {
				group.Rules[i].Labels["job"] = job
			}
		}
	}
	return spec
}

// TestTheRulesAreThoseOfTheRepository wants nothing of them changed on their way
// through Helm's templates, whose syntax they share, but what the values say and
// the job that the thresholds are of.
func TestTheRulesAreThoseOfTheRepository(t *testing.T) {
	const job = "browseruse/watch/money"
	want := rulesOf(t, job)
	if diff := cmp.Diff(want, decoded(t, "monitored-values.yaml").rule.Spec); diff != "" {
		t.Errorf("the rules are not those of %s (-want +got):\n%s", rulesFile, diff)
	}

	changed := 0
	for _, group := range want.Groups {
		for i := range group.Rules {
			switch rule := &group.Rules[i]; {
			case rule.Labels["threshold"] == "session_cost_usd":
				rule.Expr = intstr.FromString("2.5")
				changed++
			case rule.Record == "browseruse:links_info":
				rule.Labels = map[string]string{"runbook_url": "https://wiki.example/browser-use", "dashboard_url": "https://grafana.example/d/browseruse-exporter"}
				changed++
			}
		}
	}
	if diff := cmp.Diff(want, decoded(t, "everything-values.yaml").rule.Spec); changed != 2 || diff != "" {
		t.Errorf("the rules differ in more than one threshold and the links (-want +got):\n%s", diff)
	}
}

func TestTheDashboardIsThatOfTheRepository(t *testing.T) {
	want, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, configMap := range decoded(t, "monitored-values.yaml").configMaps {
		if text, ok := configMap.Data["browseruse.json"]; ok {
			if strings.TrimSpace(text) != strings.TrimSpace(string(want)) || configMap.Labels["grafana_dashboard"] != "1" {
				t.Errorf("the dashboard is not %s, or has no label for the sidecar", dashboardFile)
			}
			return
		}
	}
	t.Error("there is no dashboard")
}

// TestAPackageHoldsTheFilesThemselves checks that a packaged chart has the rules
// and the dashboard, which are links in the repository.
func TestAPackageHoldsTheFilesThemselves(t *testing.T) {
	loaded, err := loader.Load(chart)
	if err != nil {
		t.Fatal(err)
	}
	path, err := chartutil.Save(loaded, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packaged, err := loader.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range packaged.Files {
		if source := map[string]string{"files/rules.yml": rulesFile, "files/browseruse.json": dashboardFile}[file.Name]; source != "" {
			want, err := os.ReadFile(source)
			if err != nil || string(file.Data) != string(want) {
				t.Errorf("%s is not %s: %v", file.Name, source, err)
			}
			found++
		}
	}
	if found != 2 {
		t.Errorf("%d of 2 files are in the package", found)
	}
}

// TestTheExporterTakesItsArguments starts the real exporter with the arguments
// of each rendering, and the paths in them moved to a folder of the test.
func TestTheExporterTakesItsArguments(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "browseruse_exporter")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = "../.."
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the exporter: %v\n%s", err, output)
	}
	// A start that gets so far as to listen ends there.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	each(t, func(t *testing.T, file string) {
		m := decoded(t, file)
		root := t.TempDir()
		for path, text := range mounted(m) {
			if err := os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o700); err != nil {
				t.Fatal(err)
			}
			text = strings.ReplaceAll(text, " /etc/", " "+root+"/etc/")
			if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args := slices.Clone(m.deployment.Spec.Template.Spec.Containers[0].Args)
		for i := range args {
			args[i] = strings.Replace(args[i], "=/etc/", "="+root+"/etc/", 1)
		}
		output, _ := exec.CommandContext(t.Context(), binary, append(args, "--web.listen-address="+taken.Addr().String())...).CombinedOutput()
		if !strings.Contains(string(output), "address already in use") {
			t.Errorf("with %q the exporter says:\n%s", args, output)
		}
	})
}

// mounted returns the files that the exporter's container has, and their content.
// Each Secret of which the chart names a key holds an API key.
func mounted(m *manifests) map[string]string {
	pod := m.deployment.Spec.Template.Spec
	files := map[string]string{}
	for _, mount := range pod.Containers[0].VolumeMounts {
		volume := pod.Volumes[slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })]
		switch {
		case volume.ConfigMap != nil:
			for _, configMap := range m.configMaps {
				if configMap.Name == volume.ConfigMap.Name {
					for name, text := range configMap.Data {
						files[filepath.Join(mount.MountPath, name)] = text
					}
				}
			}
		case len(volume.Secret.Items) == 0:
			files[filepath.Join(mount.MountPath, "web-config.yml")] = "basic_auth_users: {}\n"
		default:
			files[filepath.Join(mount.MountPath, volume.Secret.Items[0].Path)] = "bu_x"
		}
	}
	return files
}
