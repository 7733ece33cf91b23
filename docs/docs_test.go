package docs_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"browseruse_exporter/collector"
	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
	"browseruse_exporter/web/statuspage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// page returns the text of a page, such as "flags.md" or "../README.md".
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEveryFlagIsDocumented checks the tables of flags, their defaults included,
// against the command line.
func TestEveryFlagIsDocumented(t *testing.T) {
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `--(\\[no-\\])?([a-z.-]+)`[^|]*\\| *([^|]*?) *\\|").FindAllStringSubmatch(page(t, "flags.md"), -1) {
		documented[row[1]+row[2]] = strings.Trim(row[3], "`")
	}
	defined := map[string]string{}
	for _, flag := range exporter.NewApp(&exporter.Config{}, io.Discard).Model().Flags {
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
		t.Errorf("the flags and the tables in flags.md (-flags +page):\n%s", diff)
	}
}

// TestEveryMetricIsDocumented checks the tables of metrics, their labels and
// types included, against an exporter for which everything is turned on.
func TestEveryMetricIsDocumented(t *testing.T) {
	exportertest.SetKey(t, "")
	api := exportertest.NewAPI(1)
	api.Add(simapi.Session{ID: exportertest.SessionID(2), StartedAt: time.Now().Add(-time.Hour), StopAt: time.Now().Add(-time.Minute)})
	api.AddAgents(exportertest.EveryKindOfAgentSession(time.Now())...)
	c, err := exporter.ParseFlags([]string{
		"--api.url=" + exportertest.ServeAPI(t, api), "--session.discover", "--collector.agent-sessions", "--session.metadata-label=team",
		"--session.file=" + exportertest.File(t, exportertest.SessionID(2)+"\n"),
		"--api.key-file=" + exportertest.File(t, exportertest.Key),
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	e, err := exporter.New(c, log.NewNopLogger(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	project := e.Projects()[0].Collector
	project.Read(t.Context()) // what is unseen is known from the second reading on
	reading := project.Read(t.Context())
	api.Inject(simapi.Fault{Handler: simapi.Status(429, "", "Retry-After", "60", "X-RateLimit-Limit", "125", "X-RateLimit-Remaining", "0")})
	project.Read(t.Context()) // of which only what the client keeps is exposed
	families, _, err := prometheus.NewMultiTRegistry(prometheus.ToTransactionalGatherer(e.Registry), project.Gatherer(reading)).Gather()
	if err != nil {
		t.Fatal(err)
	}
	several, err := exportOf("--demo", "--config.file=../deploy/projects.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer several.Close()
	itself, err := several.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	families = append(families, itself...)
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
	for _, row := range regexp.MustCompile("(?m)^\\| `(browseruse_\\w+)`([^|]*)\\| ([^|]*)\\|").FindAllStringSubmatch(page(t, "metrics.md"), -1) {
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
		t.Errorf("the metrics and the tables in metrics.md (-metrics +page):\n%s", diff)
	}
}

// exportOf returns an exporter with these arguments.
func exportOf(args ...string) (*exporter.Exporter, error) {
	c, err := exporter.ParseFlags(args, io.Discard)
	if err != nil {
		return nil, err
	}
	return exporter.New(c, log.NewNopLogger(), nil)
}

// TestEveryKeyOfTheConfigFileIsDocumented checks the table of keys, and that the
// example is taken.
func TestEveryKeyOfTheConfigFileIsDocumented(t *testing.T) {
	exportertest.SetKey(t, "")
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| `--([a-z.-]+)` \\|").FindAllStringSubmatch(page(t, "projects.md"), -1) {
		documented[row[1]] = row[2]
	}
	if diff := cmp.Diff(exporter.ProjectKeys(), documented); diff != "" {
		t.Errorf("the keys and the table in projects.md (-keys +page):\n%s", diff)
	}
	text := strings.ReplaceAll(example(t, "projects.md", "projects:"), "/etc/browseruse/eu-sessions.txt", exportertest.File(t, exportertest.SessionID(1)))
	e, err := exportOf("--demo", "--config.file="+exportertest.File(t, text))
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
}

func joined(set map[string]bool) string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// TestEveryFieldOfTheJSONIsDocumented looks for each field of the golden files.
func TestEveryFieldOfTheJSONIsDocumented(t *testing.T) {
	documented := page(t, "json.md")
	files, err := filepath.Glob("../web/statuspage/testdata/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d golden files: %v", len(files), err)
	}
	fields := map[string]bool{}
	var collect func(any)
	collect = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, item := range value {
				collect(item)
			}
		case map[string]any:
			for name, field := range value {
				if strings.HasPrefix(name, "metadata_") {
					name = "metadata_<key>"
				}
				fields[name] = true
				collect(field)
			}
		}
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var status any
		if err := json.Unmarshal(text, &status); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		collect(status)
	}
	for name := range fields {
		if !strings.Contains(documented, "`"+name+"`") && !strings.Contains(documented, "`"+name+"[]`") {
			t.Errorf("json.md does not describe %s", name)
		}
	}
}

// TestEveryReasonIsDocumented compares the reasons in the tables of failures with
// the golden file, which has every one from the start.
func TestEveryReasonIsDocumented(t *testing.T) {
	golden, documented := page(t, "../testdata/sessions.metrics"), page(t, "failures.md")
	for _, table := range []struct{ metric, row string }{
		{"browseruse_api_request_failures_total", "(?m)^\\|.*reason `(\\w+)`"},
		{"browseruse_api_requests_not_sent_total", "(?m)^\\| `(\\w+)` \\|"},
	} {
		exposed, rows := map[string]bool{}, map[string]bool{}
		for _, match := range regexp.MustCompile(table.metric+`\{.*reason="(\w+)"`).FindAllStringSubmatch(golden, -1) {
			exposed[match[1]] = true
		}
		for _, match := range regexp.MustCompile(table.row).FindAllStringSubmatch(documented, -1) {
			rows[match[1]] = true
		}
		if diff := cmp.Diff(exposed, rows); diff != "" || len(exposed) == 0 {
			t.Errorf("reasons of %s (-exposed +failures.md):\n%s", table.metric, diff)
		}
	}
}

// TestEveryLogMessageIsDocumented compares the messages about failures.
func TestEveryLogMessageIsDocumented(t *testing.T) {
	logged := regexp.MustCompile(`(?m)^\tFailed\w+: +"(.*)",$`).FindAllStringSubmatch(page(t, "../collector/failurelog.go"), -1)
	if len(logged) < 6 {
		t.Errorf("failurelog.go has %d messages; want 6 at least", len(logged))
	}
	for _, message := range logged {
		if !strings.Contains(page(t, "failures.md"), "\n| `"+message[1]+"` |") {
			t.Errorf("failures.md lacks the message %q", message[1])
		}
	}
}

// TestTheReadmesExcerptIsReal looks for the metrics that the README shows.
func TestTheReadmesExcerptIsReal(t *testing.T) {
	golden := page(t, "../testdata/sessions.metrics")
	for line := range strings.Lines(example(t, "../README.md", "browseruse_up")) {
		if !strings.Contains(golden, "\n"+line) {
			t.Errorf("README.md shows a line that the golden file does not have: %s", line)
		}
	}
}

// TestTheReadmeHasTheRules compares the defaults of thresholds and the severities
// of alerts in the README with the shipped rules.
func TestTheReadmeHasTheRules(t *testing.T) {
	readme, rules := page(t, "../README.md"), page(t, "../deploy/prometheus/rules.yml")
	thresholds := regexp.MustCompile("(?m)^\\| `(\\w+_spend_usd)` \\| \\$(\\d+) \\|").FindAllStringSubmatch(readme, -1)
	if len(thresholds) != 2 {
		t.Errorf("README.md has %d thresholds; want 2", len(thresholds))
	}
	for _, row := range thresholds {
		if !strings.Contains(rules, "labels: {threshold: "+row[1]+`}, expr: "`+row[2]+`"`) {
			t.Errorf("rules.yml has another default than %s of %s", row[2], row[1])
		}
	}
	alerts := regexp.MustCompile(`(?m)^\| \[(BrowserUse\w+)\]\([^)]*\) \| (\w+) \|`).FindAllStringSubmatch(readme, -1)
	if len(alerts) != 5 {
		t.Errorf("README.md has %d alerts; want 5", len(alerts))
	}
	for _, row := range alerts {
		_, rule, _ := strings.Cut(rules, "- alert: "+row[1]+"\n")
		if severity := regexp.MustCompile(`severity: (\w+)`).FindStringSubmatch(rule); severity == nil || severity[1] != row[2] {
			t.Errorf("rules.yml has another severity than %s of %s: %q", row[2], row[1], severity)
		}
	}
}

// TestThePageHasTheThresholds compares what the status page points out with the
// shipped rules.
func TestThePageHasTheThresholds(t *testing.T) {
	rules := page(t, "../deploy/prometheus/rules.yml")
	for name, value := range statuspage.Thresholds() {
		if want := fmt.Sprintf(`labels: {threshold: %s}, expr: "%v"`, name, value); !strings.Contains(rules, want) {
			t.Errorf("rules.yml has no %s", want)
		}
	}
	_, traffic, _ := strings.Cut(rules, "record: session:browseruse_proxy_traffic_high:megabytes_per_minute")
	traffic, _, _ = strings.Cut(traffic, "- record:")
	for _, want := range []string{" offset %gm\n", ") / %g\n"} { // the growth over the window, a minute
		if want := fmt.Sprintf(want, collector.SpendWindow.Minutes()); !strings.Contains(traffic, want) {
			t.Errorf("the rule of heavy traffic has no %q", want)
		}
	}
}

// TestTheExampleFilesAreAccepted gives the exporter the session file and the web
// configuration that the pages show, with a real certificate and password.
func TestTheExampleFilesAreAccepted(t *testing.T) {
	sessions, err := collector.OpenSessionFile(exportertest.File(t, example(t, "sessions.md", "# nightly crawl")), log.NewNopLogger(), time.Now)
	if err != nil || sessions == nil {
		t.Error(err)
	}

	a := exportertest.NewAuthority(t)
	certificate := a.Issue(t, "exporter.test", time.Now().Add(time.Hour))
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return exportertest.File(t, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer(
		"exporter.crt", encode("CERTIFICATE", certificate.Certificate[0]),
		"exporter.key", encode("PRIVATE KEY", key),
		"$2y$10$...", string(hash),
	).Replace(example(t, "operation.md", "tls_server_config:"))

	exportertest.SetKey(t, "")
	address, stop := exportertest.Run(t, "--demo", "--web.enable-pprof", "--web.config.file="+exportertest.File(t, config))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "exporter.test"}}
	transport.TLSClientConfig.RootCAs.AddCert(a.Certificate)
	defer transport.CloseIdleConnections()
	for _, path := range []string{"/metrics", "/", "/api/v1/sessions", "/-/healthy", "/debug/pprof/cmdline"} {
		for password, want := range map[string]int{"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized, "secret": http.StatusOK} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if password != "" {
				request.SetBasicAuth("prometheus", password)
			}
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("%s with the password %q: status %d; want %d", path, password, response.StatusCode, want)
			}
		}
	}
	if status := stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// TestTheCommandsAnswer runs what the pages pipe from curl, on an exporter of its
