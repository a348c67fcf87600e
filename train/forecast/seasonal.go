package forecast

import (
	"math"
	"sort"
)

// seasonal repeats the last fitted period of each trajectory; nil if no period is found.
func (d *dataset) seasonal() [][]float64 {
	period := d.period()
	if period == 0 {
		return nil
	}
	other := d.persistence()
	n := len(d.states)
	series := make([][]*column, len(d.all))
	for i := range d.all {
		for j := range n {
			series[i] = append(series[i], d.column(i, j))
		}
	}
	return d.filled(func(i, r, j int) float64 {
		c := series[i][j]
		t := d.all[i].Times[r]
		if len(c.times) < 2 || c.times[len(c.times)-1]-c.times[0] < period {
			return other[i][r*n+j]
		}
		if last := c.times[len(c.times)-1]; t > last {
			t -= math.Ceil((t-last)/period) * period
		}
		return c.at(t)
	})
}

// A column is the fitted values of one column of one trajectory that are there.
type column struct{ times, values []float64 }

func (d *dataset) column(i, j int) *column {
	c := &column{}
	dim := d.dim()
	for r := range d.cut[i] {
		if v := d.all[i].States[r*dim+j]; v == v {
			c.times = append(c.times, d.all[i].Times[r])
			c.values = append(c.values, v)
		}
	}
	return c
}

// at interpolates linearly.
func (c *column) at(t float64) float64 {
	k := sort.SearchFloat64s(c.times, t)
	switch {
	case k == 0:
		return c.values[0]
	case k == len(c.times):
		return c.values[k-1]
	}
	w := (t - c.times[k-1]) / (c.times[k] - c.times[k-1])
	return c.values[k-1] + w*(c.values[k]-c.values[k-1])
}

// period returns the period of the longest trajectory: where the autocorrelation of its columns, without their
// linear trends, has its first peak after it was negative, if that is above 0.3 and seen twice. 0: none.
func (d *dataset) period() float64 {
	longest := 0
	for i := range d.all {
		if d.cut[i] > d.cut[longest] {
			longest = i
		}
	}
	if d.cut[longest] < 20 {
		return 0
	}
	points := min(d.cut[longest], 2048)
	first, last := d.all[longest].Times[0], d.all[longest].Times[d.cut[longest]-1]
	dt := (last - first) / float64(points-1)
	correlation := make([]float64, points/2+1)
	for j := range d.states {
		c := d.column(longest, j)
		if len(c.times) < 20 {
			return 0
		}
		v := make([]float64, points)
		for k := range v {
			v[k] = c.at(first + float64(k)*dt)
		}
		detrend(v)
		variance := 0.0
		for _, x := range v {
			variance += x * x / float64(points)
		}
		if variance == 0 {
			continue
		}
		for lag := range correlation {
			sum := 0.0
			for k := range points - lag {
				sum += v[k] * v[k+lag]
			}
			correlation[lag] += sum / float64(points-lag) / variance / float64(len(d.states))
		}
	}
	negative := false
	for k := 1; k+1 < len(correlation); k++ {
		negative = negative || correlation[k] < 0
		if negative && correlation[k] > 0.3 && correlation[k] >= correlation[k-1] && correlation[k] > correlation[k+1] {
			// The vertex of the parabola through the three points.
			a, b, c := correlation[k-1], correlation[k], correlation[k+1]
			return (float64(k) + (a-c)/(2*(a-2*b+c))) * dt
		}
	}
	return 0
}

// detrend subtracts the least-squares line.
func detrend(v []float64) {
	n := float64(len(v))
	var sum, moment float64
	for k, x := range v {
		sum += x
		moment += (float64(k) - (n-1)/2) * x
	}
	slope := moment * 12 / (n * (n*n - 1))
	for k := range v {
		v[k] -= sum/n + slope*(float64(k)-(n-1)/2)
	}
}
