package hnn_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
)

// TestSecondDerivatives checks the field against differences of its energy, and
// its vector-Jacobian products, which hold the second derivatives of H, against
// differences of the field.
func TestSecondDerivatives(t *testing.T) {
	t.Run("float64", func(t *testing.T) { secondDerivatives[float64](t, 1e-4, 1e-9, 1e-9) })
	// At a step of 2⁻⁷ the rounding error of the differences, some 6e-8/h, is 1e-5.
	t.Run("float32", func(t *testing.T) { secondDerivatives[float32](t, 1./128, 2e-3, 2e-3) })
}

func secondDerivatives[T hnn.Float](t *testing.T, h, tolField, tolVJP float64) {
	const batch = 2
	for _, act := range []layers.Activation{layers.Tanh, layers.Softplus, layers.Sigmoid, layers.Sin} {
		for depth := 1; depth <= 3; depth++ {
			for n := 1; n <= 3; n++ {
				energyModule := net(n, depth, act)
				f := newField[T](t, hnn.Field{H: energyModule}, batch, 3)
				e, err := hnn.NewEnergy[T](energyModule, batch, graph.FieldConfig{Name: "f", Rand: rng(3)})
				if err != nil {
					t.Fatal(err)
				}
				r := rng(uint64(n))
				z := normal[T](r, f.Dim(), 1)
				got := gradtest.NaNs[T](f.Dim())
				f.Eval(got, 0, z)
				each := make([]T, batch)
				dH := gradtest.Gradient(func() float64 {
					e.Eval(each, 0, z)
					return float64(each[0]) + float64(each[1])
				}, z, h)
				want := make([]float64, len(z))
				for b := range batch {
					for i := range n {
						want[b*2*n+i], want[b*2*n+n+i] = dH[b*2*n+n+i], -dH[b*2*n+i]
					}
				}
				gradtest.Close(t, fmt.Sprintf("%v, depth %d, n = %d: field", act, depth, n), got, want, tolField)
				gradtest.VJP(t, f, f.Params(), 0, z, r, h, tolVJP)
				if t.Failed() {
					t.Fatalf("%v, depth %d, n = %d", act, depth, n)
				}
			}
		}
	}
}

// TestKnownSystems compares the known systems with the equations of motion
// written out, both placed and learned.
func TestKnownSystems(t *testing.T) {
	t.Run("float64", func(t *testing.T) { knownSystems[float64](t, 1e-13, 1e-3, 1e-8) })
	t.Run("float32", func(t *testing.T) { knownSystems[float32](t, 2e-5, 1./32, 1e-2) })
}

