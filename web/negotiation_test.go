package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"browseruse_exporter/internal/exporter/exportertest"
)

// The forms in which metrics are served, as their Content-Type says before the
// escaping, which no name here needs.
const (
	plainText   = "text/plain; version=0.0.4; charset=utf-8"
	openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	protobuf    = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)

// TestScrapers sends the headers that each scraper sends, and checks the form that
// it gets, and that this has the metrics.
func TestScrapers(t *testing.T) {
	const prometheus3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.7,application/openmetrics-text;version=0.0.1;q=0.6," +
		"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3"
	for name, test := range map[string]struct{ accept, encodings, form, encoding string }{
		"Prometheus 2.42": {
			"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			"gzip", openMetrics, "gzip",
		},
		"Prometheus 2.42, native histograms": {
			"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited," +
				"application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			"gzip", protobuf, "gzip",
		},
		"Prometheus 3.16, OpenTelemetry Collector 0.165": {prometheus3, "gzip", openMetrics, "gzip"},
		"Prometheus 3.16, native histograms": {
			"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6," +
				"application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
			"gzip", protobuf, "gzip",
		},
		"Prometheus 3.16, zstd-scrape":  {prometheus3, "zstd,gzip", openMetrics, "gzip"},
		"Prometheus, no compression":    {prometheus3, "identity", openMetrics, ""},
		"VictoriaMetrics vmagent 1.151": {"text/plain;version=0.0.4;q=1,*/*;q=0.1", "gzip", plainText, "gzip"},
		"Telegraf":                      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3,*/*;q=0.1", "gzip", protobuf, "gzip"},
		"curl":                          {"*/*", "", plainText, ""},
		"curl --compressed":             {"*/*", "deflate, gzip, br, zstd", plainText, "gzip"},
		"a browser":                     {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "gzip, deflate, br, zstd", plainText, "gzip"},
	} {
		exportertest.Bubble(t, name, func(t *testing.T) {
			r := exportertest.New(t, exportertest.NewAPI(1))
			response := r.Get("/metrics", "Accept", test.accept, "Accept-Encoding", test.encodings).Result()
			defer func() { _ = response.Body.Close() }()
			for header, want := range map[string]string{"Content-Type": test.form, "Content-Encoding": test.encoding, "Vary": "Accept, Accept-Encoding"} {
				got, _, _ := strings.Cut(strings.Join(response.Header.Values(header), ", "), "; escaping=")
				if got != want {
					t.Errorf("%s %q; want %q", header, got, want)
				}
			}
			checkBody(t, response)
		})
	}
}

// checkBody checks that a response has the metrics, in the form that it says. Protobuf
// has since when a counter counts, too.
func checkBody(t *testing.T, response *http.Response) {
	t.Helper()
	body := io.Reader(response.Body)
	if response.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), openMetrics) {
		text, err := io.ReadAll(body)
		if err != nil || !strings.Contains(string(text), "\nbrowseruse_up 1.0\n") || !strings.HasSuffix(string(text), "\n# EOF\n") {
			t.Errorf("error %v, text %s", err, text)
		}
		return
	}
	isProtobuf := strings.HasPrefix(response.Header.Get("Content-Type"), protobuf)
	decoder := expfmt.NewDecoder(body, expfmt.ResponseFormat(response.Header))
	for {
		var family dto.MetricFamily
		if err := decoder.Decode(&family); err != nil {
			t.Fatalf("no browseruse_up: %v", err)
		}
		switch family.GetName() {
		case "browseruse_spend_usd_total":
			if since := family.GetMetric()[0].GetCounter().GetCreatedTimestamp(); isProtobuf && !since.AsTime().Equal(time.Now()) {
				t.Errorf("spending is counted since %s; want the start", since.AsTime())
			}
		case "browseruse_up":
			return
		}
	}
}
