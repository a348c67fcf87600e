package forecast

import (
	"context"
	"math"
)

// calibrate finds out how fast errors of forecasts grow, for the band of an ensemble, whose members
// tend to be wrong together. A model of the same setting, that of the choice if there was one, is fitted to the first
// three quarters of the fitted rows and forecasts the last. A forecast's variance then grows with time like that of a
// random walk, by the mean square of those errors over their mean distance from the last row fitted.
func (f *fitter) calibrate(ctx context.Context, d *dataset, m *Model) error {
	in := d.earlier()
	if in == nil {
		return nil
	}
	t := f.earlier
	if t == nil {
		all, errs := f.run(ctx, []job{f.onEarlier("calibrating", in, m.Setting)})
		if t = all[0]; t == nil {
			return errs[0]
		}
	}
	dim := in.dim()
	rows := one(f.opt.Kind, in, t, m.Setting).rows(context.WithoutCancel(ctx), in, t.model, t.starts)
	spreads := d.spreads(m.seen)
	for j := range m.drift {
		var squares, far, count float64
		for i, tr := range in.all {
			cut := in.cut[i]
			if cut == 0 {
				continue // left out as a whole: nothing is known of its start
			}
			for r := cut; r < len(tr.Times); r++ {
				e := m.seen(rows[i][r*dim+j]) - m.seen(tr.States[r*dim+j])
				if e != e {
					continue
				}
				squares += e * e
				far += tr.Times[r] - tr.Times[cut-1]
				count++
			}
		}
		if count > 0 {
			// A model that has left the data altogether says no more than that.
			m.drift[j] = math.Min(squares/count, 4*spreads[j]*spreads[j]) / (far / count)
		}
	}
	return nil
}
