package main

import (
	"net/http"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/apiclient/apitest"
)

// startDemo starts a simulated project that lives in this process, points a
// client at it, and returns what ends it. No port is opened.
func startDemo(client *apiclient.Options) (end func()) {
	network := apitest.NewNetwork()
	server := &http.Server{Handler: apitest.NewDemo(time.Now), ReadHeaderTimeout: readHeaderTimeout}
	go func() { _ = server.Serve(network) }()

	transport := apiclient.NewTransport(client.Concurrency)
	transport.Proxy = nil
	transport.DialContext = network.DialContext
	client.Transport = transport
	client.BaseURL = "http://demo.invalid/api/v3"
	client.Key = func() string { return "bu_demo" }
	return func() { _ = server.Close() }
}
