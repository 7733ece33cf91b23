// Package helm tests the chart: with Helm's own code, and with the types of
// Kubernetes and of the Prometheus operator.
package helm

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/strvals"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

const (
	chart      = "browseruse-exporter"
	valueFiles = chart + "/ci" // where the tools of other chart repositories look, too
)

// manifests are what a rendering of the chart holds, by kind. No kind comes
// twice but ConfigMap.
type manifests struct {
	deployment     *appsv1.Deployment
	service        *corev1.Service
	serviceAccount *corev1.ServiceAccount
	secret         *corev1.Secret
	configMaps     []*corev1.ConfigMap
	monitor        *monitoringv1.ServiceMonitor
	rule           *monitoringv1.PrometheusRule
	policy         *networkingv1.NetworkPolicy
	ingress        *networkingv1.Ingress
	budget         *policyv1.PodDisruptionBudget
	test           *corev1.Pod
}

// TestMain keeps Helm from saying at each loading that it follows links.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// render renders the chart with values, as helm template does.
func render(values map[string]any) (map[string]string, error) {
	loaded, err := loader.Load(chart)
	if err != nil {
		return nil, err
	}
	full, err := chartutil.ToRenderValues(loaded, values, chartutil.ReleaseOptions{Name: "money", Namespace: "watch", IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	return engine.Render(loaded, full)
}

func valuesOf(t *testing.T, path string) map[string]any {
	t.Helper()
	values, err := chartutil.ReadValuesFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// decoded renders the chart with one of the values files and decodes every
// manifest strictly: what its kind does not know is an error.
func decoded(t *testing.T, file string) *manifests {
	t.Helper()
	return decodedValues(t, valuesOf(t, filepath.Join(valueFiles, file)))
}

func decodedValues(t *testing.T, values map[string]any) *manifests {
	t.Helper()
	return decodedFiles(t, rendered(t, values))
}

func rendered(t *testing.T, values map[string]any) map[string]string {
	t.Helper()
	files, err := render(values)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func decodedFiles(t *testing.T, files map[string]string) *manifests {
	t.Helper()
	m := &manifests{}
	for name, text := range files {
		if strings.HasSuffix(name, ".txt") {
			continue
		}
		for manifest := range strings.SplitSeq("\n"+text, "\n---\n") {
			if strings.TrimSpace(manifest) != "" {
				m.decode(t, name, manifest)
			}
		}
	}
	return m
}

func (m *manifests) decode(t *testing.T, name, text string) {
	t.Helper()
	var kind struct{ Kind string }
	if err := yaml.Unmarshal([]byte(text), &kind); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	into := map[string]func() any{
		"Deployment":     func() any { m.deployment = &appsv1.Deployment{}; return m.deployment },
		"Service":        func() any { m.service = &corev1.Service{}; return m.service },
		"ServiceAccount": func() any { m.serviceAccount = &corev1.ServiceAccount{}; return m.serviceAccount },
		"Secret":         func() any { m.secret = &corev1.Secret{}; return m.secret },
		"ConfigMap": func() any {
			m.configMaps = append(m.configMaps, &corev1.ConfigMap{})
			return m.configMaps[len(m.configMaps)-1]
		},
		"ServiceMonitor": func() any { m.monitor = &monitoringv1.ServiceMonitor{}; return m.monitor },
		"PrometheusRule": func() any { m.rule = &monitoringv1.PrometheusRule{}; return m.rule },
		"NetworkPolicy":  func() any { m.policy = &networkingv1.NetworkPolicy{}; return m.policy },
		"Ingress":        func() any { m.ingress = &networkingv1.Ingress{}; return m.ingress },
		"Pod":            func() any { m.test = &corev1.Pod{}; return m.test },
		"PodDisruptionBudget": func() any {
			m.budget = &policyv1.PodDisruptionBudget{}
			return m.budget
		},
	}[kind.Kind]
	if into == nil {
		t.Fatalf("%s: an unexpected %q", name, kind.Kind)
	}
	if err := yaml.UnmarshalStrict([]byte(text), into()); err != nil {
		t.Errorf("%s: %s: %v", name, kind.Kind, err)
	}
}

// each runs a test with each values file.
func each(t *testing.T, test func(t *testing.T, file string)) {
	t.Helper()
	files, err := os.ReadDir(valueFiles)
	if err != nil || len(files) == 0 {
		t.Fatal("no values files", err)
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) { test(t, file.Name()) })
	}
}

func TestLint(t *testing.T) {
	each(t, func(t *testing.T, file string) {
		for _, message := range lint.All(chart, valuesOf(t, filepath.Join(valueFiles, file)), "watch", true).Messages {
			if message.Severity > support.InfoSev {
				t.Error(message)
			}
		}
	})
}

// TestEveryManifestIsOneOfItsKind also checks what has to agree between them.
func TestEveryManifestIsOneOfItsKind(t *testing.T) {
	each(t, func(t *testing.T, file string) {
		m := decoded(t, file)
		pod := m.deployment.Spec.Template
		if *m.deployment.Spec.Replicas != 1 || m.deployment.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
			t.Error("there may be two exporters at once")
		}
		selectors := []map[string]string{m.deployment.Spec.Selector.MatchLabels, m.service.Spec.Selector}
		if m.policy != nil {
			selectors = append(selectors, m.policy.Spec.PodSelector.MatchLabels)
		}
		if m.budget != nil {
			selectors = append(selectors, m.budget.Spec.Selector.MatchLabels)
		}
		for _, selector := range selectors {
			if len(selector) == 0 || !within(selector, pod.Labels) {
				t.Errorf("the selector %v does not match the pod's labels %v", selector, pod.Labels)
			}
			if m.test != nil && within(selector, m.test.Labels) {
				t.Errorf("the selector %v matches the test, too", selector)
			}
		}
		if m.monitor != nil && !within(m.monitor.Spec.Selector.MatchLabels, m.service.Labels) {
			t.Error("the monitor does not select the service")
		}
		if pod.Spec.ServiceAccountName != m.serviceAccount.Name {
			t.Errorf("the service account is %q", pod.Spec.ServiceAccountName)
		}
		mounts := map[string]bool{}
		for _, mount := range pod.Spec.Containers[0].VolumeMounts {
			mounts[mount.Name] = mount.ReadOnly
		}
		for _, volume := range pod.Spec.Volumes {
			if !mounts[volume.Name] {
				t.Errorf("the volume %s is not mounted, or not read-only", volume.Name)
			}
			if volume.ConfigMap != nil && !slices.ContainsFunc(m.configMaps, func(c *corev1.ConfigMap) bool { return c.Name == volume.ConfigMap.Name }) {
				t.Errorf("there is no ConfigMap %s", volume.ConfigMap.Name)
			}
		}
		if len(mounts) != len(pod.Spec.Volumes) {
			t.Errorf("%d mounts of %d volumes", len(mounts), len(pod.Spec.Volumes))
		}
	})
}

func within(some, all map[string]string) bool {
	for name, value := range some {
		if all[name] != value {
			return false
		}
	}
	return true
}

// TestEachReleaseIsAJobOfItsOwn whose name the alerts know: they take what has
// the same job, and the same label project, for one project.
func TestEachReleaseIsAJobOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, file string) {
		monitor := decoded(t, file).monitor
		if monitor == nil {
			return
		}
		for _, endpoint := range monitor.Spec.Endpoints {
			if jobs := replacements(endpoint, "job"); !slices.Equal(jobs, []string{"browseruse/watch/money"}) {
				t.Errorf("the release money in the namespace watch becomes the jobs %q", jobs)
			}
		}
	})
}

