package adjoint

import (
	"context"
	"errors"
	"flag"
	"math"
	"runtime"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

var soak = flag.Int("soak", 2000, "how many solves with gradients TestSoak makes")

// Solves without end take no more memory than the first ones, whether they succeed, meet a NaN
// or are cancelled, with solvers that are kept and with new ones, on Go fields and
// on compiled networks. The long run is go test ./adjoint -run Soak -soak 100000.
func TestSoak(t *testing.T) {
	times := []float64{0, 0.13, 0.4}
	cases := faultCases()
	var kept []*Solver[float64]
	f := &faulty{coupled: newCoupled[float64](1), value: math.NaN()}
	for _, c := range cases {
		s, err := New[float64](f, c.opt, c.method)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, s)
	}
	g := &Gradient[float64]{WantTimes: true}
	pull := func(ctx context.Context, s *Solver[float64], dim int) error {
		y0, dys := make([]float64, dim), make([]float64, 3*dim)
		for i := range y0 {
			y0[i] = 0.1 * float64(i+1)
		}
		for i := range dys {
			dys[i] = 1
		}
		if _, err := s.Forward(ctx, times, y0); err != nil {
			return err
		}
		return s.Backward(ctx, g, dys)
	}
	failed := 0
	one := func(i int) {
		c := i % len(cases)
		s := kept[c]
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f.n, f.at, f.onFail = 0, 0, nil
		dim := 4
		switch i % 10 {
		case 1, 2: // a fault
			f.at = 1 + i%61
		case 3: // a cancellation
			f.at, f.onFail = 1+i%61, cancel
		case 4: // a new solver
			var err error
			if s, err = New[float64](f, cases[c].opt, cases[c].method); err != nil {
				t.Fatal(err)
			}
		case 5:
			if i%200 == 5 { // a network compiled anew
				field, err := graph.NewField[float64](layers.MLP{In: 2, Hidden: []int{4}, Out: 2}, 1, graph.FieldConfig{})
				if err != nil {
					t.Fatal(err)
				}
				if s, err = New[float64](field, odeint.Options{}, Discrete{}); err != nil {
					t.Fatal(err)
				}
				dim = field.Dim()
			}
		}
		err := pull(ctx, s, dim)
		if err != nil {
			failed++
		}
		if err != nil && f.at == 0 {
			t.Fatalf("solve %d: %v", i, err)
		}
		if err != nil && !errors.Is(err, odeint.ErrNonFinite) && !errors.Is(err, odeint.ErrNoConvergence) && !errors.Is(err, context.Canceled) {
			t.Fatalf("solve %d: %v", i, err)
		}
	}
	heap := func() (bytes uint64, goroutines int) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	warm := max(*soak/4, 1000)
	for i := range warm {
		one(i)
	}
	before, goroutines := heap()
	for i := range *soak {
		one(warm + i)
	}
	after, left := heap()
	t.Logf("%d solves, %d of them failed as they should; heap %d bytes before, %d after", *soak, failed, before, after)
	if after > before+200<<10 {
		t.Errorf("the heap has grown from %d to %d bytes in %d solves", before, after, *soak)
	}
	if left > goroutines {
		t.Errorf("%d goroutines are left, %d before", left, goroutines)
	}
}
