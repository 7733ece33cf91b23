package deploy

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"browseruse_exporter/internal/simapi"
)

// TestNativeHistogramsAlone has the list fail in a Prometheus 3 that scrapes
// native histograms and not the classic ones: BrowserUseAPIDown fires without a
// series of any bucket, sum or count.
func TestNativeHistogramsAlone(t *testing.T) {
	version, err := exec.CommandContext(t.Context(), program(t, "prometheus"), "--version").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(version), "prometheus, version 3.") {
		t.Skip("Prometheus 2 does not scrape native histograms alone")
	}
	t.Parallel()
	api := simapi.New(simapi.Options{Key: key})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	target := startExporter(t, "--api.url="+server.URL+"/api/v3", "--api.key-file="+write(t, "key", key))
	address := freeAddress(t)
	config := prometheusConfig(t, address, target, freeAddress(t))
	prometheus := startPrometheus(t, address, adapted(t, config, map[string]string{
		"- job_name: browseruse\n": "- job_name: browseruse\n    scrape_native_histograms: true\n",
		rulesPath(t):               impatient(t),
	}))

	found := func(expr string) func() bool { return func() bool { return len(query(t, prometheus, expr)) > 0 } }
	eventually(t, "a native histogram", found(`histogram_count(browseruse_api_request_duration_seconds{endpoint="browsers"}) > 2`))
	eventually(t, "the list to be read", found(`instance:browseruse_answers:bool == 1`))
	if found(`browseruse_api_request_duration_seconds_count`)() {
		t.Error("there is a classic histogram, too")
	}
	api.Inject(simapi.Fault{Endpoint: "browsers", Handler: simapi.Status(500, `{"detail":"no"}`)})
	eventually(t, "the alert", found(`ALERTS{alertname="BrowserUseAPIDown",alertstate="firing"}`))
}

// impatient returns the path of the shipped rules, whose alerts wait for a second.
func impatient(t *testing.T) string {
	t.Helper()
	shipped, err := os.ReadFile(rulesPath(t))
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "rules.yml", regexp.MustCompile(`( for: )\w+`).ReplaceAllString(string(shipped), "${1}1s"))
}
