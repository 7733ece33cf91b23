package apiclient_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"browseruse_exporter/internal/simapi"
)

// TestAnErrorComesWithoutASession has responses about another session, and about
// none: nothing of them is returned.
func TestAnErrorComesWithoutASession(t *testing.T) {
	for name, change := range map[string]map[string]any{
		"another session":   {"id": id(2)},
		"a cost in words":   {"browserCost": "free"},
		"a time in no year": {"timeoutAt": "9999-12-31T23:59:59-01:00"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := newAPI(0)
				api.Add(simapi.Session{ID: id(1), StartedAt: time.Now(), Override: change})
				session, err := newClient(t, api).NewBatch(false).Session(t.Context(), id(1))
				if err == nil || session != nil {
					t.Errorf("%+v, error %v; want no session, and an error", session, err)
				}
			})
		})
	}
}

// TestATotalBeyondReason must not overflow what is computed from it.
func TestATotalBeyondReason(t *testing.T) {
	for _, total := range []string{"9223372036854775807", "9223372036854774784", "1e18"} {
		t.Run(total, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := fmt.Sprintf(`{"items":[],"totalItems":%s,"pageNumber":1,"pageSize":100}`, total)
				page, err := newClient(t, simapi.Status(200, body)).NewBatch(false).ActiveSessions(t.Context(), 1)
				if err == nil && (page.Total < 1e6 || page.Total > math.MaxInt32-page.Size) { // what an int holds anywhere
					t.Errorf("a total of %d; want one that is large, but can be computed with", page.Total)
				}
			})
		})
	}
}
