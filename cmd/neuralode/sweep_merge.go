package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/sweep"
)

// summary is what merge prints.
type summary struct {
	Jobs    int      `json:"jobs"`
	Missing int      `json:"missing"`
	Failed  int      `json:"failed"`
	Number  string   `json:"number,omitempty"`
	Best    []ranked `json:"best,omitempty"` // the smallest first
	Files   []string `json:"files"`
}

type ranked struct {
	Job   string  `json:"job"`
	Value float64 `json:"value"`
}

// merge writes the table and the figure of all results and says which settings are best.
func (s *sweeping) merge(g sweep.Grid, stdout io.Writer) error {
	t, err := sweep.Merge(s.out, g)
	if err != nil {
		return err
	}
	sum := summary{Jobs: g.Len(), Missing: t.Missing, Failed: t.Failed}
	table := filepath.Join(s.out, "table.csv")
	if err := t.WriteCSV(table); err != nil {
		return err
	}
	sum.Files = append(sum.Files, table)
	if sum.Number, err = s.judge(t); err != nil {
		return err
	}
	if sum.Number != "" {
		column := slices.Index(t.Numbers, sum.Number)
		for i, row := range t.Rows {
			if !math.IsNaN(row[column]) {
				sum.Best = append(sum.Best, ranked{g.Job(i).String(), row[column]})
			}
		}
		slices.SortStableFunc(sum.Best, func(a, b ranked) int { return cmp.Compare(a.Value, b.Value) })
		sum.Best = sum.Best[:min(5, len(sum.Best))]
		if axis := s.axis(g); axis != "" {
			figure := filepath.Join(s.out, sum.Number+".png")
			if err := t.Draw(figure, sum.Number, axis); err != nil {
				return experiment.Usagef("sweep merge: %s against %s: %w", sum.Number, axis, err)
			}
			sum.Files = append(sum.Files, figure)
		}
	}
	if s.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(sum)
	}
	return sum.print(stdout)
}

// judge is the name of the number that settings are judged by; "" if there are no results.
func (s *sweeping) judge(t *sweep.Table) (string, error) {
	if len(t.Numbers) == 0 {
		return "", nil
	}
	if s.number != "" {
		if !slices.Contains(t.Numbers, s.number) {
			return "", experiment.Usagef("sweep merge: no result has a number %q; there are %s", s.number, strings.Join(t.Numbers, ", "))
		}
		return s.number, nil
	}
	for _, name := range []string{"rmse_scaled_forecast", "rmse_forecast", "validation_loss", "loss"} {
		if slices.Contains(t.Numbers, name) {
			return name, nil
		}
	}
	return t.Numbers[0], nil
}

// axis is the setting to draw against; "" if none has several numbers for values.
func (s *sweeping) axis(g sweep.Grid) string {
	if s.against != "" {
		return s.against
	}
	for _, a := range g {
		numbers := 0
		for _, v := range a.Values {
			if _, err := strconv.ParseFloat(v, 64); err == nil {
				numbers++
			}
		}
		if numbers == len(a.Values) && numbers > 1 {
			return a.Name
		}
	}
	return ""
}

func (s *summary) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d settings, %d without a result, %d failed\n", s.Jobs, s.Missing, s.Failed)
	if len(s.Best) > 0 {
		fmt.Fprintf(&b, "smallest %s:\n", s.Number)
		for _, r := range s.Best {
			fmt.Fprintf(&b, "  %-12.6g %s\n", r.Value, r.Job)
		}
	}
	for _, f := range s.Files {
		fmt.Fprintf(&b, "written to %s\n", f)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
