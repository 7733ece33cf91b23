package apiclient

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those about the client's own requests.
type metrics struct {
	requests *prometheus.CounterVec
	failures *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newMetrics() metrics {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "browseruse_api_requests_total",
			Help: "Requests that the Browser Use API answered, by endpoint and HTTP status code; retries count, too.",
		}, []string{"endpoint", "code"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "browseruse_api_request_failures_total",
			Help: "Requests to the Browser Use API that failed, by endpoint and reason; those withheld after a 429 are not counted.",
		}, []string{"endpoint", "reason"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                           "browseruse_api_request_duration_seconds",
			Help:                           "How long requests to the Browser Use API took, to the end of the reply or to the failure.",
			Buckets:                        prometheus.DefBuckets,
			NativeHistogramBucketFactor:    1.1,
			NativeHistogramMaxBucketNumber: 100,
		}, []string{"endpoint"}),
	}
	for _, endpoint := range []Endpoint{EndpointBrowser, EndpointBrowsers, EndpointAccount} {
		for _, reason := range reasons {
			m.failures.WithLabelValues(string(endpoint), string(reason))
		}
		m.duration.WithLabelValues(string(endpoint))
	}
	return m
}

func (m *metrics) answered(endpoint Endpoint, status int) {
	m.requests.WithLabelValues(string(endpoint), strconv.Itoa(status)).Inc()
}

func (m *metrics) failed(endpoint Endpoint, reason Reason) {
	m.failures.WithLabelValues(string(endpoint), string(reason)).Inc()
}

func (m *metrics) observe(endpoint Endpoint, took time.Duration) {
	m.duration.WithLabelValues(string(endpoint)).Observe(took.Seconds())
}

// Describe implements prometheus.Collector.
func (c *Client) Describe(ch chan<- *prometheus.Desc) {
	c.metrics.requests.Describe(ch)
	c.metrics.failures.Describe(ch)
	c.metrics.duration.Describe(ch)
}

// Collect implements prometheus.Collector. It asks the API nothing.
func (c *Client) Collect(ch chan<- prometheus.Metric) {
	c.metrics.requests.Collect(ch)
	c.metrics.failures.Collect(ch)
	c.metrics.duration.Collect(ch)
}