// own.
func TestTheCommandsAnswer(t *testing.T) {
	needProgram(t, "curl")
	needProgram(t, "jq")
	exportertest.SetKey(t, exportertest.Key)
	api := exportertest.NewAPI(1)
	api.Add(simapi.Session{ID: exportertest.SessionID(2), StartedAt: time.Now().Add(-time.Hour), Timeout: time.Hour + 4*time.Minute})
	address, stop := exportertest.Run(t, "--api.url="+exportertest.ServeAPI(t, api))
	defer stop()
	for _, command := range []struct{ page, begin, want string }{
		{"../README.md", "curl -s localhost:10042/metrics", `(?m)^browseruse_up 1$`},
		{"json.md", "curl -s localhost:10042/api/v1/sessions", "^" + exportertest.SessionID(2) + "\n$"},
	} {
		line := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(command.begin) + ".*$").FindString(page(t, command.page))
		if line == "" {
			t.Errorf("%s has no %q", command.page, command.begin)
			continue
		}
		output, err := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(line, "localhost:10042", address, 1)).CombinedOutput()
		if err != nil || !regexp.MustCompile(command.want).Match(output) {
			t.Errorf("%s: %v\n%s", line, err, output)
		}
	}
}

// needProgram skips a test without an installed program, but in CI, which has to
// install it.
func needProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
}

// example returns the fenced text of a page that begins so.
func example(t *testing.T, name, begin string) string {
	t.Helper()
	for _, block := range regexp.MustCompile("(?s)( *)```\\w*\n(.*?)```").FindAllStringSubmatch(page(t, name), -1) {
		text := strings.ReplaceAll("\n"+block[2], "\n"+block[1], "\n")[1:]
		if strings.HasPrefix(text, begin) {
			return text
		}
	}
	t.Fatalf("%s has no example that begins with %q", name, begin)
	return ""
}
