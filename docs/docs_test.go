package docs_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
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
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// section returns the part of the README under a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
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
		t.Errorf("the flags and the README's table of them (-flags +README):\n%s", diff)
	}
}

// TestTheReadmeHasEveryMetric checks the table of metrics, their labels and
// types included, against an exporter for which everything is turned on.
func TestTheReadmeHasEveryMetric(t *testing.T) {
	exportertest.SetKey(t, exportertest.Key)
	api := exportertest.NewAPI(1)
	api.Add(simapi.Session{ID: exportertest.SessionID(2), StartedAt: time.Now().Add(-time.Hour), StopAt: time.Now().Add(-time.Minute)})
	c, err := exporter.ParseFlags([]string{
		"--api.url=" + exportertest.ServeAPI(t, api), "--session.discover", "--session.metadata-label=team",
		"--session.file=" + exportertest.File(t, exportertest.SessionID(2)+"\n"),
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

// TestTheReadmeHasEveryFieldOfTheJSON looks for each in the section on it.
func TestTheReadmeHasEveryFieldOfTheJSON(t *testing.T) {
	documented := section(t, "Endpoints")
	files, err := filepath.Glob("../web/statuspage/testdata/status-*.json")
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
			t.Errorf("the README does not tell of %s", name)
		}
	}
}

// TestTheReadmesFilesAreTaken gives the exporter the session file and the web
// configuration that the README shows, with a real certificate and password.
func TestTheReadmesFilesAreTaken(t *testing.T) {
	sessions, err := collector.OpenSessionFile(exportertest.File(t, example(t, "Run it for real", "# nightly crawl")), log.NewNopLogger(), time.Now)
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
	).Replace(example(t, "Operation", "tls_server_config:"))

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

// TestTheReadmesCommandsAnswer runs what the README pipes from curl, on an
// exporter of its own.
func TestTheReadmesCommandsAnswer(t *testing.T) {
	needProgram(t, "curl")
	needProgram(t, "jq")
	exportertest.SetKey(t, exportertest.Key)
	api := exportertest.NewAPI(1)
	api.Add(simapi.Session{ID: exportertest.SessionID(2), StartedAt: time.Now().Add(-time.Hour), Timeout: time.Hour + 4*time.Minute})
	address, stop := exportertest.Run(t, "--api.url="+exportertest.ServeAPI(t, api))
	defer stop()
	for _, command := range []struct{ heading, begin, want string }{
		{"Run it for real", "curl -s localhost:10042/metrics", `(?m)^browseruse_up 1$`},
		{"Endpoints", "curl -s localhost:10042/api/v1/sessions", "^" + exportertest.SessionID(2) + "\n$"},
	} {
		line := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(command.begin) + ".*$").FindString(section(t, command.heading))
		if line == "" {
			t.Errorf("the section %q has no %q", command.heading, command.begin)
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

// example returns the fenced text of a section that begins so.
func example(t *testing.T, heading, begin string) string {
	t.Helper()
	for _, block := range regexp.MustCompile("(?s)( *)```\\w*\n(.*?)```").FindAllStringSubmatch(section(t, heading), -1) {
		text := strings.ReplaceAll("\n"+block[2], "\n"+block[1], "\n")[1:]
		if strings.HasPrefix(text, begin) {
			return text
		}
	}
	t.Fatalf("the section %q has no example that begins with %q", heading, begin)
	return ""
}