func knownSystems[T hnn.Float](t *testing.T, tol, h, tolVJP float64) {
	cos, sin := math.Cos, math.Sin
	cases := []struct {
		fixed, learned graph.Module
		z              []float64
		want           func(q, p []float64) (dq, dp []float64)
		energy         func(q, p []float64) float64
	}{
		{
			hnn.Harmonic{Degrees: 2, Mass: 2, Stiffness: 3}, hnn.Harmonic{Degrees: 2, Mass: 2, Stiffness: 3, Learn: []string{"stiffness", "mass"}},
			[]float64{1, -2, .5, 4},
			func(q, p []float64) ([]float64, []float64) {
				return []float64{p[0] / 2, p[1] / 2}, []float64{-3 * q[0], -3 * q[1]}
			},
			func(q, p []float64) float64 { return (p[0]*p[0]+p[1]*p[1])/4 + 1.5*(q[0]*q[0]+q[1]*q[1]) },
		},
		{
			hnn.Pendulum{Mass: 2, Length: .5, Gravity: 3}, hnn.Pendulum{Mass: 2, Length: .5, Gravity: 3, Learn: []string{"mass", "length", "gravity"}},
			[]float64{1.3, -.7},
			func(q, p []float64) ([]float64, []float64) {
				return []float64{p[0] / .5}, []float64{-3 * sin(q[0])}
			},
			func(q, p []float64) float64 { return p[0]*p[0] + 3*(1-cos(q[0])) },
		},
		{
			hnn.DoublePendulum{}, hnn.DoublePendulum{Learn: []string{"mass1", "length2"}},
			[]float64{.9, -.4, .8, 1.7},
			func(q, p []float64) ([]float64, []float64) {
				// m = l = 1, g = 9.8: d/dt of (q₁, q₂, p₁, p₂) after Wolfram's
				// "Double Pendulum".
				a, g := q[0]-q[1], 9.8
				den := 1 + sin(a)*sin(a)
				c1 := p[0] * p[1] * sin(a) / den
				c2 := (p[0]*p[0] + 2*p[1]*p[1] - 2*p[0]*p[1]*cos(a)) * sin(2*a) / (2 * den * den)
				return []float64{(p[0] - p[1]*cos(a)) / den, (2*p[1] - p[0]*cos(a)) / den},
					[]float64{-2*g*sin(q[0]) - c1 + c2, -g*sin(q[1]) + c1 - c2}
			},
			func(q, p []float64) float64 {
				a := q[0] - q[1]
				return (p[0]*p[0]+2*p[1]*p[1]-2*p[0]*p[1]*cos(a))/(2*(1+sin(a)*sin(a))) - 19.6*cos(q[0]) - 9.8*cos(q[1])
			},
		},
		{
			hnn.DoublePendulum{Mass1: 1.5, Mass2: .7, Length1: .8, Length2: 1.2, Gravity: 5},
			hnn.DoublePendulum{Mass1: 1.5, Mass2: .7, Length1: .8, Length2: 1.2, Gravity: 5, Learn: []string{"mass1", "mass2", "length1", "length2", "gravity"}},
			[]float64{.9, -.4, .8, 1.7},
			func(q, p []float64) ([]float64, []float64) {
				const m1, m2, l1, l2, g = 1.5, .7, .8, 1.2, 5.
				a := q[0] - q[1]
				den := m1 + m2*sin(a)*sin(a)
				c1 := p[0] * p[1] * sin(a) / (l1 * l2 * den)
				c2 := (l2*l2*m2*p[0]*p[0] + l1*l1*(m1+m2)*p[1]*p[1] - l1*l2*m2*p[0]*p[1]*cos(a)*2) / (2 * l1 * l1 * l2 * l2 * den * den) * sin(2*a)
				return []float64{(l2*p[0] - l1*p[1]*cos(a)) / (l1 * l1 * l2 * den), (l1*(m1+m2)*p[1] - l2*m2*p[0]*cos(a)) / (l1 * l2 * l2 * m2 * den)},
					[]float64{-(m1+m2)*g*l1*sin(q[0]) - c1 + c2, -m2*g*l2*sin(q[1]) + c1 - c2}
			},
			func(q, p []float64) float64 {
				const m1, m2, l1, l2, g = 1.5, .7, .8, 1.2, 5.
				// Kinetic energy of the two masses from their velocities.
				a := q[0] - q[1]
				den := m1 + m2*sin(a)*sin(a)
				v1 := (l2*p[0] - l1*p[1]*cos(a)) / (l1 * l1 * l2 * den)
				v2 := (l1*(m1+m2)*p[1] - l2*m2*p[0]*cos(a)) / (l1 * l2 * l2 * m2 * den)
				kinetic := .5*m1*l1*l1*v1*v1 + .5*m2*(l1*l1*v1*v1+l2*l2*v2*v2+2*l1*l2*v1*v2*cos(a))
				return kinetic - (m1+m2)*g*l1*cos(q[0]) - m2*g*l2*cos(q[1])
			},
		},
		{
			hnn.Kepler{Degrees: 3, Mu: 2}, hnn.Kepler{Degrees: 3, Mu: 2, Learn: []string{"mu"}},
			[]float64{1, -.5, .7, .2, .3, -.4},
			func(q, p []float64) ([]float64, []float64) {
				r := math.Pow(q[0]*q[0]+q[1]*q[1]+q[2]*q[2], -1.5)
				return p, []float64{-2 * q[0] * r, -2 * q[1] * r, -2 * q[2] * r}
			},
			func(q, p []float64) float64 { return norm(p)*norm(p)/2 - 2/norm(q) },
		},
		{
			hnn.HenonHeiles{Lambda: .9}, hnn.HenonHeiles{Lambda: .9, Learn: []string{"lambda"}},
			[]float64{.3, -.5, .2, .6},
			func(q, p []float64) ([]float64, []float64) {
				return p, []float64{-q[0] - 1.8*q[0]*q[1], -q[1] - .9*(q[0]*q[0]-q[1]*q[1])}
			},
			func(q, p []float64) float64 {
				return (norm(p)*norm(p)+norm(q)*norm(q))/2 + .9*(q[0]*q[0]*q[1]-q[1]*q[1]*q[1]/3)
			},
		},
	}
	for i, c := range cases {
		name := fmt.Sprintf("%d %T", i, c.fixed)
		w := len(c.z)
		// Two rows: the case's, and the same with everything halved.
		z, want, energies := make([]T, 2*w), []float64(nil), []float64(nil)
		for row := range 2 {
			zr := scaled(c.z, 1/float64(1+row))
			for j, v := range zr {
				z[row*w+j] = T(v)
				zr[j] = float64(T(v))
			}
			dq, dp := c.want(zr[:w/2], zr[w/2:])
			want = append(append(want, dq...), dp...)
			energies = append(energies, c.energy(zr[:w/2], zr[w/2:]))
		}
		for _, m := range []graph.Module{c.fixed, c.learned} {
			f := newField[T](t, hnn.Field{H: m}, 2, 1)
			got := gradtest.NaNs[T](2 * w)
			f.Eval(got, 0, z)
			gradtest.Close(t, name, got, want, tol)
			gradtest.VJP(t, f, f.Params(), 0, z, rng(9), h, tolVJP)
			e, err := hnn.NewEnergy[T](m, 2, graph.FieldConfig{})
			if err != nil {
				t.Fatal(err)
			}
			h := gradtest.NaNs[T](2)
			e.Eval(h, 0, z)
			gradtest.Close(t, name+": energy", h, energies, tol)
		}
	}
}

