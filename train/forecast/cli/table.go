package cli

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/table"
)

//go:embed lynx_hare.csv
var lynxHare []byte

const lynxHareFile = "lynx_hare.csv"

// tableFlags say how tables are read.
type tableFlags struct {
	time, id, states           string
	separator, decimal, header string
	sort                       bool
}

func (f *tableFlags) bind(fs *flag.FlagSet) {
	fs.StringVar(&f.time, "time", "", "`name` of the time column; empty: the first")
	fs.StringVar(&f.id, "id", "", "`name` of the column that tells trajectories apart")
	fs.StringVar(&f.separator, "separator", "", "what separates columns: `comma`, semicolon, tab, bar or space; empty: detected")
	fs.StringVar(&f.decimal, "decimal", "", "the decimal sign: `point` or comma; empty: detected")
	fs.StringVar(&f.header, "header", "auto", "whether the first line has the names of the columns: `auto`, yes or no")
	fs.BoolVar(&f.sort, "sort", false, "sort the rows of each trajectory by time")
}

// options translates the flags.
func (f *tableFlags) options() (table.Options, error) {
	opt := table.Options{Time: f.time, ID: f.id, States: list(f.states), Sort: f.sort}
	var ok [3]bool
	opt.Comma, ok[0] = pick(f.separator, map[string]rune{"": 0, "comma": ',', "semicolon": ';', "tab": '\t', "bar": '|', "space": ' '})
	opt.Decimal, ok[1] = pick(f.decimal, map[string]rune{"": 0, "point": '.', "comma": ','})
	opt.Header, ok[2] = pick(f.header, map[string]table.Header{"auto": table.Detect, "yes": table.Present, "no": table.Absent})
	for i, given := range [][2]string{{"separator", f.separator}, {"decimal", f.decimal}, {"header", f.header}} {
		if !ok[i] {
			if r, n := utf8.DecodeRuneInString(given[1]); i < 2 && n == len(given[1]) {
				switch i { // the sign itself
				case 0:
					opt.Comma = r
				case 1:
					opt.Decimal = r
				}
				continue
			}
			return opt, experiment.Usagef("-%s %q is unknown; see -h", given[0], given[1])
		}
	}
	return opt, nil
}

func pick[V any](name string, of map[string]V) (V, bool) {
	v, ok := of[name]
	return v, ok
}

// read reads the files, or without any the lynx and hare.
func read(files []string, opt table.Options) (*table.Table, error) {
	if len(files) == 0 {
		opt.File = lynxHareFile
		return table.Read(bytes.NewReader(lynxHare), opt)
	}
	return table.ReadFiles(files, opt)
}

// list splits names at commas.
func list(text string) []string {
	var items []string
	for _, s := range strings.Split(text, ",") {
		if s = strings.TrimSpace(s); s != "" {
			items = append(items, s)
		}
	}
	return items
}

// names collects a flag that may be given several times, each with one name or several.
type names []string

func (n *names) String() string { return strings.Join(*n, ",") }

func (n *names) Set(text string) error {
	items := list(text)
	if len(items) == 0 {
		return fmt.Errorf("no name in %q", text)
	}
	*n = append(*n, items...)
	return nil
}
