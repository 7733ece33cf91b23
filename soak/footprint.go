package main

import (
	"fmt"
	"net/http"
	"time"
)

// footprint is what the exporter holds.
type footprint struct {
	goroutines, files int
	heap, resident    int // bytes
}

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %d open files, %.1f MiB of heap, %.1f MiB of memory", f.goroutines, f.files, float64(f.heap)/(1<<20), float64(f.resident)/(1<<20))
}

// exceeds reports whether f is more than before, by more than a heap that breathes
// and the requests that measure it explain.
func (f footprint) exceeds(before footprint) bool {
	const goroutines, files, heap = 3, 3, 4 << 20
	return f.goroutines > before.goroutines+goroutines || f.files > before.files+files || f.heap > before.heap+heap
}

// footprint lets the exporter collect its garbage, and reads its own metrics. No
// connection is kept open meanwhile: how many there are says how many requests
// were in flight at some time, which is no leak.
func (s *scrapers) footprint() (footprint, error) {
	s.world.server.SetKeepAlivesEnabled(false)
	defer s.world.server.SetKeepAlivesEnabled(true)
	http.DefaultClient.CloseIdleConnections()
	if _, err := s.exporter.get("/debug/pprof/heap?gc=1"); err != nil {
		return footprint{}, err
	}
	text, err := s.exporter.get("/metrics")
	if err != nil {
		return footprint{}, err
	}
	families, err := parse(text)
	if err != nil {
		return footprint{}, err
	}
	gauge := func(name string) int { return int(families[name].GetMetric()[0].GetGauge().GetValue()) }
	return footprint{
		goroutines: gauge("go_goroutines"), files: gauge("process_open_fds"),
		heap: gauge("go_memstats_heap_alloc_bytes"), resident: gauge("process_resident_memory_bytes"),
	}, nil
}

// footprintLike is the footprint as soon as it is like the one before. If it is
// not in a while, that is a problem.
func (s *scrapers) footprintLike(before footprint) (footprint, error) {
	const patience = 10 * time.Second
	for deadline := time.Now().Add(patience); ; time.Sleep(patience / 10) {
		now, err := s.footprint()
		if err != nil || !now.exceeds(before) {
			return now, err
		}
		if time.Now().After(deadline) {
			s.problems.add(fmt.Errorf("the exporter held %v, and holds %v", before, now))
			return now, nil
		}
	}
}
