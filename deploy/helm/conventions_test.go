package helm

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"
)

// conventions are values under the names that charts of Prometheus exporters have
// for them, and what each becomes: the field at path, whose names and indices have
// spaces between them, of the object of a kind.
var conventions = []struct{ values, kind, path, want string }{
	{"nameOverride: spend", "Deployment", "metadata name", "money-spend"},
	{"nameOverride: spend", "Service", "spec selector app.kubernetes.io/name", "spend"},
	{"fullnameOverride: spend", "Deployment", "metadata name", "spend"},
	{"namespaceOverride: other", "Service", "metadata namespace", "other"},
	{"namespaceOverride: other", "ServiceMonitor", "spec namespaceSelector matchNames", "[other]"},
	{"commonLabels: {a: b}", "Service", "metadata labels a", "b"},
	{"commonLabels: {a: b}", "Deployment", "spec template metadata labels a", "b"},
	{"commonLabels: {a: b}", "PrometheusRule", "metadata labels a", "b"},
	{"commonLabels: {app.kubernetes.io/name: b}", "Service", "metadata labels app.kubernetes.io/name", chart},

	{"image: {registry: ghcr.io, tag: v1}", "Deployment", "spec template spec containers 0 image", "ghcr.io/exporter:v1"},
	{"{global: {imageRegistry: mirror}, image: {registry: ghcr.io}}", "Pod", "spec containers 0 image", "mirror/exporter:0.1.0"},
	{"imagePullSecrets: [a, {name: b}]", "Deployment", "spec template spec imagePullSecrets", "[{name: a}, {name: b}]"},
	{"image: {pullSecrets: [a]}", "Pod", "spec imagePullSecrets", "[{name: a}]"},
	{"global: {imagePullSecrets: [{name: a}]}", "Deployment", "spec template spec imagePullSecrets", "[{name: a}]"},

	{"replicaCount: 0", "Deployment", "spec replicas", "0"},
	{"strategy: {type: RollingUpdate}", "Deployment", "spec strategy type", "RollingUpdate"},
	{"revisionHistoryLimit: 0", "Deployment", "spec revisionHistoryLimit", "0"},
	{"deploymentAnnotations: {a: b}", "Deployment", "metadata annotations", "{a: b}"},
	{"podAnnotations: {a: b}", "Deployment", "spec template metadata annotations", "{a: b}"},
	{"podLabels: {a: b}", "Deployment", "spec template metadata labels a", "b"},
	{"resources: {limits: {cpu: 1}}", "Deployment", "spec template spec containers 0 resources limits cpu", "1"},
	{"podSecurityContext: {runAsUser: 1}", "Deployment", "spec template spec securityContext runAsUser", "1"},
	{"podSecurityContext: {runAsNonRoot: null}", "Deployment", "spec template spec securityContext runAsNonRoot", ""},
	{"podSecurityContext: null", "Deployment", "spec template spec securityContext", ""},
	{"securityContext: {runAsUser: 1}", "Deployment", "spec template spec containers 0 securityContext runAsUser", "1"},
	{"containerSecurityContext: {runAsUser: 1}", "Deployment", "spec template spec containers 0 securityContext", "{runAsUser: 1}"},
	{"lifecycle: {preStop: {sleep: {seconds: 1}}}", "Deployment", "spec template spec containers 0 lifecycle preStop sleep seconds", "1"},
	{"extraContainers: [{name: a}]", "Deployment", "spec template spec containers 1 name", "a"},
	{"extraInitContainers: [{name: a}]", "Deployment", "spec template spec initContainers 0 name", "a"},
	{"initContainers: [{name: a}]", "Deployment", "spec template spec initContainers 0 name", "a"},
	{"extraVolumes: [{name: a, emptyDir: {}}]", "Deployment", "spec template spec volumes 0", "{name: a, emptyDir: {}}"},
	{"extraVolumeMounts: [{name: a, mountPath: /a}]", "Deployment", "spec template spec containers 0 volumeMounts 0 mountPath", "/a"},
	{"automountServiceAccountToken: true", "Deployment", "spec template spec automountServiceAccountToken", "true"},
	{"podDisruptionBudget: {maxUnavailable: 1}", "PodDisruptionBudget", "spec maxUnavailable", "1"},
	{"extraManifests: [{apiVersion: v1, kind: Secret, metadata: {name: a}}]", "Secret", "metadata name", "a"},
	{"extraManifests: ['{apiVersion: v1, kind: Secret, metadata: {name: {{ .Release.Name }}}}']", "Secret", "metadata name", "money"},

	{"hostAliases: [{ip: 192.0.2.1}]", "Deployment", "spec template spec hostAliases", "[{ip: 192.0.2.1}]"},
	{"hostNetwork: true", "Deployment", "spec template spec hostNetwork", "true"},
	{"hostUsers: false", "Deployment", "spec template spec hostUsers", "false"},
	{"dnsPolicy: None", "Deployment", "spec template spec dnsPolicy", "None"},
	{"dnsConfig: {nameservers: [192.0.2.1]}", "Deployment", "spec template spec dnsConfig nameservers", "[192.0.2.1]"},
	{"nodeSelector: {a: b}", "Deployment", "spec template spec nodeSelector", "{a: b}"},
	{"tolerations: [{key: a}]", "Deployment", "spec template spec tolerations", "[{key: a}]"},
	{"affinity: {podAntiAffinity: {}}", "Deployment", "spec template spec affinity", "{podAntiAffinity: {}}"},
	{"topologySpreadConstraints: [{topologyKey: a}]", "Deployment", "spec template spec topologySpreadConstraints 0 topologyKey", "a"},
	{"priorityClassName: a", "Deployment", "spec template spec priorityClassName", "a"},
	{"runtimeClassName: a", "Deployment", "spec template spec runtimeClassName", "a"},
	{"schedulerName: a", "Deployment", "spec template spec schedulerName", "a"},
	{"terminationGracePeriodSeconds: 5", "Deployment", "spec template spec terminationGracePeriodSeconds", "5"},

	{"livenessProbe: {periodSeconds: 5}", "Deployment", "spec template spec containers 0 livenessProbe periodSeconds", "5"},
	{"livenessProbe: {periodSeconds: 5}", "Deployment", "spec template spec containers 0 livenessProbe httpGet path", "/-/healthy"},
	{"livenessProbe: null", "Deployment", "spec template spec containers 0 livenessProbe", ""},
	{"readinessProbe: {tcpSocket: {port: 1}}", "Deployment", "spec template spec containers 0 readinessProbe", "{tcpSocket: {port: 1}}"},
	{"startupProbe: {failureThreshold: 9}", "Deployment", "spec template spec containers 0 startupProbe httpGet path", "/-/healthy"},
	{"readinessProbe: null", "Deployment", "spec template spec containers 0 readinessProbe", ""},

	{"extraArgs: [--log.level=debug]", "Deployment", "spec template spec containers 0 args", "[--demo, --log.level=debug]"},
	{"extraArgs: [--web.telemetry-path=/m]", "ServiceMonitor", "spec endpoints 0 path", "/m"},
	{"extraArgs: ['--web.listen-address=[::]:9000']", "Deployment", "spec template spec containers 0 ports 0 containerPort", "9000"},
	{"extraEnv: {A: 1}", "Deployment", "spec template spec containers 0 env", "[{name: A, value: '1'}]"},
	{"{extraEnv: [{name: A, value: b}], env: {B: c}}", "Deployment", "spec template spec containers 0 env", "[{name: A, value: b}, {name: B, value: c}]"},

	{"extraEnvFrom: [{secretRef: {name: a}}]", "Deployment", "spec template spec containers 0 envFrom", "[{secretRef: {name: a}}]"},

	{"serviceAccount: {name: a}", "ServiceAccount", "metadata name", "a"},
	{"serviceAccount: {name: a, create: false}", "Deployment", "spec template spec serviceAccountName", "a"},
	{"serviceAccount: {create: false}", "Deployment", "spec template spec serviceAccountName", "default"},
	{"serviceAccount: {create: false}", "ServiceAccount", "", ""},
	{"serviceAccount: {annotations: {a: b}}", "ServiceAccount", "metadata annotations", "{a: b}"},

	{"serviceAccount: {automountServiceAccountToken: true}", "ServiceAccount", "automountServiceAccountToken", "true"},
	{"rbac: {create: false}", "Role", "", ""},

	{"service: {portName: http}", "Service", "spec ports 0 name", "http"},
	{"service: {portName: http}", "ServiceMonitor", "spec endpoints 0 port", "http"},
	{"{service: {portName: http}, ingress: {enabled: true, hosts: [{host: a}]}}", "Ingress",
		"spec rules 0 http paths 0 backend service port name", "http"},
	{"service: {type: NodePort, nodePort: 30000}", "Service", "spec ports 0 nodePort", "30000"},
	{"service: {type: NodePort}", "Service", "spec type", "NodePort"},
	{"service: {port: 80}", "Service", "spec ports 0 port", "80"},
	{"service: {clusterIP: None}", "Service", "spec clusterIP", "None"},
	{"service: {loadBalancerIP: 192.0.2.1}", "Service", "spec loadBalancerIP", "192.0.2.1"},
	{"service: {loadBalancerSourceRanges: [192.0.2.0/24]}", "Service", "spec loadBalancerSourceRanges", "[192.0.2.0/24]"},
	{"service: {externalTrafficPolicy: Local}", "Service", "spec externalTrafficPolicy", "Local"},
	{"service: {ipFamilies: [IPv6], ipFamilyPolicy: SingleStack}", "Service", "spec ipFamilies", "[IPv6]"},
	{"service: {ipDualStack: {enabled: true}}", "Service", "spec ipFamilies", "[IPv6, IPv4]"},
	{"service: {labels: {a: b}}", "Service", "metadata labels a", "b"},
	{"service: {annotations: {a: b}}", "Service", "metadata annotations", "{a: b}"},

	{"ingress: {enabled: true, className: nginx}", "Ingress", "spec ingressClassName", "nginx"},
	{"ingress: {enabled: true, hosts: [{host: a}]}", "Ingress", "spec rules 0 http paths 0 path", "/"},
	{"ingress: {enabled: true, tls: [{secretName: a}]}", "Ingress", "spec tls", "[{secretName: a}]"},
	{"ingress: {enabled: true, labels: {a: b}}", "Ingress", "metadata labels a", "b"},
	{"ingress: {enabled: true, annotations: {a: b}}", "Ingress", "metadata annotations", "{a: b}"},

	{"serviceMonitor: {apiVersion: azmonitoring.coreos.com/v1}", "ServiceMonitor", "apiVersion", "azmonitoring.coreos.com/v1"},
	{"serviceMonitor: {namespace: monitoring}", "ServiceMonitor", "metadata namespace", "monitoring"},
	{"serviceMonitor: {namespace: monitoring}", "ServiceMonitor", "spec namespaceSelector matchNames", "[watch]"},
	{"serviceMonitor: {labels: {a: b}}", "ServiceMonitor", "metadata labels a", "b"},
	{"serviceMonitor: {additionalLabels: {a: b}}", "ServiceMonitor", "metadata labels a", "b"},
	{"serviceMonitor: {annotations: {a: b}}", "ServiceMonitor", "metadata annotations", "{a: b}"},
	{"serviceMonitor: {interval: 1m, scrapeTimeout: 5s}", "ServiceMonitor", "spec endpoints 0 interval", "1m"},
	{"serviceMonitor: {interval: 1m, scrapeTimeout: 5s}", "ServiceMonitor", "spec endpoints 0 scrapeTimeout", "5s"},
	{"serviceMonitor: {timeout: 5s}", "ServiceMonitor", "spec endpoints 0 scrapeTimeout", "5s"},
	{"serviceMonitor: {telemetryPath: /m}", "ServiceMonitor", "spec endpoints 0 path", "/m"},
	{"serviceMonitor: {path: /m}", "ServiceMonitor", "spec endpoints 0 path", "/m"},
	{"serviceMonitor: {scheme: https}", "ServiceMonitor", "spec endpoints 0 scheme", "https"},
	{"serviceMonitor: {tlsConfig: {serverName: a}}", "ServiceMonitor", "spec endpoints 0 tlsConfig serverName", "a"},
	{"serviceMonitor: {basicAuth: {username: {key: a}}}", "ServiceMonitor", "spec endpoints 0 basicAuth username key", "a"},
	{"serviceMonitor: {authorization: {type: Bearer}}", "ServiceMonitor", "spec endpoints 0 authorization type", "Bearer"},
	{"serviceMonitor: {bearerTokenFile: /a}", "ServiceMonitor", "spec endpoints 0 bearerTokenFile", "/a"},
	{"serviceMonitor: {proxyUrl: 'http://a'}", "ServiceMonitor", "spec endpoints 0 proxyUrl", "http://a"},
	{"serviceMonitor: {honorLabels: true}", "ServiceMonitor", "spec endpoints 0 honorLabels", "true"},
	{"serviceMonitor: {honorTimestamps: false}", "ServiceMonitor", "spec endpoints 0 honorTimestamps", "false"},
	{"serviceMonitor: {jobLabel: app.kubernetes.io/name}", "ServiceMonitor", "spec endpoints 0 relabelings 0 replacement", chart},
	{"serviceMonitor: {jobLabel: none}", "ServiceMonitor", "spec endpoints 0 relabelings 0 replacement", "money-" + chart},
	{"serviceMonitor: {targetLabels: [a]}", "ServiceMonitor", "spec targetLabels", "[a]"},
	{"serviceMonitor: {podTargetLabels: [a]}", "ServiceMonitor", "spec podTargetLabels", "[a]"},
	{"serviceMonitor: {relabelings: [{targetLabel: a}]}", "ServiceMonitor", "spec endpoints 0 relabelings 1 targetLabel", "a"},
	{"serviceMonitor: {metricRelabelings: [{action: labeldrop}]}", "ServiceMonitor", "spec endpoints 0 metricRelabelings 0 action", "labeldrop"},
	{"serviceMonitor: {sampleLimit: 9, labelLimit: 8}", "ServiceMonitor", "spec sampleLimit", "9"},
	{"serviceMonitor: {sampleLimit: 9, labelLimit: 8}", "ServiceMonitor", "spec labelLimit", "8"},
	{"serviceMonitor: {scrapeClassicHistograms: true}", "ServiceMonitor", "spec scrapeClassicHistograms", "true"},
	{"serviceMonitor: {scrapeClass: a}", "ServiceMonitor", "spec scrapeClass", "a"},

	{"prometheusRule: {namespace: monitoring}", "PrometheusRule", "metadata namespace", "monitoring"},
	{"prometheusRule: {labels: {a: b}}", "PrometheusRule", "metadata labels a", "b"},
	{"prometheusRule: {additionalLabels: {a: b}}", "PrometheusRule", "metadata labels a", "b"},
	{"prometheusRule: {annotations: {a: b}}", "PrometheusRule", "metadata annotations", "{a: b}"},

	{"dashboard: {namespace: grafana}", "ConfigMap", "metadata namespace", "grafana"},
	{"dashboard: {labels: {a: b}}", "ConfigMap", "metadata labels a", "b"},
	{"dashboard: {annotations: {a: b}}", "ConfigMap", "metadata annotations", "{a: b}"},
}

