package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/train/table"
)

func TestStandardise(t *testing.T) {
	nan := math.NaN()
	d := Dataset[float64]{
		{Times: []float64{1900, 1901, 1903}, States: []float64{1, 5, nan, 5, 3, 5}},
		{Times: []float64{1900, 1903}, States: []float64{5, 5, 7, nan}},
	}
	s := Standardise(d)
	// 1, 3, 5, 7 have mean 4 and variance 5. The only differences that are there are 2/√5 in 3
	// years, and 0 in 1 and 2 years, of the second component.
	if s.Mean[0] != 4 || s.Mean[1] != 5 || math.Abs(s.Spread[0]-math.Sqrt(5)) > 1e-15 || s.Spread[1] != 1 || s.Origin != 1900 || math.Abs(s.Unit-1/math.Sqrt(4.0/5/9/3)) > 1e-12 {
		t.Errorf("%+v", s)
	}
	log := LogStandardise(d)
	if want := (math.Log(1) + math.Log(3) + math.Log(5) + math.Log(7)) / 4; math.Abs(log.Mean[0]-want) > 1e-15 {
		t.Errorf("%+v, want mean %v", log, want)
	}
	for _, s := range []Scaler{s, log, {}} {
		to, err := scaled(d, &s, 2)
		if err != nil {
			t.Fatal(err)
		}
		back := make([]float64, 6)
		unscaleStates(back, to[0].States, &s, 2)
		for i, v := range back {
			if want := d[0].States[i]; math.Abs(v-want) > 1e-14*want || (v == v) != (want == want) {
				t.Errorf("%+v: %v, want %v", s, back, d[0].States)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	d := lines(10, rand.New(rand.NewPCG(1, 1)))
	a, b := d.Split(0.3, rand.New(rand.NewPCG(2, 2)))
	if len(a) != 7 || len(b) != 3 {
		t.Fatalf("%d and %d", len(a), len(b))
	}
	total := 0.0
	for _, tr := range append(slices.Clone(a), b...) {
		total += tr.States[0]
	}
	for _, tr := range d {
		total -= tr.States[0]
	}
	if math.Abs(total) > 1e-13 {
		t.Error("the parts are not the whole")
	}
}

func TestSplitTime(t *testing.T) {
	d := Dataset[float64]{
		{Times: []float64{0, 1, 2}, States: []float64{1, 2, 3}, Weights: []float64{1, 2, 3}},
		{Times: []float64{2, 1, 0}, States: []float64{4, 5, 6}},
		{Times: []float64{0, 0.5}, States: []float64{7, 8}},
	}
	before, after := d.SplitTime(1)
	if len(before) != 3 || len(after) != 2 {
		t.Fatalf("%d and %d trajectories", len(before), len(after))
	}
	if !slices.Equal(before[0].States, []float64{1, 2}) || !slices.Equal(before[0].Weights, []float64{1, 2}) || !slices.Equal(before[1].States, []float64{4, 5}) {
		t.Errorf("before: %v", before)
	}
	a := after[1]
	if a.States[0] == a.States[0] || a.States[1] == a.States[1] || a.States[2] != 6 || a.Start[0] != 4 || d[1].States[0] != 4 {
		t.Errorf("after: %v of %v", after, d)
	}
}

func TestWindows(t *testing.T) {
	d := Dataset[float64]{{Times: []float64{0, 1, 2, 3, 4}, States: []float64{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}, Start: []float64{9, 9}}}
	w := d.Windows(3, 2)
	if len(w) != 2 || !slices.Equal(w[1].States, []float64{2, 2, 3, 3, 4, 4}) || w[0].Start == nil || w[1].Start != nil {
		t.Errorf("%v", w)
	}
	if w := d.Windows(9, 1); len(w) != 1 || len(w[0].Times) != 5 {
		t.Errorf("%v", w)
	}
}

func TestUniform(t *testing.T) {
	d := Uniform([]float64{0, 1}, []float64{1, 2, 3, 4, 5, 6, 7, 8}, 2)
	if len(d) != 2 || !slices.Equal(d[0].States, []float64{1, 2, 5, 6}) || !slices.Equal(d[1].States, []float64{3, 4, 7, 8}) {
		t.Errorf("%v", d)
	}
}

func TestFromTable(t *testing.T) {
	tab, err := table.Read(strings.NewReader("id,t,x,y\na,0,1,2\nb,0,5,6\na,1,3,\n"), table.Options{ID: "id", Time: "t"})
	if err != nil {
		t.Fatal(err)
	}
	d := FromTable[float32](tab)
	if len(d) != 2 || !slices.Equal(d[0].Times, []float64{0, 1}) || !slices.Equal(d[0].States[:3], []float32{1, 2, 3}) || d[0].States[3] == d[0].States[3] || d[1].States[1] != 6 {
		t.Errorf("%v", d)
	}
}
