package apiclient

import "testing"

// oneSession is a session as the API's page describes it.
const oneSession = `{"id":"5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f","status":"active","liveUrl":"https://live.example/?wss=abcdefghijklmnopqrstuvwxyz",
"cdpUrl":"https://cdp.example/abcdefghijklmnopqrstuvwxyz","timeoutAt":"2026-08-13T04:03:24.128508Z","startedAt":"2026-08-13T03:03:24.128508Z",
"finishedAt":null,"proxyUsedMb":"5.8607378005981443438","proxyCost":"0.02861688379198312667871093750","browserCost":"0.0006666666666666666666666666667",
"agentSessionId":"0b8c3c7a-2f6e-4a51-8a1d-6f1e2d3c4b5a","recordingUrl":null,"recordingAvailable":false,"metadata":{"team":"qa"}}`

func BenchmarkDecodeSession(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(oneSession)))
	client := New(Options{Concurrency: 1})
	for b.Loop() {
		var wire wireSession
		if err := decodeObject([]byte(oneSession), &wire); err != nil {
			b.Fatal(err)
		}
		if _, err := client.session(&wire); err != nil {
			b.Fatal(err)
		}
	}
}
