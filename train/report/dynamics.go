package report

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"math/cmplx"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// maxDim is the largest state whose eigenvalues are computed.
const maxDim = 64

// system is the vector field of the first member along the first trajectory that was fitted.
type system struct {
	field      train.Field[float64]
	scaler     train.Scaler
	opt        odeint.Options
	trajectory int
	start, end float64 // of the solve, in the model's units
	y0         []float64
	unit       float64 // of time
}

// system returns the solve that the part about the dynamics looks at.
func (r *reporter) system() (*system, error) {
	m := r.m
	member := m.Members()[0]
	for i := range m.Trajectories {
		t, state, ok := m.Start(0, i)
		if !ok {
			continue
		}
		tr := &m.Trajectories[i]
		var controls []train.Controls[float64]
		if len(m.Controls) > 0 {
			if tr.Times == nil {
				return nil, fmt.Errorf("the inputs are not kept with the model")
			}
			controls = append(controls, train.Controls[float64]{Times: tr.Times, Values: tr.Controls})
		}
		s := &system{scaler: member.Scaler(), trajectory: i, y0: make([]float64, len(state)), unit: 1}
		if s.scaler.Unit != 0 {
			s.unit = s.scaler.Unit
		}
		var err error
		if s.field, err = member.Field(1, controls...); err != nil {
			return nil, err
		}
		if s.opt, err = member.SolveOptions(); err != nil {
			return nil, err
		}
		s.toModel(s.y0, state)
		s.start, s.end = (t-s.scaler.Origin)/s.unit, (tr.End-s.scaler.Origin)/s.unit
		if !(s.end > s.start) {
			return nil, fmt.Errorf("the trajectory has a single time")
		}
		return s, nil
	}
	return nil, fmt.Errorf("no trajectory was fitted")
}

// mean and spread of a component.
func (s *system) units(j int) (mean, spread float64, log bool) {
	spread = 1
	if len(s.scaler.Mean) > 0 {
		mean = s.scaler.Mean[j]
	}
	if len(s.scaler.Spread) > 0 {
		spread = s.scaler.Spread[j]
	}
	return mean, spread, len(s.scaler.Log) > 0 && s.scaler.Log[j]
}

// toModel maps a state from the units of the data.
func (s *system) toModel(dst, y []float64) {
	for j, v := range y {
		mean, spread, log := s.units(j)
		if log {
			v = math.Log(v)
		}
		dst[j] = (v - mean) / spread
	}
}

// value is a component in the units of the data.
func (s *system) value(j int, v float64) float64 {
	mean, spread, log := s.units(j)
	v = mean + spread*v
	if log {
		v = math.Exp(v)
	}
	return v
}

// slopes are the rates of change of a state in the units of the data.
func (s *system) slopes(dst []float64, t float64, y []float64) {
	x := make([]float64, len(y))
	s.toModel(x, y)
	s.field.Eval(dst, (t-s.scaler.Origin)/s.unit, x)
	for j := range dst {
		_, spread, log := s.units(j)
		dst[j] *= spread / s.unit
		if log {
			dst[j] *= y[j]
		}
	}
}

// jacobian stores ∂f/∂y in the model's units, by tangents if the field has some, otherwise by differences.
func (s *system) jacobian(dst *mat.Dense, t float64, y []float64) {
	d := len(y)
	column, v := make([]float64, d), make([]float64, d)
	f, ok := s.field.(interface {
		JVP(ddydt []float64, t float64, y, v []float64)
	})
	low := make([]float64, d)
	for j := range d {
		clear(v)
		if ok {
			v[j] = 1
			f.JVP(column, t, y, v)
		} else {
			h := 1e-6 * (1 + math.Abs(y[j]))
			copy(v, y)
			v[j] += h
			s.field.Eval(column, t, v)
			v[j] -= 2 * h
			s.field.Eval(low, t, v)
			for i := range column {
				column[i] = (column[i] - low[i]) / (2 * h)
			}
		}
		dst.SetCol(j, column)
	}
}

