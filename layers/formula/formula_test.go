package formula

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint/control"
)

// The values of expressions are those of Go.
func TestValues(t *testing.T) {
	x, y, a := 0.7, -1.3, 2.5
	value := func(name string) float64 { return map[string]float64{"x": x, "y": y, "a": a}[name] }
	for text, want := range map[string]float64{
		"1 + 2*3": 7, "(1 + 2)*3": 9, "2^3^2": 512, "-x^2": -x * x, "(-x)^2": x * x, "2^-1": 0.5, "1 - 2 - 3": -4, "8/4/2": 1, "x - -y": x + y,
		"+x": x, "a*x - y/a": a*x - y/a, "sin(x)*cos(y) + tan(x)": math.Sin(x)*math.Cos(y) + math.Tan(x), "exp(-x^2/2)": math.Exp(-x * x / 2),
		"log(a) + sqrt(a) + tanh(y) + abs(y)": math.Log(a) + math.Sqrt(a) + math.Tanh(y) + math.Abs(y), "1e-3*x": 1e-3 * x, ".5*y": 0.5 * y,
		"2*pi": 2 * math.Pi, "y**3": y * y * y, "a^x": math.Pow(a, x), "x^1.5": math.Pow(x, 1.5), "y^-3": 1 / (y * y * y), "y^5": math.Pow(y, 5), "3 - x": 3 - x, "2/a": 2 / a,
		"x/4": x / 4, "5": 5, "a": a, "a*2": 2 * a,
	} {
		all, err := parse("dx = " + text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := all[0].rate.eval(value); math.Abs(got-want) > 1e-14*max(1, math.Abs(want)) {
			t.Errorf("%s = %v, want %v", text, got, want)
		}
		// The compiled module says the same, in both widths.
		s, err := Parse("dx = "+text+"; dy = x", nil, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for i := range s.Params {
			s.Params[i].Start = a
		}
		f, err := graph.NewField[float64](*s, 2, graph.FieldConfig{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		dy := make([]float64, 4)
		f.Eval(dy, 0, []float64{x, y, x, y})
		if math.Abs(dy[2]-want) > 1e-13*max(1, math.Abs(want)) || dy[0] != dy[2] || dy[3] != x {
			t.Errorf("%s compiled: %v, want %v", text, dy, want)
		}
		g, err := graph.NewField[float32](*s, 1, graph.FieldConfig{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		single := make([]float32, 2)
		g.Eval(single, 0, []float32{float32(x), float32(y)})
		if math.Abs(float64(single[0])-want) > 2e-6*max(1, math.Abs(want)) {
			t.Errorf("%s in float32: %v, want %v", text, single[0], want)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
		want         string
	}{
		{"", 1, 1, "no equation"},
		{"dx = 2 x", 1, 8, `"x" after the expression; write * between factors`},
		{"dx = x\ndy = (x + 1", 2, 12, "where the parenthesis of line 2, column 6 should be closed"},
		{"dx = x +", 1, 9, "the end where a number"},
		{"dx = x + ; dy = 1", 1, 10, "the end of the equation where"},
		{"x = 1", 1, 1, `"x" is not the rate of a state; write an equation like dx = -x`},
		{"dx/dy = 1", 1, 4, `"dy" after dx/`},
		{"dx 1", 1, 4, `"1" where = should be`},
		{"dx = foo(x)", 1, 6, `no function "foo"; there are sin`},
		{"dx = sin x", 1, 6, "without parentheses"},
		{"dx = x $ 2", 1, 8, `"$" cannot be in a formula`},
		{"dx = 1e999", 1, 6, "not a number"},
		{"dx = 1.2.3", 1, 6, "not a number"},
		{"dx = 1/0", 1, 9, "is +Inf"},
		{"dx = 1; dx = 2", 1, 9, "a second equation of x"},
		{"dx = 1\n\n# one\n  dy = \xff", 4, 8, "cannot be in a formula"},
		{"dx = " + strings.Repeat("(", 200) + "x" + strings.Repeat(")", 200), 1, 0, "lie in each other"},
		{"dx = " + strings.Repeat("-", 200) + "x", 1, 0, "lie in each other"},
		{"dx = x" + strings.Repeat("+x", maxTerms), 1, 0, "terms"},
	} {
		_, err := Parse(c.text, nil, nil)
		var e *Error
		if !errors.As(err, &e) || e.Line != c.line || c.column > 0 && e.Column != c.column || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v, want line %d, column %d, %q", c.text, err, c.line, c.column, c.want)
		}
	}
	for _, c := range []struct {
		params []Param
		inputs []string
		want   string
	}{
		{[]Param{{Name: "b"}}, nil, `no equation has a parameter "b"; the parameters are ["a"]`},
		{[]Param{{Name: "a"}, {Name: "a"}}, nil, "twice"},
		{nil, []string{"x"}, "x has two meanings"},
		{nil, []string{"sin"}, "sin has two meanings"},
	} {
		if _, err := Parse("dx = a*x", c.inputs, c.params); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.params, err, c.want)
		}
	}
}

func ptr(v float64) *float64 { return &v }

func TestParams(t *testing.T) {
	for text, want := range map[string]Param{
		"alpha=0.5[0,2]": {"alpha", 0.5, ptr(0), ptr(2)}, " k ": {"k", 1, nil, nil}, "k=-3": {"k", -3, nil, nil}, "k[2, 4]": {"k", 3, ptr(2), ptr(4)},
		"k=3[0,]": {"k", 3, ptr(0), nil}, "k[0,inf]": {"k", 1, ptr(0), nil}, "k = -1 [ , 0 ]": {"k", -1, nil, ptr(0)}, "k=0": {"k", 0, nil, nil},
	} {
		p, err := ParseParam(text)
		if err != nil || !reflect.DeepEqual(p, want) {
			t.Errorf("%q: %+v, %v", text, p, err)
			continue
		}
		if v := p.Value(p.raw()); math.Abs(v-p.Start) > 1e-14*max(1, math.Abs(p.Start)) {
			t.Errorf("%q begins at %v", text, v)
		}
		for _, raw := range []float64{-30, 0.3, 30} {
			v := p.Value(raw)
			if p.Low != nil && v < *p.Low || p.High != nil && v > *p.High {
				t.Errorf("%q: %v is out of bounds", text, v)
			}
		}
	}
	for text, want := range map[string]string{
		"": "is not a name", "2=3": "is not a name", "a=x": "not a number", "a=1[0": "two numbers in brackets", "a=1[0]": "two numbers", "a=1[x,2]": `the bound "x"`,
		"a=3[0,2]": "not between its bounds", "a=1[2,0]": "no interval", "a=NaN": "not a number", "sin(x)=1": "is not a name",
	} {
		if _, err := ParseParam(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// In the units of a model the rates are those of the data's units, and the network's are its own.
func TestUnits(t *testing.T) {
	const text = "dx = a*x*y + u + t; dy = -y*x + 2*network"
	a := 0.7
	s, err := Parse(text, []string{"u"}, []Param{{Name: "a", Start: a, Low: ptr(0), High: ptr(1)}})
	if err != nil {
		t.Fatal(err)
	}
	s.Net = layers.MLP{In: 3, Out: 2, WeightInit: layers.Constant(0.1)}
	s.Units = Units{Mean: []float64{1, 0.2}, Spread: []float64{2, 0.5}, Log: []bool{false, true}, Origin: 10, Unit: 4, InputMean: []float64{3}, InputSpread: []float64{5}}
	f, err := graph.NewField[float64](*s, 1, graph.FieldConfig{Input: &graph.InputConfig{Channels: 1}})
	if err != nil {
		t.Fatal(err)
	}
	path, err := control.New(control.Previous, 1, [][]float64{{0}}, []float64{0.4})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetInput(path); err != nil {
		t.Fatal(err)
	}
	z, tau := []float64{0.3, -0.8}, 1.5
	x, y, u, at := 1+2*z[0], math.Exp(0.2+0.5*z[1]), 3+5*0.4, 10+4*tau
	net := 0.1 * (z[0] + z[1] + 0.4) // both outputs
	want := []float64{4.0 / 2 * (a*x*y + u + at), 4/0.5*(-y*x)/y + 2*net}
	dz := make([]float64, 2)
	f.Eval(dz, tau, z)
	for i := range want {
		if math.Abs(dz[i]-want[i]) > 1e-12*math.Abs(want[i]) {
			t.Errorf("rates %v, want %v", dz, want)
		}
	}
	// A description comes back as the same system.
	data, err := layers.Marshal(*s)
	if err != nil {
		t.Fatal(err)
	}
	back, err := layers.Unmarshal(data, Kinds()...)
	if err != nil || !reflect.DeepEqual(back, *s) {
		t.Errorf("%s: %+v, %v", data, back, err)
	}
	for old, bad := range map[string]string{`"spread":[2,0.5]`: `"spread":[2,-1]`, `"states":["x","y"]`: `"states":["x"]`, `a*x*y`: `a*x*(y`, `"start":0.7`: `"start":7`, `"units"`: `"unit"`} {
		damaged := strings.Replace(string(data), old, bad, 1)
		if damaged == string(data) {
			t.Fatalf("%s has no %s", data, old)
		}
		if _, err := layers.Unmarshal([]byte(damaged), Kinds()...); err == nil {
			t.Errorf("%s is accepted", damaged)
		}
	}
}

// FuzzParse reads equations and parameters of any content: what is accepted can be compiled or is
// refused with an error.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"dx = alpha*x - beta*x*y; dy = delta*x*y - gamma*y", "x' = -x^2^0.5 + sin(t)\n# comment\ny' = network", "dx/dt = 1e-3/(2 - x)**3", "dx = ((((", "dé = é", "dx = 0/0",
	} {
		f.Add(text, "alpha=0.5[0,2]")
	}
	f.Fuzz(func(t *testing.T, text, param string) {
		var params []Param
		if p, err := ParseParam(param); err == nil {
			params = append(params, p)
		}
		s, err := Parse(text, []string{"u"}, params)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if len(text) > 200 { // compiling is for graph's own tests
			return
		}
		n := len(s.States)
		s.Net = layers.Linear{In: n + 1, Out: n}
		field, err := graph.NewField[float64](*s, 1, graph.FieldConfig{Input: &graph.InputConfig{Channels: 1}})
		if err == nil && field.Dim() != n {
			t.Errorf("%q: %d states, want %d", text, field.Dim(), n)
		}
	})
}
