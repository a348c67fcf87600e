// Command gallery fits the data sets of docs/gallery.md with the commands that stand there, and writes that
// page and its pictures again: go generate ./docs.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/forecast/cli"
	"github.com/neuralode/neuralode/train/report"
)

//go:embed gallery.md.tmpl
var text string

// An exhibit is a data set, what is done with it, and what comes out.
type exhibit struct {
	Name string   // of its files
	Unit string   // of its states
	Args []string // of neuralode fit, in the root of a checkout

	Rows    []row // errors of the forecast
	Fitted  string
	Held    string
	Within  string // the part of the values held out that the band holds
	Verdict string
	Found   string // parameters of the equations
}

type row struct{ Name, Error, Scaled string }

// exhibits are those of the page, by the names in its template.
func exhibits() map[string]*exhibit {
	return map[string]*exhibit{
		"Lynx": {Name: "lynx", Unit: "thousand pelts", Args: []string{"-ensemble", "5"}},
		"Theophylline": {Name: "theophylline", Unit: "mg/L", Args: []string{"docs/gallery/theophylline.csv", "-id", "subject", "-time", "hours", "-states", "concentration",
			"-known", "dconcentration = ka*gut - ke*concentration; dgut = -ka*gut", "-ensemble", "2"}},
		"Furnace": {Name: "furnace", Unit: "% CO₂", Args: []string{"docs/gallery/gas_furnace.csv", "-states", "co2", "-control", "gas",
			"-model", "augmented", "-extra", "2", "-hidden", "4", "-linear", "yes", "-decay", "0.1", "-ensemble", "4"}},
		"Nottingham": {Name: "nottingham", Unit: "°F", Args: []string{"docs/gallery/nottingham.csv", "-model", "second-order", "-hidden", "8", "-linear", "yes", "-decay", "0.01", "-ensemble", "5"}},
	}
}

// Command is what a reader types.
func (e *exhibit) Command() string {
	text := "go run ./cmd/neuralode fit"
	for _, a := range e.Args {
		if strings.Contains(a, " ") {
			a = "'" + a + "'"
		}
		text += " " + a
	}
	return text
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: gallery ROOT, the root of a checkout")
	}
	if err := os.Chdir(os.Args[1]); err != nil {
		log.Fatal(err)
	}
	all := exhibits()
	for name, e := range all {
		fmt.Fprintln(os.Stderr, name)
		if err := e.show(context.Background(), os.Stderr); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
	page, err := os.Create(filepath.Join("docs", "gallery.md"))
	if err != nil {
		log.Fatal(err)
	}
	defer page.Close()
	if err := template.Must(template.New("gallery").Parse(text)).Execute(page, all); err != nil {
		log.Fatal(err)
	}
}

// show fits the data, draws the picture and fills in the results.
func (e *exhibit) show(ctx context.Context, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "gallery-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := e.fit(ctx, dir, progress); err != nil {
		return err
	}
	m, err := forecast.Load(filepath.Join(dir, cli.ModelFile))
	if err != nil {
		return err
	}
	if err := report.Figure(ctx, filepath.Join("docs", "images", "gallery_"+e.Name+".png"), m); err != nil {
		return err
	}
	e.fill(m)
	return nil
}

// fit does what the command does, with the files in a folder of its own.
func (e *exhibit) fit(ctx context.Context, dir string, progress io.Writer) error {
	var fit cli.FitFlags
	flags := flag.NewFlagSet(e.Name, flag.ContinueOnError)
	fit.Bind(flags)
	args, data := e.Args, []string(nil)
	if !strings.HasPrefix(args[0], "-") {
		args, data = args[1:], args[:1]
	}
	if err := flags.Parse(slices.Concat(args, []string{"-out", dir})); err != nil {
		return err
	}
	return fit.Run(ctx, data, io.Discard, progress)
}

// fill takes the results from a model.
func (e *exhibit) fill(m *forecast.Model) {
	for _, b := range [][2]string{{"", "**neuralode**"}, {"mean", "mean of the fitted rows"}, {"persistence", "last fitted value"}, {"linear", "linear differential equation"}, {"seasonal", "last period"}} {
		name := ""
		if b[0] != "" {
			name = "_of_" + b[0]
		}
		v, ok := m.Figures.Get("rmse_forecast" + name)
		if !ok {
			continue
		}
		scaled, _ := m.Figures.Get("rmse_scaled_forecast" + name)
		e.Rows = append(e.Rows, row{b[1], digits(v), digits(scaled)})
	}
	number := func(name string) string {
		v, _ := m.Figures.Get(name)
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	for _, f := range m.Figures {
		if name, ok := strings.CutPrefix(f.Name, "param_"); ok {
			e.Found += fmt.Sprintf(" %s = %s.", name, digits(f.Value))
		}
	}
	e.Fitted, e.Held, e.Verdict = number("rows_fitted"), number("rows_held_out"), m.Verdict
	if v, ok := m.Figures.Get("band_coverage_forecast"); ok {
		e.Within = fmt.Sprintf("%.0f %%", 100*v)
	}
}

// digits writes a number with three digits.
func digits(v float64) string {
	text := strconv.FormatFloat(v, 'g', 3, 64)
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return text
}