// replacements returns the values that a target label is set to.
func replacements(endpoint monitoringv1.Endpoint, label string) (values []string) {
	for _, relabeling := range endpoint.RelabelConfigs {
		if relabeling.TargetLabel == label && len(relabeling.SourceLabels) == 0 {
			values = append(values, *relabeling.Replacement)
		}
	}
	return values
}

// TestThePodHasNoPrivileges checks the pod security standard "restricted", and
// more. OpenShift's restricted profile chooses the user itself.
func TestThePodHasNoPrivileges(t *testing.T) {
	standard, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	each(t, func(t *testing.T, file string) {
		m := decoded(t, file)
		pods := []corev1.PodSpec{m.deployment.Spec.Template.Spec}
		if m.test != nil {
			pods = append(pods, m.test.Spec)
		}
		for _, pod := range pods {
			if result := policy.AggregateCheckResults(standard.EvaluatePod(restricted, &metav1.ObjectMeta{}, &pod)); !result.Allowed {
				t.Error(result.ForbiddenDetail())
			}
			container := pod.Containers[0]
			if *pod.AutomountServiceAccountToken || !*container.SecurityContext.ReadOnlyRootFilesystem {
				t.Error("the pod has a token, or may write")
			}
			if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() {
				t.Error("the container lacks resources")
			}
			if s := pod.SecurityContext; file != "everything-values.yaml" && (s.RunAsUser != nil || s.RunAsGroup != nil || s.FSGroup != nil) {
				t.Error("OpenShift can't choose the user")
			}
		}
	})
}

