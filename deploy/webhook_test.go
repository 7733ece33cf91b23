package deploy

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// notification is what Alertmanager posts to a webhook, as far as it is of use.
type notification struct {
	GroupLabels map[string]string `json:"groupLabels"`
	Alerts      []alert           `json:"alerts"`
}

type alert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// webhook collects notifications by the receiver that they were sent to.
type webhook struct {
	address string

	mu       sync.Mutex
	received map[string][]notification
}

func startWebhook(t *testing.T) *webhook {
	t.Helper()
	hook := &webhook{received: map[string][]notification{}}
	server := httptest.NewServer(hook)
	t.Cleanup(server.Close)
	hook.address = server.Listener.Addr().String()
	return hook
}

func (w *webhook) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	var n notification
	if err := json.NewDecoder(request.Body).Decode(&n); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.received[request.URL.Path] = append(w.received[request.URL.Path], n)
}

// find returns the latest alert of a receiver that has a status and labels.
func (w *webhook) find(receiver, status string, labels map[string]string) *alert {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found *alert
	for _, n := range w.received[receiver] {
		for _, a := range n.Alerts {
			if a.Status == status && has(a.Labels, labels) {
				found = &a
			}
		}
	}
	return found
}

// count returns how many notifications came, but those for the log.
func (w *webhook) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.received["/pager"]) + len(w.received["/tickets"])
}

func has(all, some map[string]string) bool {
	for name, value := range some {
		if all[name] != value {
			return false
		}
	}
	return true
}