// quartic is V(q) = Σ qᵢ⁴/4 + q₀q₁, times cos t if timed.
func quartic(timed bool) custom {
	return custom{2, func(t, q *G.Node) (*G.Node, error) {
		c := G.NewConstant(.25, G.WithName("quarter"))
		if q.Dtype() == tensor.Float32 {
			c = G.NewConstant(float32(.25), G.WithName("quarter"))
		}
		e := G.Must(G.Mul(c, G.Must(G.Square(G.Must(G.Square(q))))))
		pair := G.Must(G.HadamardProd(column(q, 0), column(q, 1)))
		v := G.Must(G.Add(G.Must(G.Add(column(e, 0), column(e, 1))), pair))
		if t != nil {
			return G.HadamardProd(v, G.Must(G.Cos(t)))
		}
		return v, nil
	}, timed}
}

// cosine is cos t.
func cosine(t *G.Node) (*G.Node, error) { return G.Cos(t) }

func column(x *G.Node, i int) *G.Node {
	return G.Must(G.Reshape(G.Must(G.Slice(x, nil, G.S(i, i+1))), tensor.Shape{x.Shape()[0], 1}))
}

// TestClosedForms checks every term of the field.
func TestClosedForms(t *testing.T) {
	z := []float64{.5, -1.5, 2, .25, -1, .75, .125, -3}
	const at = .8
	rows := func(f func(q, p []float64) []float64) []float64 {
		return append(f(z[:2], z[2:4]), f(z[4:6], z[6:8])...)
	}
	dV := func(q []float64) [2]float64 {
		return [2]float64{q[0]*q[0]*q[0] + q[1], q[1]*q[1]*q[1] + q[0]}
	}
	plain := func(q, p []float64) []float64 { v := dV(q); return []float64{p[0], p[1], -v[0], -v[1]} }
	h := hnn.Separable{V: quartic(false)}

	l := []float64{1, .5, -1, 2, 0, 3, .25, -.5} // (4, 2)
	damped := func(q, p []float64) []float64 {
		v := dV(q)
		grad := []float64{v[0], v[1], p[0], p[1]}
		dz := plain(q, p)
		for i := range dz {
			for k := range 2 {
				for j := range grad {
					dz[i] -= l[2*i+k] * l[2*j+k] * grad[j]
				}
			}
		}
		return dz
	}
	input := func(t *G.Node) (*G.Node, error) { return G.Concat(1, G.Must(G.Sin(t)), G.Must(G.Cos(t))) }
	g := []float64{1, 2, 3, 4} // (2, 2)

	for _, c := range []struct {
		name  string
		field hnn.Field
		want  func(q, p []float64) []float64
	}{
		{"½|p|² + V(q)", hnn.Field{H: h}, plain},
		{"masses", hnn.Field{H: hnn.Separable{T: hnn.Kinetic{Masses: []float64{2, 4}}, V: quartic(false)}}, func(q, p []float64) []float64 {
			v := dV(q)
			return []float64{p[0] / 2, p[1] / 4, -v[0], -v[1]}
		}},
		{"learned masses", hnn.Field{H: hnn.Separable{T: hnn.Kinetic{Masses: []float64{2, 4}, Learn: true}, V: quartic(false)}}, func(q, p []float64) []float64 {
			v := dV(q)
			return []float64{p[0] / 2, p[1] / 4, -v[0], -v[1]}
		}},
		{"sum", hnn.Field{H: hnn.Sum{h, hnn.Harmonic{Degrees: 2, Stiffness: 3}}}, func(q, p []float64) []float64 {
			v := dV(q)
			return []float64{2 * p[0], 2 * p[1], -v[0] - 3*q[0], -v[1] - 3*q[1]}
		}},
		{"timed potential", hnn.Field{H: hnn.Separable{V: quartic(true)}}, func(q, p []float64) []float64 {
			v := dV(q)
			return []float64{p[0], p[1], -v[0] * math.Cos(at), -v[1] * math.Cos(at)}
		}},
		{"timed part of a sum", hnn.Field{H: hnn.Sum{hnn.Harmonic{Degrees: 2}, hnn.Separable{V: quartic(true)}}}, func(q, p []float64) []float64 {
			v := dV(q)
			return []float64{2 * p[0], 2 * p[1], -v[0]*math.Cos(at) - q[0], -v[1]*math.Cos(at) - q[1]}
		}},
		{"damping", hnn.Field{H: h, Damping: &hnn.Damping{Rank: 2, L: l}}, damped},
		{"friction", hnn.Field{H: h, Damping: &hnn.Damping{OnlyMomenta: true, Rank: 1, L: []float64{2, -1}}}, func(q, p []float64) []float64 {
			dz := plain(q, p)
			dz[2] -= 4*p[0] - 2*p[1]
			dz[3] -= -2*p[0] + p[1]
			return dz
		}},
		{"conservative", hnn.Field{H: h, Conservative: hnn.Harmonic{Degrees: 2, Mass: .5, Stiffness: 3}}, func(q, p []float64) []float64 {
			dz := plain(q, p)
			for i := range 2 {
				dz[i] += 3 * q[i]
				dz[2+i] += 2 * p[i]
			}
			return dz
		}},
		{"forces", hnn.Field{H: h, Drive: hnn.Control{Inputs: 2, Outputs: 2, U: input, G: g}}, func(q, p []float64) []float64 {
			dz := plain(q, p)
			dz[2] += math.Sin(at) + 2*math.Cos(at)
			dz[3] += 3*math.Sin(at) + 4*math.Cos(at)
			return dz
		}},
		{"drive of the whole state, damped, with a conservative part", hnn.Field{
			H: h, Damping: &hnn.Damping{Rank: 2, L: l}, Conservative: hnn.Harmonic{Degrees: 2},
			Drive: hnn.Control{Inputs: 2, Outputs: 4, U: input, G: append(append([]float64(nil), g...), 5, 6, 7, 8)},
		}, func(q, p []float64) []float64 {
			dz := damped(q, p)
			s, c := math.Sin(at), math.Cos(at)
			for i, v := range []float64{q[0] + s + 2*c, q[1] + 3*s + 4*c, p[0] + 5*s + 6*c, p[1] + 7*s + 8*c} {
				dz[i] += v
			}
			return dz
		}},
	} {
		f := newField[float64](t, c.field, 2, 1)
		got := gradtest.NaNs[float64](8)
		f.Eval(got, at, z)
		gradtest.Close(t, c.name, got, rows(c.want), 1e-14)
		gradtest.VJP(t, f, f.Params(), at, z, rng(4), 1e-3, 1e-9)
		if t.Failed() {
			t.Fatal(c.name)
		}
	}
}

