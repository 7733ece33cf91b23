package collector_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// scrapeFormat returns what /metrics answers to a client that accepts this format.
func scrapeFormat(t *testing.T, r *exportertest.Rig, format expfmt.Format) string {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", string(format))
	recorder := httptest.NewRecorder()
	r.Handler.ServeHTTP(recorder, request)
	if got := expfmt.ResponseFormat(recorder.Header()).FormatType(); recorder.Code != http.StatusOK || got != format.FormatType() {
		t.Errorf("status %d, format %v; want 200 and %v", recorder.Code, got, format)
	}
	return recorder.Body.String()
}

// decoded returns the families of an exposition.
func decoded(t *testing.T, exposition string, format expfmt.Format) []*dto.MetricFamily {
	t.Helper()
	var families []*dto.MetricFamily
	for decoder := expfmt.NewDecoder(strings.NewReader(exposition), format); ; {
		family := &dto.MetricFamily{}
		err := decoder.Decode(family)
		if errors.Is(err, io.EOF) {
			return families
		}
		if err != nil {
			t.Fatal(err)
		}
		families = append(families, family)
	}
}

var (
	textFormat  = expfmt.NewFormat(expfmt.TypeTextPlain)
	openMetrics = expfmt.NewFormat(expfmt.TypeOpenMetrics)
	protobuf    = expfmt.NewFormat(expfmt.TypeProtoDelim)
)

// newVariedRig has sessions of each kind, and answers each scrape from the same
// reading.
func newVariedRig(t *testing.T) *exportertest.Rig {
	t.Helper()
	api := exportertest.NewAPI(3)
	api.Add(simapi.Session{ID: exportertest.SessionID(4), StartedAt: time.Now().Add(-time.Hour), StopAt: time.Now().Add(-time.Minute), Metadata: map[string]string{"team": "qa\n\"\xff"}})
	api.AddAgents(exportertest.EveryKindOfAgentSession(time.Now())...)
	return exportertest.New(t, api, append(exportertest.IDFlags(5), "--collector.agent-sessions", "--scrape.max-age=1h", "--session.metadata-label=team", "--session.metadata-label=a-b", "--session.metadata-label=Z", "--session.discover", "--session.file="+exportertest.File(t, exportertest.SessionID(5)))...)
}

// TestARegistrySaysWhatIsServed compares what somebody else's registry gathers of
// the collector with what is served: names, help, types, labels and values, those
// of native histograms too.
func TestARegistrySaysWhatIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newVariedRig(t)
		exportertest.Has(t, r.Scrape(), exportertest.Up(1, 1), exportertest.Up(4, 1), exportertest.Up(5, 0))
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(r.Collector)
		registered, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		project := func(families []*dto.MetricFamily) []string {
			var all []string
			for _, family := range families {
				if name := family.GetName(); strings.HasPrefix(name, "browseruse_") && name != "browseruse_exporter_build_info" {
					for _, metric := range family.GetMetric() {
						all = append(all, fmt.Sprint(name, " ", family.GetHelp(), " ", family.GetType(), " ", metric))
					}
				}
			}
			return all
		}
		served := project(decoded(t, scrapeFormat(t, r, protobuf), protobuf))
		if diff := cmp.Diff(project(registered), served); diff != "" {
			t.Errorf("(-registered +served):\n%s", diff)
		}
		if !strings.Contains(strings.Join(served, "\n"), "schema") {
			t.Error("no histogram has a native form")
		}
	})
}

// TestACollectorInSomebodyElsesRegistry has two projects there, each with a label
// of its own, of which one hangs.
func TestACollectorInSomebodyElsesRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad := exportertest.New(t, exportertest.NewAPI(2)), exportertest.New(t, exportertest.NewAPI(2), "--session.id="+exportertest.SessionID(9), "--scrape.timeout=7s", "--api.timeout=1m")
		bad.API.Inject(simapi.Fault{Handler: simapi.Hang()})
		registry := prometheus.NewPedanticRegistry()
		for name, r := range map[string]*exportertest.Rig{"good": good, "bad": bad} {
			prometheus.WrapRegistererWith(prometheus.Labels{"project": name}, registry).MustRegister(r.Collector)
		}
		start := time.Now()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 7*time.Second {
			t.Errorf("it was collected in %v; want the 7s of --scrape.timeout", took)
		}
		var exposition bytes.Buffer
		for _, family := range families {
			if _, err := expfmt.MetricFamilyToText(&exposition, family); err != nil {
				t.Fatal(err)
			}
		}
		exportertest.Has(t, exposition.String(),
			`browseruse_up{project="good"} 1`, `browseruse_up{project="bad"} 0`,
			`browseruse_session_up{project="good",session_id="`+exportertest.SessionID(2)+`"} 1`, `browseruse_session_up{project="bad",session_id="`+exportertest.SessionID(9)+`"} 0`,
			`browseruse_account_credits_usd{project="good",source="monthly"} 87.5`,
			`browseruse_api_requests_total{code="200",endpoint="browsers",project="good"} 2`,
			`browseruse_api_request_failures_total{endpoint="browser",project="bad",reason="timeout"} 1`)
	})
}

// TestEachFormatSaysTheSame compares the text with OpenMetrics and with protobuf.
func TestEachFormatSaysTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newVariedRig(t)
		r.Scrape()
		want := lines(t, scrapeFormat(t, r, textFormat))
		exportertest.Has(t, strings.Join(want, "\n")+"\n", exportertest.Up(1, 1), exportertest.Up(5, 0))

		open, ended := strings.CutSuffix(scrapeFormat(t, r, openMetrics), "# EOF\n")
		if diff := cmp.Diff(want, lines(t, open)); diff != "" || !ended {
			t.Errorf("OpenMetrics ends as it should: %v (-text +OpenMetrics):\n%s", ended, diff)
		}
		var rewritten strings.Builder
		for _, family := range decoded(t, scrapeFormat(t, r, protobuf), protobuf) {
			if _, err := expfmt.MetricFamilyToText(&rewritten, family); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, lines(t, rewritten.String())); diff != "" {
			t.Errorf("(-text +protobuf):\n%s", diff)
		}
	})
}

// lines are those of a text in either format, in the form that both have: the
// values are numbers written one way, and counters are described by their bare
// name. Those about the serving itself differ from one scrape to the next.
func lines(t *testing.T, exposition string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(exposition) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.Contains(line, "promhttp_"):
			continue
		case strings.HasPrefix(line, "# "):
			line = strings.Replace(line, "_total ", " ", 1)
		default:
			end := strings.LastIndex(line, " ")
			value, err := strconv.ParseFloat(line[end+1:], 64)
			if err != nil {
				t.Fatal(err)
			}
			line = regexp.MustCompile(`le="(\d+)\.0"`).ReplaceAllString(line[:end], `le="$1"`) + " " + strconv.FormatFloat(value, 'g', -1, 64)
		}
		all = append(all, line)
	}
	return all
}
