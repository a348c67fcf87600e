package export_test

import (
	"bytes"
	"fmt"
	"log"
	"strings"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/export"
)

// A small network as Go source.
func ExampleGoSource() {
	m, err := train.New[float64](layers.MLP{In: 2, Hidden: []int{4}, Out: 2}, train.Config{})
	if err != nil {
		log.Fatal(err)
	}
	var source bytes.Buffer
	if err := export.GoSource(&source, m, export.Options{Package: "pendulum", Steps: 4}); err != nil {
		log.Fatal(err)
	}
	for _, line := range strings.Split(source.String(), "\n") {
		if strings.HasPrefix(line, "package") || strings.HasPrefix(line, "func F") || strings.HasPrefix(line, "func S") {
			fmt.Println(line)
		}
	}
	// Output:
	// package pendulum
	// func Field(dydt []float64, t float64, y []float64) {
	// func Solve(times []float64, y0 []float64) [][]float64 {
}
