package main

import (
	"net/http"
	"time"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/apiclient/apitest"
)

// demoLinger is how long a finished session of the demo stays exported.
const demoLinger = 15 * time.Minute

// demo is a simulated project that lives in this process.
type demo struct {
	api    *apitest.Server
	server *http.Server
}

// startDemo starts one and points a client at it. No port is opened.
func startDemo(client *apiclient.Options) *demo {
	network := apitest.NewNetwork()
	api := apitest.NewDemo(time.Now)
	d := &demo{api: api, server: &http.Server{Handler: api, ReadHeaderTimeout: readHeaderTimeout}}
	go func() { _ = d.server.Serve(network) }()

	transport := apiclient.NewTransport(client.Concurrency)
	transport.Proxy = nil
	transport.DialContext = network.DialContext
	client.Transport = transport
	client.BaseURL = "http://demo.invalid/api/v3"
	client.Key = func() string { return "bu_demo" }
	return d
}

// sessionIDs are those that an operator would want to see now.
func (d *demo) sessionIDs() []string {
	now := time.Now()
	var ids []string
	for _, session := range d.api.Sessions() {
		finish, finished := session.Finish(now)
		if !session.StartedAt.After(now) && (!finished || now.Sub(finish) < demoLinger) {
			ids = append(ids, session.ID)
		}
	}
	return ids
}

func (d *demo) close() { _ = d.server.Close() }