// dynamics draws the sizes of the solver's steps and the eigenvalues along a trajectory.
func (r *reporter) dynamics(ctx context.Context) section {
	sec := section{ID: "dynamics", Title: "Time scales and steps"}
	s, err := r.system()
	if err != nil {
		return without(sec.ID, sec.Title, err)
	}
	opt := s.opt
	opt.SaveAt = odeint.SaveAt{Keep: odeint.Dense}
	in, err := odeint.New[float64](s.field, opt)
	if err != nil {
		return without(sec.ID, sec.Title, err)
	}
	var sol odeint.Solution[float64]
	err = in.Solve(ctx, &sol, s.start, s.end, s.y0)
	if sol.NumSteps() == 0 {
		return without(sec.ID, sec.Title, err)
	}
	data := func(t float64) float64 { return s.scaler.Origin + t*s.unit }
	steps := &chart{Title: "Steps of the solver", X: r.unit, Y: "size (" + r.unitWord() + ")", logY: true, clock: r.m.Clock}
	var at, size []float64
	for i := range sol.NumSteps() {
		st := sol.StepTimes(i)
		at, size = append(at, data(st.T0)), append(size, math.Abs(st.H)*s.unit)
	}
	steps.points("", "step", at, size)
	steps.line("", "fit thin", at, size)
	sec.Charts = []template.HTML{steps.svg()}
	sec.Text = fmt.Sprintf("%s takes %d steps, and %d trials that were too large, along %s.", opt.Method.String(), sol.Stats.Accepted, sol.Stats.Rejected, r.which(s.trajectory))
	if d := len(s.y0); d <= maxDim {
		ch, text := r.eigenvalues(ctx, s, &sol, data)
		if ch != nil {
			sec.Charts = append(sec.Charts, ch.svg())
			sec.Text += " " + text
		}
	}
	return sec
}

// eigenvalues draws |λ| of the Jacobian along a solution.
func (r *reporter) eigenvalues(ctx context.Context, s *system, sol *odeint.Solution[float64], data func(float64) float64) (*chart, string) {
	d := len(s.y0)
	const points = 160
	y, jac := make([]float64, d), mat.NewDense(d, d, nil)
	times := grid(s.start, sol.Reached(), points)
	t := make([]float64, 0, len(times))
	sizes := make([][]float64, d)
	fastest, slowest, growth := 0.0, math.Inf(1), math.Inf(-1)
	for _, tau := range times {
		if ctx.Err() != nil || sol.At(y, tau) != nil {
			return nil, ""
		}
		s.jacobian(jac, tau, y)
		var eig mat.Eigen
		if !finite(jac.RawMatrix().Data) || !eig.Factorize(jac, mat.EigenNone) {
			continue
		}
		values := eig.Values(nil)
		slices.SortFunc(values, func(a, b complex128) int { return cmp.Compare(cmplx.Abs(b), cmplx.Abs(a)) })
		t = append(t, data(tau))
		for k, v := range values {
			size := cmplx.Abs(v) / s.unit
			sizes[k] = append(sizes[k], size)
			fastest = max(fastest, size)
			if size > 0 {
				slowest = min(slowest, size)
			}
			growth = max(growth, real(v)/s.unit)
		}
	}
	if len(t) == 0 || fastest == 0 {
		return nil, ""
	}
	ch := &chart{Title: "Sizes of the eigenvalues of ∂f/∂y", X: r.unit, Y: "|λ| (1/" + r.unitWord() + ")", logY: true, clock: r.m.Clock}
	for k := range sizes {
		class := "fit"
		if k > 0 {
			class = "fit thin"
		}
		ch.line("", class, t, sizes[k])
	}
	span := math.Abs(data(sol.Reached()) - data(s.start))
	text := fmt.Sprintf("Its shortest time scale, 1/|λ|, is %s %s, 1/%s of the span of the data. ", short(1/fastest), r.unitWord(), short(fastest*span))
	if fastest*span > 1000 {
		text += "Such a system is stiff for the span of these data: a solver for stiff systems, such as Auto, takes fewer steps."
	} else {
		text += "That is not stiff for the span of these data: an explicit method is right."
	}
	return ch, text
}

