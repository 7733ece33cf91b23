package exportertest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// buildInfo is the one line that depends on what compiled the test.
var buildInfo = regexp.MustCompile(`(?m)^browseruse_exporter_build_info\{.*$`)

// Golden compares an exposition with testdata/NAME.metrics, and lints it.
func Golden(t *testing.T, name, exposition string) {
	t.Helper()
	got := buildInfo.ReplaceAllString(exposition, "browseruse_exporter_build_info 1")
	GoldenText(t, name+".metrics", got)
	problems, err := promlint.New(strings.NewReader(got)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p.Metric != "browseruse_session_proxy_used_megabytes" && p.Metric != "browseruse_proxy_megabytes_total" { // the unit is the API's, and asked for
			t.Errorf("lint: %s: %s", p.Metric, p.Text)
		}
	}
}

// GoldenText compares a text with a file in testdata.
func GoldenText(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Has checks that an exposition has each of these lines.
func Has(t *testing.T, exposition string, lines ...string) {
	t.Helper()
	exposition = "\n" + exposition
	for _, line := range lines {
		if !strings.Contains(exposition, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

// HasNot checks that no line of an exposition begins like this.
func HasNot(t *testing.T, exposition string, prefixes ...string) {
	t.Helper()
	exposition = "\n" + exposition
	for _, prefix := range prefixes {
		if strings.Contains(exposition, "\n"+prefix) {
			t.Errorf("there is a line %s...", prefix)
		}
	}
}

// Up is the line of /metrics that reports whether session n was read.
func Up(n int, value int) string {
	return fmt.Sprintf(`browseruse_session_up{session_id="%s"} %d`, SessionID(n), value)
}

// Failures is the line of /metrics with the count of failed requests.
func Failures(endpoint, reason string, count int) string {
	return fmt.Sprintf(`browseruse_api_request_failures_total{endpoint="%s",reason="%s"} %d`, endpoint, reason, count)
}

// Values counts the sessions that have values.
func Values(exposition string) int { return strings.Count(exposition, "\nbrowseruse_session_active{") }

// AgentsUp counts the agent sessions that have values.
func AgentsUp(exposition string) int {
	return strings.Count(exposition, "\nbrowseruse_agent_session_active{")
}

// SameSessions checks that an exposition has the series of sessions that a good
// one has, name by name and label by label, but of those that are lost only that
// they are not up.
func SameSessions(t *testing.T, exposition, good string, lost func(n int) bool) {
	t.Helper()
	isLost := map[string]bool{}
	var want []string
	for _, s := range SessionSeries(good) {
		id := s[strings.LastIndex(s, `session_id="`)+len(`session_id="`):][:len(SessionID(0))]
		if _, known := isLost[id]; !known {
			n, _ := strconv.Atoi(strings.TrimLeft(id[len(id)-12:], "0"))
			isLost[id] = lost(n)
		}
		if up, isUp := strings.CutSuffix(s, " 1"); isLost[id] && isUp {
			want = append(want, up+" 0")
		} else if !isLost[id] {
			want = append(want, s)
		}
	}
	if got := SessionSeries(exposition); !slices.Equal(got, want) {
		t.Errorf("the series of the sessions (-want +got):\n%s", cmp.Diff(want, got))
	}
}

// SessionSeries returns the series of all sessions, without their values but for
// whether the session is up.
func SessionSeries(exposition string) []string {
	var all []string
	for line := range strings.Lines(exposition) {
		if strings.HasPrefix(line, "browseruse_session_up{") {
			all = append(all, line[:len(line)-1])
		} else if strings.HasPrefix(line, "browseruse_session_") && strings.Contains(line, "session_id=") {
			all = append(all, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	return all
}

// FailureKinds finds the lines of /metrics with the kinds of failures that occurred.
var FailureKinds = regexp.MustCompile(`(?m)^browseruse_api_request_failures_total\{.*\} [1-9].*$`)
