package odeint

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/internal/butcher"
)

// tableaus has every explicit method with the orders its source claims.
var tableaus = []struct {
	m                           *Tableau
	stages, dense               int
	order, errOrder, denseOrder int
	fsal                        bool
}{
	{Euler, 1, 2, 1, 0, 1, false},
	{Midpoint, 2, 3, 2, 2, 2, false},
	{Heun, 2, 3, 2, 2, 2, false},
	{Ralston, 2, 3, 2, 2, 2, false},
	{Bosh3, 4, 4, 3, 3, 3, true},
	{RK4, 4, 5, 4, 0, 3, false},
	{RK38, 4, 5, 4, 0, 3, false},
	{Dopri5, 7, 7, 5, 5, 4, true},
	{Tsit5, 7, 7, 5, 5, 4, true},
	{Dop853, 13, 16, 8, 8, 7, true},
}

func TestTableauOrders(t *testing.T) {
	for _, c := range tableaus {
		t.Run(c.m.Name, func(t *testing.T) {
			if err := c.m.Check(); err != nil {
				t.Error(err)
			}
			d := c.m.WithDense()
			if err := d.Check(); err != nil {
				t.Error("with dense:", err)
			}
			if got := butcher.NewConditions(c.m.A).Order(c.m.B); got != c.order || c.m.Order != c.order {
				t.Errorf("order by conditions %d, by claim %d, want %d", got, c.m.Order, c.order)
			}
			if c.m.ErrOrder != c.errOrder {
				t.Errorf("ErrOrder %d, want %d", c.m.ErrOrder, c.errOrder)
			}
			if got := c.m.DenseOrder(); got != c.denseOrder {
				t.Errorf("DenseOrder %d, want %d", got, c.denseOrder)
			}
			if c.m.FSAL() != c.fsal {
				t.Errorf("FSAL %v, want %v", c.m.FSAL(), c.fsal)
			}
			if len(c.m.B) != c.stages || len(d.A) != c.dense {
				t.Errorf("%d stages and %d with dense ones, want %d and %d", len(c.m.B), len(d.A), c.stages, c.dense)
			}
		})
	}
}

func TestCheckSeesEveryCoefficient(t *testing.T) {
	for _, c := range tableaus {
		for _, m := range []*Tableau{c.m, c.m.WithDense()} {
			for k, part := range m.parts() {
				for i, row := range part.rows {
					for j := range row {
						bad := m.clone()
						bad.parts()[k].rows[i][j] += 1e-6
						if bad.Check() == nil {
							t.Errorf("%s: %s[%d][%d] + 1e-6 passes", m.Name, part.name, i, j)
						}
					}
				}
			}
		}
	}
}

// A change that keeps every row sum must fail as well: the conditions beyond
// Σ b = 1 and Σ a = c are looked at.
func TestCheckSeesBalancedChanges(t *testing.T) {
	for _, c := range tableaus {
		s := len(c.m.B)
		if c.m.Order < 3 {
			continue
		}
		bad := c.m.clone()
		bad.A[s-2][0] += 1e-6
		bad.A[s-2][s-3] -= 1e-6
		if bad.Check() == nil {
			t.Errorf("%s: a balanced change of A passes", c.m.Name)
		}
		bad = c.m.clone()
		bad.B[0] += 1e-6
		bad.B[s-2] -= 1e-6
		if bad.Check() == nil {
			t.Errorf("%s: a balanced change of B passes", c.m.Name)
		}
		bad = c.m.clone()
		bad.Order++
		if c.m.Order < butcher.MaxOrder && bad.Check() == nil {
			t.Errorf("%s: too high an Order passes", c.m.Name)
		}
		if c.m.E == nil {
			continue
		}
		bad = c.m.clone()
		bad.E[0] += 1e-6
		bad.E[s-2] -= 1e-6
		if bad.Check() == nil {
			t.Errorf("%s: a balanced change of E passes", c.m.Name)
		}
		bad = c.m.clone()
		bad.ErrOrder--
		if bad.Check() == nil {
			t.Errorf("%s: too low an ErrOrder passes", c.m.Name)
		}
	}
}

// The extension starts and ends at the step's ends with the vector field's
// slopes there: it is continuously differentiable from step to step.
func TestDenseEnds(t *testing.T) {
	for _, c := range tableaus {
		d := c.m.WithDense()
		w := make([]float64, len(d.P))
		last := slices.IndexFunc(d.A, func(row []float64) bool { // the stage that is f(t+h, y1)
			n := len(c.m.B)
			if c.m.FSAL() {
				n--
			}
			return len(row) == n && slices.Equal(row, c.m.B[:n])
		})
		near := func(what string, want func(i int) float64) {
			t.Helper()
			for i, got := range w {
				if math.Abs(got-want(i)) > 3e-12 { // P of dop853 has entries up to 2e3
					t.Errorf("%s: %s of weight %d is %v, want %v", d.Name, what, i, got, want(i))
				}
			}
		}
		unit := func(k int) func(int) float64 {
			return func(i int) float64 {
				if i == k {
					return 1
				}
				return 0
			}
		}
		d.DenseWeights(w, 0)
		near("start", func(int) float64 { return 0 })
		d.DenseWeights(w, 1)
		near("end", func(i int) float64 {
			if i < len(d.B) {
				return d.B[i]
			}
			return 0
		})
		d.DenseSlopes(w, 0)
		near("slope at the start", unit(0))
		d.DenseSlopes(w, 1)
		near("slope at the end", unit(last))

		// The slopes are the derivative of the weights.
		const theta, eps = 0.37, 1e-5
		plus, minus := make([]float64, len(w)), make([]float64, len(w))
		d.DenseWeights(plus, theta+eps)
		d.DenseWeights(minus, theta-eps)
		d.DenseSlopes(w, theta)
		for i := range w {
			if fd := (plus[i] - minus[i]) / (2 * eps); math.Abs(fd-w[i]) > 1e-6 {
				t.Errorf("%s: slope %d is %v, by differences %v", d.Name, i, w[i], fd)
			}
		}
	}
}