// phase draws the first state against the next ones, with the vector field where that is a plane.
func (r *reporter) phase(ctx context.Context) section {
	m, n := r.m, len(r.m.States)
	if n < 2 && m.Latent == 0 || len(m.Trajectories[0].Times) == 0 {
		return section{}
	}
	sec := section{ID: "phase", Title: "Phase portraits"}
	s, err := r.system()
	if err != nil {
		return without(sec.ID, sec.Title, err)
	}
	if n == 1 {
		return r.latent(ctx, sec, s)
	}
	plane := m.Dim() == 2 && len(m.Controls) == 0
	if plane {
		sec.Text = "Arrows show where the first member of the model goes, and how fast by their length."
	} else {
		sec.Text = "The other components change along the curves, so there are no arrows."
	}
	for j := 1; j < min(n, 4); j++ {
		ch := &chart{Title: m.States[j] + " against " + m.States[0], X: m.States[0], Y: m.States[j], legend: true}
		var x, y []float64
		for i := range r.shown() {
			c, err := r.along(ctx, i)
			if err != nil {
				return without(sec.ID, sec.Title, err)
			}
			class, label := "fit", "model"
			if i > 0 {
				class, label = "fit thin", ""
			}
			ch.line(label, class, c.value[0], c.value[j])
			x, y = append(x, column(m.Trajectories[i].States, 0, n)...), append(y, column(m.Trajectories[i].States, j, n)...)
		}
		ch.points("data", "data", x, y)
		if plane {
			first := m.Trajectories[s.trajectory].Times[0]
			ch.field = func(x, y float64) (float64, float64) {
				var d [2]float64
				if m.Setting.Log && (x <= 0 || y <= 0) {
					return math.NaN(), math.NaN()
				}
				s.slopes(d[:], first, []float64{x, y})
				return d[0], d[1]
			}
		}
		sec.Charts = append(sec.Charts, ch.svg())
	}
	return sec
}

// latent draws the only state that is observed against the first that is not.
func (r *reporter) latent(ctx context.Context, sec section, s *system) section {
	opt := s.opt
	opt.SaveAt = odeint.SaveAt{}
	in, err := odeint.New[float64](s.field, opt)
	if err != nil {
		return without(sec.ID, sec.Title, err)
	}
	var sol odeint.Solution[float64]
	err = in.SolveAt(ctx, &sol, grid(s.start, s.end, dense), s.y0)
	if len(sol.T) < 2 {
		return without(sec.ID, sec.Title, err)
	}
	x, y := sol.Component(nil, 0), sol.Component(nil, 1)
	for i := range x {
		x[i], y[i] = s.value(0, x[i]), s.value(1, y[i])
	}
	name := r.m.Components()[1]
	ch := &chart{Title: name + " against " + r.m.States[0], X: r.m.States[0], Y: name}
	ch.line("model", "fit", x, y)
	sec.Text = "The state has components that are not in the data; the curve is that of the first member along " + r.which(s.trajectory) + "."
	sec.Charts = append(sec.Charts, ch.svg())
	return sec
}

// unitWord is the unit of time as a word.
func (r *reporter) unitWord() string {
	if r.m.Clock == nil {
		return r.m.Time
	}
	if d := r.m.Clock.Unit; d == 24*3600e9 {
		return "days"
	}
	return r.m.Clock.Unit.String()
}

// which names a trajectory.
func (r *reporter) which(i int) string {
	if len(r.m.Trajectories) == 1 {
		return "the data"
	}
	if id := r.m.Trajectories[i].ID; id != "" {
		return "trajectory " + id
	}
	return fmt.Sprintf("trajectory %d", i+1)
}

func finite(v []float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return x-x != 0 })
}
