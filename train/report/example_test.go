package report_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/report"
	"github.com/neuralode/neuralode/train/table"
)

func ExampleWriteFile() {
	tea, err := table.Read(strings.NewReader("min,tea\n0,80\n2,69.1\n4,60.2\n6,52.9\n8,47\n10,42.1\n12,38.1\n14,34.8\n16,32.1\n18,29.9\n"), table.Options{File: "tea.csv"})
	if err != nil {
		panic(err)
	}
	model, err := forecast.Fit(context.Background(), tea, forecast.Options{Hidden: []int{}, Linear: forecast.Yes, Log: forecast.No, Steps: 10})
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := report.WriteFile(context.Background(), filepath.Join(dir, "tea.html"), model); err != nil {
		panic(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "tea.html"))
	if err != nil {
		panic(err)
	}
	fmt.Println(strings.Contains(string(text), "<title>tea of tea.csv: report</title>"))
	// Output: true
}