func TestConventions(t *testing.T) {
	for _, test := range conventions {
		t.Run(test.values+" is in the "+test.kind, func(t *testing.T) {
			values := demo(t, test.values)
			switch test.kind {
			case "ServiceMonitor", "PrometheusRule":
				values = chartutil.CoalesceTables(values, enabled(strings.ToLower(test.kind[:1])+test.kind[1:]))
			case "ConfigMap":
				values = chartutil.CoalesceTables(values, enabled("dashboard"))
			}
			files := rendered(t, values)
			decodedFiles(t, files) // strictly
			want := parsed(t, test.want)
			if got := field(object(t, files, test.kind), strings.Fields(test.path)); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s is %v, want %v", test.kind, test.path, got, want)
			}
		})
	}
}

func enabled(name string) map[string]any {
	return map[string]any{name: map[string]any{"enabled": true}}
}

// object returns the only object of a kind, or nil.
func object(t *testing.T, files map[string]string, kind string) any {
	t.Helper()
	for _, text := range files {
		for manifest := range strings.SplitSeq("\n"+text, "\n---\n") {
			if strings.Contains(manifest, "kind: "+kind+"\n") || strings.Contains(manifest, "kind: "+kind+",") {
				return parsed(t, manifest)
			}
		}
	}
	return nil
}

