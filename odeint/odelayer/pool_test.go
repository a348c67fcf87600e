package odelayer

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

func testPool(t *testing.T) *pool[float64] {
	t.Helper()
	cfg := Config{Batch: 2, Times: []float64{0, 0.5, 1}}
	field, err := graph.NewField[float64](layers.MLP{In: 2, Hidden: []int{4}, Out: 2}, cfg.Batch,
		graph.FieldConfig{Shape: []int{2}, Name: "ode", Rand: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPool(field, &eventMaps[float64]{}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.applied()
	return p
}

// values are inputs that differ from seed to seed.
func values(p *pool[float64], seed int) (in []G.Value, cotangent G.Value) {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	random := func(shape ...int) G.Value {
		v := make([]float64, tensor.Shape(shape).TotalSize())
		for i := range v {
			v[i] = r.NormFloat64()
		}
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
	}
	in = append(in, random(2, 2))
	for _, param := range p.prototype.Layout() {
		in = append(in, random(param.Shape...))
	}
	return in, random(3, 2, 2)
}

func gradient(t *testing.T, p *pool[float64], seed int) []float64 {
	t.Helper()
	in, cotangent := values(p, seed)
	packed, err := p.backward(in, cotangent)
	if err != nil {
		t.Fatal(err)
	}
	return packed.([]float64)
}

func solve(t *testing.T, p *pool[float64], seed int) {
	t.Helper()
	in, _ := values(p, seed)
	if _, err := p.forward(in); err != nil {
		t.Fatal(err)
	}
}

// The usual order, forward and then its gradient, needs one solver and solves once.
func TestPoolKeepsOneTrajectoryForOneApplication(t *testing.T) {
	p := testPool(t)
	for seed := range 5 {
		solve(t, p, seed)
		gradient(t, p, seed)
	}
	solve(t, p, 7) // without a gradient, twice
	solve(t, p, 8)
	gradient(t, p, 8)
	if p.misses != 0 || len(p.idle) != 1 {
		t.Errorf("%d trajectories missed and %d solvers, want 0 and 1", p.misses, len(p.idle))
	}
}

func TestPoolKeepsOneTrajectoryPerApplication(t *testing.T) {
	p := testPool(t)
	p.applied()
	p.applied()
	for range 3 {
		for seed := range 3 {
			solve(t, p, seed)
		}
		for seed := 2; seed >= 0; seed-- {
			gradient(t, p, seed)
			gradient(t, p, seed) // a second gradient of the same solve
		}
	}
	if p.misses != 0 || len(p.idle) != 3 {
		t.Errorf("%d trajectories missed and %d solvers, want 0 and 3", p.misses, len(p.idle))
	}
}

// The trajectory is found by the bits of what it started from, parameters included; −0 is
// not 0, and a NaN does not match by chance.
func TestPoolComparesBits(t *testing.T) {
	p := testPool(t)
	in, cotangent := values(p, 1)
	solve(t, p, 1)
	bias := in[2].Data().([]float64)
	bias[0] = math.Nextafter(bias[0], 2)
	first, err := p.backward(in, cotangent)
	if err != nil {
		t.Fatal(err)
	}
	if p.misses != 1 {
		t.Errorf("a bias one bit off: %d misses, want 1", p.misses)
	}
	if _, err := p.forward(in); err != nil {
		t.Fatal(err)
	}
	again, err := p.backward(in, cotangent)
	if err != nil {
		t.Fatal(err)
	}
	if !sameBits(first.([]float64), again.([]float64)) {
		t.Errorf("the gradient after solving again is %v, with the trajectory %v", first, again)
	}
	if sameBits([]float64{0}, []float64{math.Copysign(0, -1)}) || !sameBits([]float32{1, 2}, []float32{1, 2}) {
		t.Error("sameBits")
	}
}

// A gradient without a trajectory solves, and may fail at that.
func TestPoolReportsFailedSolves(t *testing.T) {
	p := testPool(t)
	in, cotangent := values(p, 1)
	in[0].Data().([]float64)[2] = math.Inf(1)
	for range 2 {
		if packed, err := p.backward(in, cotangent); !errors.Is(err, odeint.ErrNonFinite) || packed != nil {
			t.Errorf("gradient %v, error %v, want ErrNonFinite", packed, err)
		}
	}
	p = testPool(t)
	solve(t, p, 2)
	if _, err := p.forward(in); !errors.Is(err, odeint.ErrNonFinite) {
		t.Errorf("solve: %v", err)
	}
	if _, err := p.backward(in, cotangent); !errors.Is(err, odeint.ErrNonFinite) {
		t.Errorf("gradient after the failed solve: %v", err)
	}
	gradient(t, p, 2)
	if _, err := p.forward(in[1:]); err == nil {
		t.Error("no error for values of other sizes")
	}
}

// Two machines that take turns miss a trajectory at first; the pool then keeps one more.
func TestPoolGrowsWithMisses(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	p := testPool(t)
	round := func(machines int) int {
		before := p.misses
		for seed := range machines {
			solve(t, p, seed)
		}
		for seed := range machines {
			gradient(t, p, seed)
		}
		return p.misses - before
	}
	if first, second := round(2), round(2); first == 0 || second != 0 || len(p.idle) != 2 {
		t.Errorf("%d and %d misses with %d solvers, want some, then none, with 2", first, second, len(p.idle))
	}
	for range 10 {
		round(5)
	}
	if len(p.idle) != 2 {
		t.Errorf("%d solvers kept, want no more than GOMAXPROCS = 2", len(p.idle))
	}
}

// A new solve replaces a trajectory whose gradient was taken rather than one that still
// waits for it, and needs no new solver then.
func TestPoolReusesSpentTrajectories(t *testing.T) {
	p := testPool(t)
	p.applied() // the second application
	solve(t, p, 0)
	gradient(t, p, 0)
	solve(t, p, 1)
	if len(p.idle) != 1 {
		t.Errorf("%d solvers, want 1", len(p.idle))
	}
	solve(t, p, 2)
	gradient(t, p, 2)
	solve(t, p, 3)
	gradient(t, p, 1)
	if p.misses != 0 {
		t.Errorf("%d trajectories missed", p.misses)
	}
}

// Solvers made because others were busy are not kept.
func TestPoolDropsSurplusSolvers(t *testing.T) {
	p := testPool(t)
	var busy []*solver[float64]
	for range 3 {
		s, err := p.take()
		if err != nil {
			t.Fatal(err)
		}
		busy = append(busy, s)
	}
	for _, s := range busy {
		p.put(s)
	}
	if len(p.idle) != 1 || p.idle[0] != busy[2] {
		t.Errorf("%d solvers kept, want the last one", len(p.idle))
	}
}

func TestPoolConcurrently(t *testing.T) {
	p := testPool(t)
	want := make([][]float64, 8)
	for seed := range want {
		want[seed] = gradient(t, p, seed)
	}
	var wg sync.WaitGroup
	for seed := range want {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 10 {
				in, cotangent := values(p, seed)
				if _, err := p.forward(in); err != nil {
					t.Error(err)
					return
				}
				got, err := p.backward(in, cotangent)
				if err != nil || !sameBits(got.([]float64), want[seed]) {
					t.Errorf("seed %d: gradient %v, %v, want %v", seed, got, err, want[seed])
					return
				}
			}
		}()
	}
	wg.Wait()
	if len(p.idle) > p.kept() {
		t.Errorf("%d solvers kept, want at most %d", len(p.idle), p.kept())
	}
}

func TestReadViews(t *testing.T) {
	d := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{1, 2, 3, 4, 5, 6}))
	for _, test := range []struct {
		v    func() (tensor.Tensor, error)
		want []float64
	}{
		{func() (tensor.Tensor, error) { return d, nil }, []float64{1, 2, 3, 4, 5, 6}},
		{func() (tensor.Tensor, error) { return d.Slice(nil, tensor.S(1, 3)) }, []float64{2, 3, 5, 6}},
		{func() (tensor.Tensor, error) { return d.Slice(tensor.S(1, 2)) }, []float64{4, 5, 6}},
		{func() (tensor.Tensor, error) { return d.SafeT() }, []float64{1, 4, 2, 5, 3, 6}},
		{func() (tensor.Tensor, error) {
			return tensor.New(tensor.WithShape(2, 2, 2), tensor.WithBacking([]float64{1, 2, 3, 4, 5, 6, 7, 8})).SafeT(0, 2, 1)
		}, []float64{1, 3, 2, 4, 5, 7, 6, 8}},
		{func() (tensor.Tensor, error) {
			return tensor.New(tensor.WithShape(2, 3), tensor.AsFortran([]float64{1, 2, 3, 4, 5, 6})), nil
		}, []float64{1, 2, 3, 4, 5, 6}},
	} {
		v, err := test.v()
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float64, len(test.want))
		for i := range got {
			got[i] = math.NaN()
		}
		if err := read(got, v.(G.Value)); err != nil || !sameBits(got, test.want) {
			t.Errorf("%v read as %v, %v, want %v", v, got, err, test.want)
		}
	}
	if err := read(make([]float64, 5), G.Value(d)); err == nil {
		t.Error("no error for a value of another size")
	}
	if err := read(make([]float32, 6), G.Value(d)); err == nil {
		t.Error("no error for a value of another type")
	}
}
