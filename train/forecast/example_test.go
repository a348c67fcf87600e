package forecast_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/table"
)

// A cup of tea cools: 20 + 60·exp(−t/10).
func ExampleFit() {
	const tea = "min,tea\n0,80\n2,69.12\n4,60.22\n6,52.93\n8,46.96\n10,42.07\n12,38.07\n14,34.80\n16,32.11\n18,29.92\n20,28.12\n22,26.65\n"
	t, err := table.Read(strings.NewReader(tea), table.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := forecast.Fit(context.Background(), t, forecast.Options{Hidden: []int{}, Linear: forecast.Yes, Log: forecast.No, Steps: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := m.Predict(context.Background(), forecast.Query{Times: []float64{30, 300}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.0f degrees after half an hour, %.0f in the end\n", p.Values[0], p.Values[1])
	// Output: 23 degrees after half an hour, 20 in the end
}
