package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/neuralode/neuralode/train"
)

// fewRows is the number of fitted rows below which nothing is chosen by validation.
const fewRows = 30

// choose returns the setting that forecasts the last quarter of the fitted rows best, after training
// on what is before, and sentences about it. What the options say is not chosen.
//
// When ctx ends before a choice was made, best is the best of what was trained.
func (f *fitter) choose(ctx context.Context, d *dataset) (s Setting, choices []string, best *trained, err error) {
	o := &f.opt
	first := Setting{Hidden: []int{16}, Decay: 2e-3, Log: o.Log == Yes, Linear: o.Linear == Yes}
	if o.Hidden != nil {
		first.Hidden = o.Hidden
	}
	if o.Decay != 0 {
		first.Decay = max(0, o.Decay)
	}
	if d.system != nil && !d.system.HasNetwork() {
		first.Hidden, first.Decay, first.Linear = []int{}, 0, false
		return first, []string{fmt.Sprintf("model: the equations as given, %d parameters to be found", len(d.system.Params))}, nil, nil
	}
	logs := o.Log == Auto && o.Kind == Node && d.positive() && d.wide(3)
	inner := d.inner()
	if inner == nil {
		why := fmt.Sprintf("the default, since %d rows are too few to choose by validation", d.rows())
		if logs && d.wide(8) {
			first.Log = true
			why += "; logarithms, since all values are positive and those of a column differ by a factor of more than 8"
		}
		return first, []string{fmt.Sprintf("network: %v: %s", first, why)}, nil, nil
	}
	var candidates []Setting
	add := func(s Setting) {
		if o.Hidden != nil {
			s.Hidden = o.Hidden
		}
		if o.Decay != 0 {
			s.Decay = max(0, o.Decay)
		}
		if o.Linear != Auto || !o.Kind.additive() {
			s.Linear = o.Linear == Yes
		}
		for _, c := range candidates {
			if c.String() == s.String() {
				return
			}
		}
		candidates = append(candidates, s)
	}
	for _, log := range []bool{false, true} {
		if log && !logs && o.Log != Yes || !log && o.Log == Yes {
			continue
		}
		add(Setting{Hidden: []int{16}, Decay: 2e-3, Log: log})
		add(Setting{Hidden: []int{32, 32}, Decay: 1e-6, Log: log})
		add(Setting{Hidden: []int{16}, Decay: 1e-3, Log: log, Linear: true})
		if !logs {
			add(Setting{Hidden: []int{16}, Decay: 2e-5, Log: log, Linear: true})
		}
		if o.free && len(d.states) == 1 && len(d.controls) == 0 {
			add(Setting{Hidden: []int{16}, Decay: 1e-3, Log: log, Linear: true, Extra: 1})
			add(Setting{Hidden: []int{16}, Decay: 1e-3, Log: log, Linear: true, Extra: 2})
		}
	}
	if len(candidates) == 1 {
		return candidates[0], []string{fmt.Sprintf("network: %v, as was asked for", candidates[0])}, nil, nil
	}
	jobs := make([]job, len(candidates))
	for i, c := range candidates {
		jobs[i] = f.onEarlier("choosing", inner.with(c.Extra), c)
		jobs[i].run = c.String()
	}
	results, errs := f.run(ctx, jobs)
	chosen, lowest := -1, math.Inf(1)
	scores := make([]float64, len(jobs))
	for i, t := range results {
		scores[i] = math.Inf(1)
		if t == nil {
			continue
		}
		in := jobs[i].data
		m := one(o.Kind, in, t, candidates[i])
		rows := m.rows(context.WithoutCancel(ctx), in, t.model, t.starts)
		// Judged in the same units, whatever the model sees.
		if score := in.scaledError(rows, d, true); score < math.Inf(1) {
			scores[i] = score
		}
		if scores[i] < lowest {
			chosen, lowest = i, scores[i]
		}
	}
	if err := ctx.Err(); err != nil && chosen < 0 {
		return first, nil, nil, err
	}
	if chosen < 0 {
		for _, err := range errs {
			if err != nil {
				return first, nil, nil, err
			}
		}
		chosen = 0
	}
	f.earlier = results[chosen]
	if ctx.Err() != nil {
		best = results[chosen]
	}
	for i, c := range candidates {
		verb := "had"
		if i == chosen {
			verb = "chosen:"
		}
		choices = append(choices, fmt.Sprintf("network: %v %s a validation error of %.3g standard deviations", c, verb, scores[i]))
	}
	// The choice itself first.
	choices[0], choices[chosen] = choices[chosen], choices[0]
	return candidates[chosen], choices, best, nil
}

// with returns the data of a Node with so many components that are not observed.
func (d *dataset) with(extra int) *dataset {
	if extra == 0 {
		return d
	}
	n := len(d.states)
	out := *d
	out.latent = extra
	out.all = slices.Clone(d.all)
	for i := range out.all {
		var states []float64
		for r := range out.all[i].Times {
			states = append(states, d.all[i].States[r*n:(r+1)*n]...)
			for range extra {
				states = append(states, math.NaN())
			}
		}
		out.all[i].States = states
	}
	return &out
}

// additive reports whether a linear map may be added to the network.
func (k Kind) additive() bool { return k == Node || k == Augmented || k == SecondOrder }

// inner is earlier, nil if there are too few rows to choose by.
func (d *dataset) inner() *dataset {
	if d.rows() < fewRows {
		return nil
	}
	return d.earlier()
}

// earlier returns the dataset whose last quarter of the fitted rows is held out; nil if that leaves
// too little.
func (d *dataset) earlier() *dataset {
	in := *d
	in.all = make(train.Dataset[float64], len(d.all))
	in.cut = make([]int, len(d.cut))
	for i, c := range d.cut {
		in.all[i] = d.all[i]
		if c == 0 {
			in.leaveOut(i)
			continue
		}
		in.all[i].Times, in.all[i].States = d.all[i].Times[:c], d.all[i].States[:c*d.dim()]
		in.cut[i] = c
		if c >= 8 {
			in.cut[i] = c - c/4
		}
	}
	if !in.held() {
		return nil
	}
	for j := range d.states {
		if in.missing(j) {
			return nil
		}
	}
	return &in
}

// one returns a model of a single member, for judging.
func one(kind Kind, d *dataset, t *trained, s Setting) *Model {
	return &Model{Info: Info{Kind: kind, States: d.states, Controls: d.controls, Latent: d.latent, Setting: s}, anchors: t.anchors}
}