// TestTheKeyIsAFileOnly checks that the key is neither an argument nor in the
// environment, where any process listing or crash report would show it.
func TestTheKeyIsAFileOnly(t *testing.T) {
	m := decoded(t, "everything-values.yaml")
	text, err := yaml.Marshal(m.deployment)
	if err != nil {
		t.Fatal(err)
	}
	key := m.secret.StringData["key"]
	if key == "" || strings.Contains(string(text), key) {
		t.Error("the key is not in the secret, or is in the deployment")
	}
	secret := m.deployment.Spec.Template.Spec.Volumes[0].Secret
	if secret.SecretName != m.secret.Name || secret.Items[0].Key != "key" {
		t.Errorf("the key is mounted from %q", secret.SecretName)
	}
	if args := m.deployment.Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--api.key-file=/etc/browseruse_exporter/key") {
		t.Errorf("the arguments are %q", args)
	}
	if other := decoded(t, "key-values.yaml"); other.secret != nil || other.deployment.Spec.Template.Spec.Volumes[0].Secret.SecretName != "browser-use" {
		t.Error("an existing secret is not used, or another one is made")
	}
}

// TestAChangedFileReachesTheExporter wants each file in a mounted directory:
// Kubernetes does not change a file that is mounted by a subPath.
func TestAChangedFileReachesTheExporter(t *testing.T) {
	each(t, func(t *testing.T, file string) {
		container := decoded(t, file).deployment.Spec.Template.Spec.Containers[0]
		directories := map[string]bool{}
		for _, mount := range container.VolumeMounts {
			if mount.SubPath != "" || mount.SubPathExpr != "" {
				t.Errorf("%s is mounted by the subPath %s%s", mount.MountPath, mount.SubPath, mount.SubPathExpr)
			}
			directories[mount.MountPath] = true
		}
		for _, arg := range container.Args {
			name, path, _ := strings.Cut(arg, "=")
			if strings.HasSuffix(name, "file") && !directories[filepath.Dir(path)] {
				t.Errorf("%s is in no mounted directory", arg)
			}
		}
	})
}

