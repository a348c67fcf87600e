package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/neuralode/neuralode/train/experiment"
)

// A command is a subcommand.
type command struct {
	name  string
	args  string // what may follow the flags, for the usage line: "DATA…"
	short string // a line for the overview
	about string // for the help, above the flags

	// bind adds the command's flags to a set and returns what runs after they are parsed.
	bind func(fs *flag.FlagSet) job
}

// A job is what a command does with the arguments that are no flags.
type job func(ctx context.Context, args []string, stdout, stderr io.Writer) error

// call parses the flags, which may stand before, between and after the arguments, and runs
// the command.
func (c command) call(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.Usage = func() {}
	fs.SetOutput(io.Discard)
	do := c.bind(fs)
	rest, err := parse(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		c.help(fs, stdout)
		return nil
	}
	if err != nil {
		return experiment.Usagef("%s: %w%s; see %q", c.name, err, suggestFlag(fs, err), program+" "+c.name+" -h")
	}
	return do(ctx, rest, stdout, stderr)
}

// help prints what -h says.
func (c command) help(fs *flag.FlagSet, w io.Writer) {
	usage := program + " " + c.name + " [flags]"
	if c.args != "" {
		usage += " " + c.args
	}
	fmt.Fprintf(w, "usage: %s\n\n%s\n", usage, c.about)
	any := false
	fs.VisitAll(func(*flag.Flag) { any = true })
	if any {
		fmt.Fprint(w, "\nFlags:\n")
		fs.SetOutput(w)
		fs.PrintDefaults()
	}
}

// parse returns the arguments that are no flags. "--" ends the flags.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		left := fs.Args()
		if n := len(args) - len(left); len(left) == 0 || n > 0 && args[n-1] == "--" {
			return append(rest, left...), nil
		}
		rest = append(rest, left[0])
		args = left[1:]
	}
}

// suggestFlag names the flag that an unknown one may have meant.
func suggestFlag(fs *flag.FlagSet, err error) string {
	_, name, ok := strings.Cut(err.Error(), "provided but not defined: -")
	if !ok {
		return ""
	}
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	if s := nearest(name, names); s != "" {
		return fmt.Sprintf("; did you mean -%s?", s)
	}
	return ""
}

// suggestion is the end of a sentence that names what a wrong name may have meant.
func suggestion(name string, names []string) string {
	if s := nearest(name, names); s != "" {
		return fmt.Sprintf("; did you mean %q?", s)
	}
	return ""
}

// nearest returns the name that differs least from a wrong one, or "" if none is similar.
func nearest(name string, names []string) string {
	best, least := "", len(name)/3+1
	for _, n := range names {
		d := distance(name, n)
		if strings.HasPrefix(n, name) && len(name) > 1 {
			d = 0
		}
		if d < least || d == least && best == "" {
			best, least = n, d
		}
	}
	return best
}

// distance is the least number of letters to insert, delete or exchange (Levenshtein) between
// two words, of which no more than 64 bytes are seen.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