func TestWithDenseLeavesOriginal(t *testing.T) {
	for _, c := range tableaus {
		before := c.m.clone()
		d := c.m.WithDense()
		for _, part := range d.parts() {
			for _, row := range part.rows {
				for j := range row {
					row[j] = -7
				}
			}
		}
		for k, part := range c.m.parts() {
			if !slices.EqualFunc(part.rows, before.parts()[k].rows, slices.Equal[[]float64]) {
				t.Errorf("%s: a change of the copy's %s reaches the method", c.m.Name, part.name)
			}
		}
	}
}

func TestValidateNamesFaults(t *testing.T) {
	cases := []struct {
		change func(m *Tableau)
		want   string
	}{
		{func(m *Tableau) { m.B = nil }, "B is empty"},
		{func(m *Tableau) { m.A = m.A[:2] }, "A has 2 rows"},
		{func(m *Tableau) { m.C = m.C[:3] }, "C has 3 nodes"},
		{func(m *Tableau) { m.A[2] = []float64{1} }, "row 2 of A has 1 weights"},
		{func(m *Tableau) { m.P = m.P[:3] }, "P has 3 rows"},
		{func(m *Tableau) { m.P[1] = nil }, "row 1 of P"},
		{func(m *Tableau) { m.P, m.A, m.C = nil, append(m.A, make([]float64, 7)), append(m.C, 0) }, "dense stages but no P"},
		{func(m *Tableau) { m.Order = 0 }, "Order is 0"},
		{func(m *Tableau) { m.ErrOrder = 0 }, "ErrOrder is 0"},
		{func(m *Tableau) { m.E = m.E[:3] }, "E has 3 weights"},
		{func(m *Tableau) { m.E2 = []float64{1} }, "E2 has 1 weights"},
		{func(m *Tableau) { m.E2, m.E = m.E, nil }, "E2 without E"},
		{func(m *Tableau) { m.A[3][1] = math.NaN() }, "in a row of A is NaN"},
		{func(m *Tableau) { m.B[2] = math.Inf(1) }, "in a row of B is +Inf"},
	}
	for _, c := range cases {
		m := Tsit5.clone()
		c.change(m)
		err := m.Check()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	var none *Tableau
	if none.validate() == nil {
		t.Error("a nil tableau is valid")
	}
	m := Tsit5.clone()
	m.Order, m.ErrOrder = 0, 0
	if err := m.validate(); err == nil || strings.Count(err.Error(), "odeint:") != 2 {
		t.Errorf("both faults should be listed: %v", err)
	}
}

// dop853D are the coefficients d of the nested form of the continuous
// extension, as the book's program has them.
var dop853D = [4][16]float64{
	{
		-8.428938276109012865135349114, 0, 0, 0, 0, 0.5667149535193777696253178359, -3.068949945949891691279730473,
		2.384667656512069828772814968, 2.117034582445028276715514995, -0.8713915837779729920678990749,
		2.240437430260788275854177165, 0.6315787787694688181557024929, -0.0889903364513333108206981174,
		18.14850552085472725665640496, -9.194632392478355400045198444, -4.4360363875948939664310572,
	},
	{
		10.42750864257913460341315101, 0, 0, 0, 0, 242.2834917752581828843017532, 165.2004517172702819850539489,
		-374.5467547226902027951831215, -22.11366685312530603627093858, 7.733432668472263838960389881,
		-30.67408473108939818206121363, -9.332130526430227872956722171, 15.69723812177084388613109108,
		-31.13940321956517767728285041, -9.352924358844478386571386266, 35.81684148639408375246589854,
	},
	{
		19.98505324200243382098765362, 0, 0, 0, 0, -387.0373087493517655510590174, -189.1781381951675688283083833,
		527.8081592054236490056101669, -11.57390253995963012614187113, 6.881232694696300016966692266,
		-1.000605096691083840318386098, 0.7777137798053443209286926574, -2.778205752353508406593200434,
		-60.19669523126412075826738085, 84.32040550667716101815990378, 11.99229113618278932803513003,
	},
	{
		-25.69393346270374900331258613, 0, 0, 0, 0, -154.1897486902364337405399363, -231.5293791760454956753603911,
		357.6391179106141237828534991, 93.4053241836243100039076917, -37.45832313645163315687513935,
		104.0996495089623004514724618, 29.84029342666050312334436358, -43.53345659001114375443217506,
		96.3245539591882829483949506, -39.17726167561543916523148617, -149.7268362579856258142212528,
	},
}

func TestDop853Nested(t *testing.T) {
	m := Dop853
	w := make([]float64, 16)
	for _, theta := range []float64{0.1, 0.37, 0.5, 0.93} {
		m.DenseWeights(w, theta)
		for i := range w {
			var b, first, end float64
			if i < len(m.B) {
				b = m.B[i]
			}
			switch i {
			case 0:
				first = 1
			case 12:
				end = 1
			}
			f := []float64{b, first - b, 2*b - first - end, dop853D[0][i], dop853D[1][i], dop853D[2][i], dop853D[3][i]}
			want := 0.0
			for k := len(f) - 1; k >= 0; k-- {
				x := theta
				if k%2 == 1 {
					x = 1 - theta
				}
				want = (want + f[k]) * x
			}
			if math.Abs(w[i]-want) > 1e-12 {
				t.Errorf("weight %d at %v is %v, want %v", i, theta, w[i], want)
			}
		}
	}
}
