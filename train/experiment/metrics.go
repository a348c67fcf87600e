package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/modelfile"
)

// Metrics are the named numbers of a run. The zero value is empty.
type Metrics struct {
	values map[string]json.Number
	began  time.Time
}

// Start returns the metrics of a run that begins now, with its seed.
func Start(c Common) *Metrics {
	m := &Metrics{began: time.Now()}
	m.SetUint("seed", c.Seed)
	return m
}

// Training stores what trainings one after the other have cost, as steps, nfe_forward
// and nfe_backward, and the loss at the end of the last one.
func (m *Metrics) Training(reports ...train.Report) {
	steps := 0
	var w train.Work
	for _, r := range reports {
		steps += r.Steps
		w.NFEForward += r.Work.NFEForward
		w.NFEBackward += r.Work.NFEBackward
		m.Set("loss", r.Loss)
	}
	m.SetInt("steps", steps)
	m.SetInt("nfe_forward", w.NFEForward)
	m.SetInt("nfe_backward", w.NFEBackward)
}

// Finish stores the seconds since Start, prints the metrics and writes them to
// metrics.json in the folder out. If ctx was cancelled, and with it the training, the
// error says so, as Stopped does.
func (m *Metrics) Finish(ctx context.Context, stdout io.Writer, out string) error {
	m.Set("seconds", time.Since(m.began).Seconds())
	if err := m.WriteFile(filepath.Join(out, "metrics.json")); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "%sWritten to %s\n", m, out); err != nil {
		return err
	}
	if ctx.Err() != nil {
		steps, _ := m.Get("steps")
		return Stopped(ctx.Err(), int(steps), out)
	}
	return nil
}

// Set stores a number. A value that is not finite is left out of the file, since JSON
// has no word for it.
func (m *Metrics) Set(name string, value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		delete(m.values, name)
		return
	}
	m.put(name, strconv.FormatFloat(value, 'g', -1, 64))
}

// SetInt stores a whole number, all of its digits.
func (m *Metrics) SetInt(name string, value int) { m.put(name, strconv.Itoa(value)) }

// SetUint stores a whole number, all of its digits.
func (m *Metrics) SetUint(name string, value uint64) { m.put(name, strconv.FormatUint(value, 10)) }

func (m *Metrics) put(name, number string) {
	if m.values == nil {
		m.values = make(map[string]json.Number)
	}
	m.values[name] = json.Number(number)
}

// Get returns the number stored under name.
func (m *Metrics) Get(name string) (value float64, ok bool) {
	number, ok := m.values[name]
	if !ok {
		return 0, false
	}
	value, err := number.Float64()
	return value, err == nil
}

// WriteFile writes the numbers to path as one flat JSON object, sorted by
// name.
func (m *Metrics) WriteFile(path string) error {
	values := m.values
	if values == nil {
		values = map[string]json.Number{}
	}
	return modelfile.WriteAtomic(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(values)
	})
}

// String returns the numbers for reading, a line each, to six digits.
func (m *Metrics) String() string {
	names := make([]string, 0, len(m.values))
	width := 0
	for name := range m.values {
		names = append(names, name)
		width = max(width, len(name))
	}
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		text := m.values[name].String()
		if strings.ContainsAny(text, ".e") {
			value, _ := m.Get(name)
			text = strconv.FormatFloat(value, 'g', 6, 64)
		}
		fmt.Fprintf(&b, "  %-*s  %s\n", width, name, text)
	}
	return b.String()
}
