package apiclient_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/simapi"
)

// TestAProxyThatRefuses has HTTPS_PROXY lead to one that does not connect to the
// API: the error says that it is the proxy, and quotes nothing of it.
func TestAProxyThatRefuses(t *testing.T) {
	for status, want := range map[string]string{
		"407 " + simapi.Credential: "the proxy refuses to connect: status 407: Proxy Authentication Required",
		"403 " + simapi.Credential: "the proxy refuses to connect: status 403: Forbidden",
		"599 " + simapi.Credential: "the proxy refuses to connect: status 599: a status without a name",
		simapi.Credential:          "the response is not HTTP",
	} {
		t.Run(want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := simapi.NewNetwork()
				proxy := &http.Server{Handler: simapi.Raw("HTTP/1.1 "+status+"\r\nProxy-Authenticate: Basic realm="+simapi.Credential+"\r\n\r\n"+simapi.Credential, false)}
				go func() { _ = proxy.Serve(network) }()
				transport := apiclient.NewTransport(2)
				transport.DialContext = network.DialContext
				transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.test:3128", User: url.UserPassword("user", simapi.Credential)})
				client := apiclient.New(apiclient.Options{
					BaseURL: "https://api.test", Key: func() string { return "k" }, Timeout: 5 * time.Second, Concurrency: 2, Transport: transport,
				})
				t.Cleanup(func() {
					client.CloseIdleConnections()
					_ = proxy.Close()
				})
				_, err := client.NewBatch(false).Session(t.Context(), id(1))
				var failure *apiclient.Error
				if !errors.As(err, &failure) || failure.Reason != apiclient.ReasonConnection || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v; want one of the connection, %q", err, want)
				}
				if strings.Contains(err.Error(), simapi.Credential) {
					t.Errorf("the error shows a credential: %v", err)
				}
			})
		})
	}
}
