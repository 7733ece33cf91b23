package collector_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"browseruse_exporter/collector"
	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// lines are the samples and comments that are gathered, but for what is about the
// requests to the API.
func lines(t *testing.T, families []collector.Family, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(families, func(a, b collector.Family) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the families are not sorted by name")
	}
	var text bytes.Buffer
	for _, f := range families {
		family := f.Make()
		if strings.HasPrefix(f.Name, "browseruse_api_") || len(family.GetMetric()) == 0 {
			continue
		}
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	all := strings.Split(text.String(), "\n")
	slices.Sort(all)
	return all
}

// registered is what somebody else's registry gathers of a collector.
func registered(collected prometheus.Collector) ([]collector.Family, error) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collected)
	made, err := registry.Gather()
	return collector.FamiliesOf(made), err
}

// TestWhatIsWrittenIsWhatIsCollected compares the exporter's own way to the
// exposition with those of a registry of somebody else's: that of one reading, and
// that of the collector, which reads for each.
func TestWhatIsWrittenIsWhatIsCollected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := exportertest.NewAPI(3)
		api.Add(simapi.Session{ID: exportertest.SessionID(4), StartedAt: time.Now().Add(-time.Hour), StopAt: time.Now().Add(-time.Minute), Metadata: map[string]string{"team": "qa\n\"\xff"}})
		r := exportertest.New(t, api, append(exportertest.IDFlags(5), "--session.metadata-label=team", "--session.metadata-label=a-b", "--session.metadata-label=Z", "--session.discover", "--session.file="+exportertest.File(t, exportertest.SessionID(5)))...)
		reading := r.Collector.Read(t.Context())
		families, err := reading.Families()
		written := lines(t, families, err)
		exportertest.Has(t, strings.Join(written, "\n"), exportertest.Up(1, 1), exportertest.Up(4, 1), exportertest.Up(5, 0))
		for name, collected := range map[string]prometheus.Collector{"the reading": reading, "the collector": r.Collector} {
			families, err := registered(collected)
			if diff := cmp.Diff(lines(t, families, err), written); diff != "" {
				t.Errorf("%s (-collected +written):\n%s", name, diff)
			}
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
		var text bytes.Buffer
		for _, family := range families {
			if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
				t.Fatal(err)
			}
		}
		exportertest.Has(t, text.String(),
			`browseruse_up{project="good"} 1`, `browseruse_up{project="bad"} 0`,
			`browseruse_session_up{project="good",session_id="`+exportertest.SessionID(2)+`"} 1`, `browseruse_session_up{project="bad",session_id="`+exportertest.SessionID(9)+`"} 0`,
			`browseruse_account_credits_usd{project="good",source="monthly"} 87.5`,
			`browseruse_api_requests_total{code="200",endpoint="browsers",project="good"} 1`,
			`browseruse_api_request_failures_total{endpoint="browser",project="bad",reason="timeout"} 1`)
	})
}

// TestEachFormatSaysTheSame asks for the text and for protobuf, which Prometheus
// wants for native histograms.
func TestEachFormatSaysTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exportertest.New(t, exportertest.NewAPI(3), append(exportertest.IDFlags(4), "--session.metadata-label=team")...)
		sessions := func(format expfmt.Format) []string {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
			request.Header.Set("Accept", string(format))
			recorder := httptest.NewRecorder()
			r.Handler.ServeHTTP(recorder, request)
			if got := expfmt.ResponseFormat(recorder.Header()).FormatType(); got != format.FormatType() {
				t.Errorf("the format is %v; want %v", got, format)
			}
			var decoded []*dto.MetricFamily
			for decoder := expfmt.NewDecoder(recorder.Body, format); ; {
				family := &dto.MetricFamily{}
				err := decoder.Decode(family)
				if errors.Is(err, io.EOF) {
					families := collector.FamiliesOf(decoded)
					collector.SortFamilies(families)
					return lines(t, families, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(family.GetName(), "browseruse_session_") {
					decoded = append(decoded, family)
				}
				if family.GetName() == "browseruse_api_request_duration_seconds" && format != expfmt.FmtText && family.GetMetric()[0].GetHistogram().Schema == nil {
					t.Error("the histogram has no native form")
				}
			}
		}
		text, protobuf := sessions(expfmt.NewFormat(expfmt.TypeTextPlain)), sessions(expfmt.NewFormat(expfmt.TypeProtoDelim))
		exportertest.Has(t, strings.Join(text, "\n")+"\n", exportertest.Up(1, 1), exportertest.Up(4, 0))
		if diff := cmp.Diff(text, protobuf); diff != "" {
			t.Errorf("(-text +protobuf):\n%s", diff)
		}
	})
}
