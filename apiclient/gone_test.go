package apiclient_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"browseruse_exporter/internal/simapi"
)

// TestSessionsThatAreGoneCloseNothing has more sessions that are gone than a batch
// allows failures, in a project that answers.
func TestSessionsThatAreGoneCloseNothing(t *testing.T) {
	for _, status := range []int{404, 410} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := newAPI(20)
				for n := 1; n <= 10; n++ {
					api.Inject(simapi.Fault{ID: id(n), Handler: simapi.Status(status, `{"detail":"gone"}`)})
				}
				batch := newClient(t, api).NewBatch(false)
				if _, err := batch.ActiveSessions(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
				for n := 1; n <= 20; n++ {
					if _, err := batch.Session(t.Context(), id(n)); (err != nil) != (n <= 10) {
						t.Errorf("session %d: error %v", n, err)
					}
				}
				if failure := batch.Closed(); failure != nil {
					t.Errorf("closed by %v", failure)
				}
			})
		})
	}
}
