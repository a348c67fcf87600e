package serve

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"time"
)

// bounds of the histogram of times, in seconds.
var bounds = [...]float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// requestMetrics counts requests.
type requestMetrics struct {
	mu     sync.Mutex
	counts map[[2]string]uint64 // by path and status
	times  map[string]*histogram
}

type histogram struct {
	buckets [len(bounds) + 1]uint64
	sum     float64
	n       uint64
}

// count notes a request to the pattern of a handler, "" for one that no handler takes.
func (m *requestMetrics) count(pattern string, code int, took time.Duration) {
	path := "other"
	if _, p, ok := strings.Cut(pattern, " "); ok {
		path = strings.TrimSuffix(p, "{$}")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts, m.times = map[[2]string]uint64{}, map[string]*histogram{}
	}
	m.counts[[2]string{path, fmt.Sprint(code)}]++
	h := m.times[path]
	if h == nil {
		h = new(histogram)
		m.times[path] = h
	}
	seconds := took.Seconds()
	i, _ := slices.BinarySearch(bounds[:], seconds)
	h.buckets[i]++
	h.sum += seconds
	h.n++
}

// text writes everything in Prometheus' text format, sorted.
func (m *requestMetrics) text(s *Service) string {
	var b strings.Builder
	head := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	m.mu.Lock()
	head("neuralode_requests_total", "counter", "Requests answered.")
	var keys [][2]string
	for k := range m.counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, c [2]string) int { return strings.Compare(a[0]+" "+a[1], c[0]+" "+c[1]) })
	for _, k := range keys {
		fmt.Fprintf(&b, "neuralode_requests_total{path=%q,code=%q} %d\n", k[0], k[1], m.counts[k])
	}
	head("neuralode_request_seconds", "histogram", "Time from a request to the end of its answer.")
	var paths []string
	for p := range m.times {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		h, below := m.times[p], uint64(0)
		for i, bound := range bounds {
			below += h.buckets[i]
			fmt.Fprintf(&b, "neuralode_request_seconds_bucket{path=%q,le=\"%g\"} %d\n", p, bound, below)
		}
		fmt.Fprintf(&b, "neuralode_request_seconds_bucket{path=%q,le=\"+Inf\"} %d\n", p, h.n)
		fmt.Fprintf(&b, "neuralode_request_seconds_sum{path=%q} %g\nneuralode_request_seconds_count{path=%q} %d\n", p, h.sum, p, h.n)
	}
	m.mu.Unlock()
	head("neuralode_predictions_in_flight", "gauge", "Predictions being computed now.")
	fmt.Fprintf(&b, "neuralode_predictions_in_flight %d\n", len(s.turns))
	head("neuralode_predictions_waiting", "gauge", "Requests that wait for their turn.")
	fmt.Fprintf(&b, "neuralode_predictions_waiting %d\n", max(0, s.waiting.Load()-int64(len(s.turns))))
	head("neuralode_model_info", "gauge", "The model that is served.")
	fmt.Fprintf(&b, "neuralode_model_info{kind=%q,members=\"%d\"} 1\n", s.model.Kind, len(s.model.Members()))
	head("go_goroutines", "gauge", "Goroutines that exist.")
	fmt.Fprintf(&b, "go_goroutines %d\n", runtime.NumGoroutine())
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	head("go_memstats_heap_alloc_bytes", "gauge", "Bytes of live objects and those not yet swept.")
	fmt.Fprintf(&b, "go_memstats_heap_alloc_bytes %d\n", heap[0].Value.Uint64())
	return b.String()
}

func (m *requestMetrics) serve(s *Service) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write([]byte(m.text(s))) // the client may have gone
	}
}