// TestTheProbes checks that they ask wherever the kubelet may, and else connect.
func TestTheProbes(t *testing.T) {
	const http, https, connect = "HTTP", "HTTPS", ""
	secret := map[string]any{"name": "web", "key": "password"}
	for name, test := range map[string]struct {
		web, monitor map[string]any
		want         string
	}{
		"as it is":               {nil, nil, http},
		"passwords":              {map[string]any{"existingSecret": "web"}, nil, connect},
		"TLS":                    {map[string]any{"existingSecret": "web", "tls": true}, nil, https},
		"TLS of a CA":            {map[string]any{"existingSecret": "web", "tls": true}, map[string]any{"tlsConfig": map[string]any{"ca": secret}}, https},
		"TLS and passwords":      {map[string]any{"existingSecret": "web", "tls": true}, map[string]any{"basicAuth": map[string]any{"username": secret}}, connect},
		"client certificates":    {map[string]any{"existingSecret": "web", "tls": true}, map[string]any{"tlsConfig": map[string]any{"cert": map[string]any{"secret": secret}}}, connect},
		"TLS, said to ask":       {map[string]any{"existingSecret": "web", "tls": true, "auth": true}, nil, connect},
		"passwords of a scraper": {map[string]any{"existingSecret": "web", "tls": true, "auth": false}, map[string]any{"basicAuth": map[string]any{"username": secret}}, https},
	} {
		t.Run(name, func(t *testing.T) {
			values := demo(t, "")
			if test.web != nil {
				values["web"] = test.web
			}
			if test.monitor != nil {
				values["serviceMonitor"] = test.monitor
			}
			container := decodedValues(t, values).deployment.Spec.Template.Spec.Containers[0]
			for path, probe := range map[string]*corev1.Probe{"/-/healthy": container.LivenessProbe, "/-/ready": container.ReadinessProbe} {
				switch {
				case test.want == connect && (probe.TCPSocket == nil || probe.HTTPGet != nil):
					t.Errorf("the probe of %s does not just connect: %v", path, probe)
				case test.want != connect && (probe.HTTPGet == nil || string(probe.HTTPGet.Scheme) != test.want || probe.HTTPGet.Path != path):
					t.Errorf("the probe of %s does not ask by %s: %v", path, test.want, probe)
				}
			}
		})
	}
}

// demo returns the values of a demo, and more, written as YAML.
func demo(t *testing.T, more string) map[string]any {
	t.Helper()
	values, err := chartutil.ReadValues([]byte(more))
	if err != nil {
		t.Fatal(err)
	}
	return chartutil.CoalesceTables(values, map[string]any{"demo": true, "image": map[string]any{"repository": "exporter"}})
}

func TestWrongValuesAreRefusedInOneClearLine(t *testing.T) {
	for name, test := range map[string]struct{ values, want string }{
		"no key":                  {"demo: false", "give exactly one of apiKey.existingSecret, apiKey.value, projects and demo=true"},
		"a key for the demo":      {"apiKey: {value: bu_x}", "give exactly one of"},
		"two keys":                {"{demo: false, apiKey: {value: bu_x, existingSecret: s}}", "give exactly one of"},
		"no image":                {"image: {repository: ''}", "image.repository: name the repository to which you pushed the image"},
		"two exporters":           {"replicaCount: 2", "/replicaCount"},
		"a typing error":          {"serviceMonitr: {enabled: true}", "'serviceMonitr' not allowed"},
		"one further down":        {"serviceMonitor: {enable: true}", "'enable' not allowed"},
		"a duration of words":     {"maxAge: soon", "/maxAge"},
		"an ID that is not one":   {"sessions: {ids: ['42']}", "/sessions/ids/0"},
		"a level that is not one": {"log: {level: loud}", "/log/level"},
		"a rate that is not one":  {"api: {rateLimit: fast}", "/api/rateLimit"},
		"TLS of nothing":          {"web: {tls: true}", "web.existingSecret"},
		"half a minute":           {"serviceMonitor: {interval: 0.5m}", "/serviceMonitor/interval"},
		"projects and a key":      {"{demo: false, apiKey: {value: bu_x}, projects: [{name: a}]}", "projects: give each its own apiKey.existingSecret"},
		"projects and a Secret":   {"{demo: false, apiKey: {existingSecret: s}, projects: [{name: a}]}", "leave out apiKey.existingSecret"},
		"projects and session IDs": {
			"{projects: [{name: a}], sessions: {ids: [00000000-0000-4000-8000-000000000001]}}",
			"leave out apiKey.existingSecret, apiKey.value and sessions.ids",
		},
		"a project without a key":  {"{demo: false, projects: [{name: a}]}", "projects: a has no apiKey.existingSecret"},
		"a project without a name": {"projects: [{account: false}]", "/projects/0"},
		"a name twice":             {"projects: [{name: a}, {name: b}, {name: a}]", "projects: the name a occurs twice"},
		"a name that is not one":   {"projects: [{name: a b}]", "/projects/0/name"},
		"an unknown project key":   {"projects: [{name: a, rate: 5}]", "'rate' not allowed"},
		"a key file of a project":  {"projects: [{name: a, api_key_file: /a}]", "'api_key_file' not allowed"},
		"a threshold of a project": {
			"{prometheusRule: {enabled: true}, projects: [{name: a, thresholds: {session_cost: 3}}]}",
			`there is no "session_cost"; there are hourly_spend_usd, daily_spend_usd`,
		},
		"an unknown threshold": {
			"prometheusRule: {enabled: true, thresholds: {session_cost: 3}}",
			`there is no "session_cost"; there are hourly_spend_usd, daily_spend_usd`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(demo(t, test.values))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q does not say %q", err, test.want)
			}
		})
	}
}

