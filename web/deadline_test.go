package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestDeadline(t *testing.T) {
	deadline := Deadline{Default: 10 * time.Second, Offset: 500 * time.Millisecond}
	for name, test := range map[string]struct {
		header string
		want   time.Duration
	}{
		"Prometheus's own timeout less the offset": {"8", 7500 * time.Millisecond},
		"a fraction":                    {"2.5", 2 * time.Second},
		"no header":                     {"", 10 * time.Second},
		"shorter than twice the offset": {"0.5", 250 * time.Millisecond},
		"nothing":                       {"0", 10 * time.Second},
		"negative":                      {"-1", 10 * time.Second},
		"not a number":                  {"NaN", 10 * time.Second},
		"a word":                        {"soon", 10 * time.Second},
		"infinity":                      {"+Inf", time.Hour - 500*time.Millisecond},
		"more than a duration holds":    {"1e300", time.Hour - 500*time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set(timeoutHeader, test.header)
			if got := deadline.of(r); got != test.want {
				t.Errorf("with the header %q a scrape may take %v; want %v", test.header, got, test.want)
			}
		})
	}
}