// TestDissipation checks that energy falls at the rate |Lᵀ∇H|² for an L drawn at
// random.
func TestDissipation(t *testing.T) {
	h := net(2, 1, layers.Tanh)
	f := newField[float64](t, hnn.Field{H: h, Damping: &hnn.Damping{}}, 1, 5)
	e, err := hnn.NewEnergy[float64](h, 1, graph.FieldConfig{Name: "f", Rand: rng(5)})
	if err != nil {
		t.Fatal(err)
	}
	copy(e.Params(), f.Params())
	last := f.Layout()[len(f.Layout())-1]
	if last.Name != "f/L" || fmt.Sprint(last.Shape) != "[4 4]" {
		t.Fatalf("last learnable is %+v, want f/L of shape [4 4]", last)
	}
	l := f.Params()[last.Offset:]
	z := []float64{.3, -.2, .5, .7}
	grad, dz := make([]float64, 4), make([]float64, 4)
	e.VJP(nil, grad, nil, 0, z, []float64{1})
	f.Eval(dz, 0, z)
	rate, want := 0.0, 0.0
	for k := range 4 {
		s := 0.0
		for i := range 4 {
			s += l[4*i+k] * grad[i]
		}
		want -= s * s
		rate += grad[k] * dz[k]
	}
	if !(want < -1e-6) {
		t.Fatalf("rate %v: the test sees nothing", want)
	}
	gradtest.Close(t, "dH/dt", []float64{rate}, []float64{want}, 1e-12)
}

