package figure_test

import (
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"

	"github.com/neuralode/neuralode/train/figure"
)

// Data and a model against time, and the orbit in the phase plane beside them.
func Example() {
	var t, q, p []float64
	for i := range 101 {
		t = append(t, 0.1*float64(i))
		q, p = append(q, math.Cos(t[i])), append(p, -math.Sin(t[i]))
	}
	time := figure.New("Oscillator", "time (s)", "position (m)")
	time.Span("held out", 8, 10)
	time.Points("data", t[:80], q[:80], figure.Rings(figure.Black))
	time.Line("model", t, q, figure.Solid(figure.Series(0)))

	phase := figure.New("Phase plane", "position (m)", "momentum (kg m/s)")
	phase.Line("model", q, p, figure.Solid(figure.Series(0)))
	phase.Equal()

	dir, err := os.MkdirTemp("", "figure")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "oscillator.png")
	if err := figure.Save(path, 9*figure.Inch, 4*figure.Inch, []*figure.Panel{time}, []*figure.Panel{phase}); err != nil {
		log.Fatal(err)
	}
	info, err := os.Stat(path)
	fmt.Println(info.Size() > 10_000, err)
	// Output: true <nil>
}