func parsed(t *testing.T, text string) (value any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// field returns what is at a path of names and indices, or nil.
func field(value any, path []string) any {
	for _, step := range path {
		switch in := value.(type) {
		case map[string]any:
			value = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(in) {
				return nil
			}
			value = in[i]
		default:
			return nil
		}
	}
	return value
}

// TestEveryAlertGetsTheAdditionalLabels and no other rule does. Rules of the user
// follow in a group of their own.
func TestEveryAlertGetsTheAdditionalLabels(t *testing.T) {
	want := decodedValues(t, demo(t, "prometheusRule: {enabled: true}")).rule.Spec
	got := decodedValues(t, demo(t, "prometheusRule: {enabled: true, additionalRuleLabels: {team: web}, rules: [{record: a, expr: b}]}")).rule.Spec
	last := len(got.Groups) - 1
	if got.Groups[last].Name != "money-"+chart || got.Groups[last].Rules[0].Record != "a" {
		t.Errorf("the last group is %v", got.Groups[last])
	}
	got.Groups = got.Groups[:last]
	for _, group := range want.Groups {
		for i := range group.Rules {
			if group.Rules[i].Alert != "" {
				group.Rules[i].Labels["team"] = "web"
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the labels differ (-want +got):\n%s", diff)
	}
}

// TestAnotherChartMayContainThisOne under a condition, and with values for both.
func TestAnotherChartMayContainThisOne(t *testing.T) {
	contained, err := loader.Load(chart)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"global": map[string]any{"imageRegistry": "mirror", "team": "web"}, chart: demo(t, "enabled: true")}
	umbrella := &helmchart.Chart{Metadata: &helmchart.Metadata{APIVersion: "v2", Name: "umbrella", Version: "1.0.0"}}
	umbrella.AddDependency(contained)
	full, err := chartutil.ToRenderValues(umbrella, values, chartutil.ReleaseOptions{Name: "all", Namespace: "watch"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(umbrella, full)
	if err != nil {
		t.Fatal(err)
	}
	if image := decodedFiles(t, files).deployment.Spec.Template.Spec.Containers[0].Image; image != "mirror/exporter:0.1.0" {
		t.Errorf("the image is %s", image)
	}
}

// TestFractionsOnTheCommandLine: Helm makes a text of --set x=2.5.
func TestFractionsOnTheCommandLine(t *testing.T) {
	values, err := strvals.Parse("demo=true,image.repository=e,api.rateLimit=5.5,prometheusRule.enabled=true,prometheusRule.thresholds.session_cost_usd=7.25")
	if err != nil {
		t.Fatal(err)
	}
	m := decodedValues(t, values)
	args := m.deployment.Spec.Template.Spec.Containers[0].Args
	if args[len(args)-1] != "--api.rate-limit=5.5" {
		t.Errorf("the arguments are %q", args)
	}
	for _, group := range m.rule.Spec.Groups {
		for _, rule := range group.Rules {
			if rule.Labels["threshold"] == "session_cost_usd" && rule.Expr.String() != "7.25" {
				t.Errorf("the threshold is %v", rule.Expr)
			}
		}
	}
}
