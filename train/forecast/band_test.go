package forecast_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/table"
)

// An oscillator that chance pushes cannot be forecast far. The members of an ensemble agree in what is
// wrong; the band has to know better, and to widen with the square root of time.
func TestBandOfAnOscillatorThatIsPushed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 0))
	var csv strings.Builder
	csv.WriteString("t,x,v\n")
	x, v := 1.0, 0.0
	for i := range 240 {
		if i%4 == 0 {
			fmt.Fprintf(&csv, "%g,%g,%g\n", 0.1*float64(i), x, v)
		}
		c, s := math.Cos(0.1), math.Sin(0.1)
		x, v = c*x+s*v, c*v-s*x+0.08*r.NormFloat64()
	}
	m, err := forecast.Fit(context.Background(), read(t, csv.String(), table.Options{}),
		forecast.Options{Ensemble: 3, Hidden: []int{8}, Decay: 1e-3, Linear: forecast.Yes, Log: forecast.No})
	if err != nil {
		t.Fatal(err)
	}
	if c := figure(t, m, "band_coverage_forecast"); c < 0.5 { // 0.17 without the growth
		t.Errorf("the band holds %.2f of the values held out", c)
	}
	end := m.Trajectories[0].End
	p, err := m.Predict(context.Background(), forecast.Query{Times: []float64{end + 1, end + 4}, From: []float64{0, 0}, FromTime: end})
	if err != nil {
		t.Fatal(err)
	}
	for j := range 2 { // the state of rest stays where it is, so that all members agree
		if near, far := p.High[j]-p.Low[j], p.High[2+j]-p.Low[2+j]; !(far > 1.5*near) {
			t.Errorf("state %d: a band of %.3g, later of %.3g", j, near, far)
		}
	}
}