// TestTheHelmTestAsksWhetherTheExporterIsReady runs its command, for which the
// image has the wget of busybox.
func TestTheHelmTestAsksWhetherTheExporterIsReady(t *testing.T) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip(err)
	}
	var status atomic.Int32 // of the answers
	exporter := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/-/ready" {
			t.Errorf("it asks for %s", r.URL)
		}
		w.WriteHeader(int(status.Load()))
	})
	for values, server := range map[string]*httptest.Server{
		"{}": httptest.NewServer(exporter),
		"{web: {existingSecret: web, tls: true}, service: {port: 443}}": httptest.NewTLSServer(exporter),
	} {
		defer server.Close()
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		m := decodedValues(t, demo(t, values))
		command := m.test.Spec.Containers[0].Command
		address := fmt.Sprintf("%s.%s:%d", m.service.Name, m.service.Namespace, m.service.Spec.Ports[0].Port)
		for i := range command {
			command[i] = strings.Replace(command[i], address, server.Listener.Addr().String(), 1)
		}
		if command[0] != "/bin/wget" {
			t.Errorf("the command is %q", command)
		}
		for _, answer := range []int32{http.StatusOK, http.StatusServiceUnavailable} {
			status.Store(answer)
			output, err := exec.CommandContext(t.Context(), busybox, append([]string{"wget"}, command[1:]...)...).CombinedOutput()
			if (err == nil) != (answer == http.StatusOK) {
				t.Errorf("%q of an exporter that answers %d: %v\n%s", command, answer, err, output)
			}
		}
	}
	if decodedValues(t, demo(t, "web: {existingSecret: web}")).test != nil {
		t.Error("it asks where a password is wanted")
	}
}

// TestTheDocumentedInstallationsRender takes the values that the command in
// docs/operation.md and in the chart's README sets.
func TestTheDocumentedInstallationsRender(t *testing.T) {
	for _, path := range []string{"../../docs/operation.md", chart + "/README.md"} {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		command := regexp.MustCompile(`(?m)^helm install \S+ (\S+) --set (\S+)$`).FindStringSubmatch(string(page))
		if command == nil || command[1] != "deploy/helm/"+chart {
			t.Fatalf("%s installs %q", path, command)
		}
		values, err := strvals.Parse(command[2])
		if err != nil {
			t.Fatal(err)
		}
		pod := decodedValues(t, values).deployment.Spec.Template.Spec
		if image := pod.Containers[0].Image; image != "registry.example.com/browseruse_exporter:0.1.0" {
			t.Errorf("the image is %s", image)
		}
		if secret := pod.Volumes[0].Secret.SecretName; secret != "browser-use" {
			t.Errorf("the Secret is %s", secret)
		}
	}
}