// TestAllocations checks that compiled fields and energies do not allocate.
func TestAllocations(t *testing.T) {
	f := newField[float64](t, hnn.Field{H: net(2, 2, layers.Tanh), Damping: &hnn.Damping{}}, 3, 1)
	e, err := hnn.NewEnergy[float32](net(2, 2, layers.Softplus), 3, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	z, lambda, dz, dtheta := make([]float64, 12), make([]float64, 12), make([]float64, 12), make([]float64, f.NumParams())
	m := hnn.NewMatching[float64](f, nil)
	z32, h32, dtheta32 := make([]float32, 12), make([]float32, 3), make([]float32, e.NumParams())
	for name, run := range map[string]func(){
		"Eval":       func() { f.Eval(dz, 0, z) },
		"VJP":        func() { f.VJP(nil, dz, dtheta, 0, z, lambda) },
		"Matching":   func() { m.Loss(dtheta, nil, z, dz) },
		"Energy":     func() { e.Eval(h32, 0, z32) },
		"Energy.VJP": func() { e.VJP(h32, nil, dtheta32, 0, z32, h32) },
		"trajectory": func() { hnn.TrajectoryLoss(dz, z, lambda) },
	} {
		run()
		if n := gradtest.Allocs(20, run); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func TestErrors(t *testing.T) {
	var config *hnn.ConfigError
	var shape *hnn.ShapeError
	wide := layers.MLP{In: 4, Hidden: []int{3}, Out: 2}
	input := func(t *G.Node) (*G.Node, error) { return t, nil }
	for name, c := range map[string]struct {
		m      graph.Module
		target any
	}{
		"no energy":         {hnn.Field{}, &config},
		"no potential":      {hnn.Field{H: hnn.Separable{}}, &config},
		"no parts":          {hnn.Field{H: hnn.Sum{}}, &config},
		"nil part":          {hnn.Field{H: hnn.Sum{nil}}, &config},
		"two energies":      {hnn.Field{H: wide}, &shape},
		"odd state":         {hnn.Field{H: layers.MLP{In: 3, Out: 1}}, &shape},
		"negative mass":     {hnn.Field{H: hnn.Pendulum{Mass: -1}}, &config},
		"NaN":               {hnn.Field{H: hnn.Kepler{Mu: math.NaN()}}, &config},
		"unknown parameter": {hnn.Field{H: hnn.HenonHeiles{Learn: []string{"mu"}}}, &config},
		"mass 0":            {hnn.Field{H: hnn.Separable{T: hnn.Kinetic{Masses: []float64{1, 0}}, V: quartic(false)}}, &config},
		"masses":            {hnn.Field{H: hnn.Separable{T: hnn.Kinetic{Masses: []float64{1, 2, 3}}, V: quartic(false)}}, &shape},
		"learn what":        {hnn.Field{H: hnn.Separable{T: hnn.Kinetic{Learn: true}, V: quartic(false)}}, &config},
		"rank":              {hnn.Field{H: hnn.Pendulum{}, Damping: &hnn.Damping{Rank: -1}}, &config},
		"L":                 {hnn.Field{H: hnn.Pendulum{}, Damping: &hnn.Damping{L: []float64{1}}}, &config},
		"degrees":           {hnn.Field{H: hnn.Pendulum{}, Damping: &hnn.Damping{Degrees: 2}}, &shape},
		"control":           {hnn.Field{H: hnn.Pendulum{}, Drive: hnn.Control{}}, &config},
		"G":                 {hnn.Field{H: hnn.Pendulum{}, Drive: hnn.Control{Inputs: 1, Outputs: 1, U: input, G: []float64{1, 2}}}, &config},
		"input":             {hnn.Field{H: hnn.Pendulum{}, Drive: hnn.Control{Inputs: 2, Outputs: 1, U: input}}, &shape},
		"output":            {hnn.Field{H: hnn.Pendulum{}, Drive: hnn.Control{Inputs: 1, Outputs: 3, U: input}}, &shape},
	} {
		cfg := graph.FieldConfig{Name: "f"}
		if c.m.(hnn.Field).StateShape() == nil {
			cfg.Shape = []int{4}
		}
		_, err := graph.NewField[float64](c.m, 2, cfg)
		if err == nil || !errors.As(err, c.target) {
			t.Errorf("%s: %v, want %T", name, err, c.target)
		}
	}
	for name, c := range map[string]struct {
		h     hnn.Module
		batch int
		shape []int
	}{
		"nil": {nil, 1, nil}, "batch": {hnn.Pendulum{}, 0, nil}, "odd": {hnn.Pendulum{}, 1, []int{3}}, "unknown": {hnn.Separable{V: linear{}}, 1, nil},
	} {
		if _, err := hnn.NewEnergy[float64](c.h, c.batch, graph.FieldConfig{Shape: c.shape}); !errors.As(err, &config) {
			t.Errorf("%s: %v, want a ConfigError", name, err)
		}
	}
}

// linear knows no shape.
type linear struct{ hnn.Module }

// TestTimedNetwork differentiates a network H(q, p, t) at two times.
func TestTimedNetwork(t *testing.T) {
	h := layers.AppendTime{Of: layers.MLP{In: 5, Hidden: []int{6}, Out: 1}}
	f := newField[float64](t, hnn.Field{H: h}, 1, 3)
	e, err := hnn.NewEnergy[float64](h, 1, graph.FieldConfig{Name: "f", Rand: rng(3)})
	if err != nil {
		t.Fatal(err)
	}
	z := []float64{.4, -.3, 1.2, .6}
	var before []float64
	for _, at := range []float64{.7, -2} {
		got := gradtest.NaNs[float64](4)
		f.Eval(got, at, z)
		value := make([]float64, 1)
		d := gradtest.Gradient(func() float64 { e.Eval(value, at, z); return value[0] }, z, 1e-3)
		gradtest.Close(t, "field", got, []float64{d[2], d[3], -d[0], -d[1]}, 1e-9)
		gradtest.VJP(t, f, f.Params(), at, z, rng(5), 1e-4, 1e-9)
		if before != nil && gradtest.RelErr(got, before) < 1e-3 {
			t.Error("the field does not see the time")
		}
		before = got
	}
}
