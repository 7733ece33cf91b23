package apiclient

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	holdUntilDesc = prometheus.NewDesc("browseruse_api_hold_until_timestamp_seconds",
		"Until when no request is sent because the API asked for a pause, in seconds since the epoch; absent outside of one.", nil, nil)
	rateLimitDesc = prometheus.NewDesc("browseruse_api_rate_limit_requests",
		"Requests that the whole project may send in the API's window, as the latest response says; absent until one does.", nil, nil)
	rateLimitRemainingDesc = prometheus.NewDesc("browseruse_api_rate_limit_remaining_requests",
		"Requests that the whole project had left in the API's window, as the latest response says; absent until one does.", nil, nil)
)

// metrics are those about the client's own requests.
type metrics struct {
	requests     *prometheus.CounterVec
	failures     *prometheus.CounterVec
	notSent      *prometheus.CounterVec
	invalidItems *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	holdUntil    func() (time.Time, Reason)
	now          func() time.Time

	mu      sync.Mutex
	history map[failureKind]*FailureCount
	budget  *rateLimitBudget // nil until a response has one
}

// rateLimitBudget is the project's request budget as the API's headers have it.
type rateLimitBudget struct{ limit, remaining float64 }

type failureKind struct {
	endpoint Endpoint
	reason   Reason
}

// FailureCount is what is known of the failures of one kind since the start.
type FailureCount struct {
	Endpoint Endpoint
	Reason   Reason
	Total    int
	Last     time.Time
}

func newMetrics(holdUntil func() (time.Time, Reason), now func() time.Time, agentSessions bool) *metrics {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"endpoint", label})
	}
	m := &metrics{
		requests: counter("browseruse_api_requests_total",
			"Requests that the Browser Use API answered, by endpoint and HTTP status code; retries count, too.", "code"),
		failures: counter("browseruse_api_request_failures_total",
			"Requests to the Browser Use API that failed, by endpoint and reason; those that were not sent are not counted.", "reason"),
		notSent: counter("browseruse_api_requests_not_sent_total",
			"Requests that were not sent: held by a pause that the API asked for, out of time, or since the whole API fails.", "reason"),
		invalidItems: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "browseruse_api_invalid_items_total", Help: "Items of a list that could not be read.",
		}, []string{"endpoint"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                           "browseruse_api_request_duration_seconds",
			Help:                           "How long requests to the Browser Use API took, to the end of the response or to the failure.",
			Buckets:                        prometheus.DefBuckets,
			NativeHistogramBucketFactor:    1.1,
			NativeHistogramMaxBucketNumber: 100,
		}, []string{"endpoint"}),
		holdUntil: holdUntil,
		now:       now,
		history:   map[failureKind]*FailureCount{},
	}
	endpoints, lists := []Endpoint{EndpointBrowser, EndpointBrowsers, EndpointAccount}, []Endpoint{EndpointBrowsers}
	if agentSessions {
		endpoints, lists = append(endpoints, EndpointAgentSession, EndpointAgentSessions), append(lists, EndpointAgentSessions)
	}
	for _, endpoint := range endpoints {
		for _, reason := range reasons {
			m.failures.WithLabelValues(string(endpoint), string(reason))
		}
		for _, reason := range notSentReasons {
			m.notSent.WithLabelValues(string(endpoint), string(reason))
		}
		m.duration.WithLabelValues(string(endpoint))
	}
	for _, list := range lists {
		m.invalidItems.WithLabelValues(string(list))
	}
	return m
}

// observeResponse counts a response and keeps the request budget that its headers
// have.
func (m *metrics) observeResponse(endpoint Endpoint, response *http.Response) {
	m.requests.WithLabelValues(string(endpoint), strconv.Itoa(response.StatusCode)).Inc()
	limit, err := strconv.ParseUint(response.Header.Get("X-RateLimit-Limit"), 10, 32)
	if err != nil {
		return
	}
	remaining, err := strconv.ParseUint(response.Header.Get("X-RateLimit-Remaining"), 10, 32)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.budget = &rateLimitBudget{limit: float64(limit), remaining: float64(remaining)}
}

func (m *metrics) countFailure(endpoint Endpoint, reason Reason) {
	m.failures.WithLabelValues(string(endpoint), string(reason)).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	kind := failureKind{endpoint, reason}
	if m.history[kind] == nil {
		m.history[kind] = &FailureCount{Endpoint: endpoint, Reason: reason}
	}
	m.history[kind].Total++
	m.history[kind].Last = m.now()
}

func (m *metrics) countNotSent(endpoint Endpoint, reason NotSent) {
	m.notSent.WithLabelValues(string(endpoint), string(reason)).Inc()
}

// Failures returns the kinds of failures since the start, the latest first.
func (c *Client) Failures() []FailureCount {
	m := c.metrics
	m.mu.Lock()
	defer m.mu.Unlock()
	failures := make([]FailureCount, 0, len(m.history))
	for _, failure := range m.history {
		failures = append(failures, *failure)
	}
	slices.SortFunc(failures, func(a, b FailureCount) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Reason, b.Reason))
	})
	return failures
}

// Describe implements prometheus.Collector.
func (c *Client) Describe(ch chan<- *prometheus.Desc) {
	for _, vec := range c.metrics.vecs() {
		vec.Describe(ch)
	}
	ch <- holdUntilDesc
	ch <- rateLimitDesc
	ch <- rateLimitRemainingDesc
}

// Collect implements prometheus.Collector. It sends no request.
func (c *Client) Collect(ch chan<- prometheus.Metric) {
	m := c.metrics
	for _, vec := range m.vecs() {
		vec.Collect(ch)
	}
	if until, _ := m.holdUntil(); !until.IsZero() {
		ch <- prometheus.MustNewConstMetric(holdUntilDesc, prometheus.GaugeValue, float64(until.UnixMicro())/1e6)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.budget != nil {
		ch <- prometheus.MustNewConstMetric(rateLimitDesc, prometheus.GaugeValue, m.budget.limit)
		ch <- prometheus.MustNewConstMetric(rateLimitRemainingDesc, prometheus.GaugeValue, m.budget.remaining)
	}
}

func (m *metrics) vecs() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.failures, m.notSent, m.invalidItems, m.duration}
}
