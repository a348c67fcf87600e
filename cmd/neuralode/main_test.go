package main

import (
	"bytes"
	"context"
	"flag"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/train/experiment"
)

// call runs the program and returns what it printed and its exit code.
func call(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	err := run(context.Background(), args, &out, &errs)
	code = experiment.Report(program, err, &errs)
	return out.String(), errs.String(), code
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args         []string
		code         int
		stdout, errs string // parts of what is printed
	}{
		{[]string{}, 2, "", "no command is given"},
		{[]string{"help"}, 0, "completion", ""},
		{[]string{"-h"}, 0, "completion", ""},
		{[]string{"help", "completion"}, 0, "usage: neuralode completion [flags] bash|zsh|fish", ""},
		{[]string{"completion", "-h"}, 0, "usage: neuralode completion [flags] bash|zsh|fish", ""},
		{[]string{"version"}, 0, "neuralode ", ""},
		{[]string{"--version"}, 0, "neuralode ", ""},
		{[]string{"versoin"}, 2, "", `there is no command "versoin"; did you mean "version"?`},
		{[]string{"xyzzy"}, 2, "", `there is no command "xyzzy"; "neuralode help" lists them`},
		{[]string{"version", "-x"}, 2, "", "not defined: -x"},
		{[]string{"completion", "csh"}, 2, "", `"csh" is unknown`},
		{[]string{"completion"}, 2, "", "name one shell"},
	} {
		stdout, stderr, code := call(c.args...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.errs) {
			t.Errorf("%q: code %d, stdout %q, stderr %q", c.args, code, stdout, stderr)
		}
	}
}

func TestParseBetweenArguments(t *testing.T) {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	n := fs.Int("n", 0, "")
	b := fs.Bool("b", false, "")
	rest, err := parse(fs, []string{"a.csv", "-n", "-3", "b.csv", "-b", "--", "-c.csv", "--"})
	if err != nil || *n != -3 || !*b || !slices.Equal(rest, []string{"a.csv", "b.csv", "-c.csv", "--"}) {
		t.Errorf("n %d, b %v, rest %q, %v", *n, *b, rest, err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"fit", "predict", "version"}
	for name, want := range map[string]string{"fti": "fit", "pred": "predict", "version": "version", "serve": "", "": ""} {
		if got := nearest(name, names); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"kitten", "sitting", 3}, {"", "abc", 3}, {"abc", "", 3}, {"same", "same", 0}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q, %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// Bash itself is asked for completions.
func TestCompletionBash(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	script, _, _ := call("completion", "bash")
	complete := func(words ...string) string {
		last := len(words) - 1
		cmd := exec.Command(shell, "--norc", "-c", script+`
COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _neuralode; echo "${COMPREPLY[@]}"`, "bash")
		cmd.Args = append(cmd.Args, words[:last+1]...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"neuralode", "ver"}, "version"},
		{[]string{"neuralode", "completion", "z"}, "zsh"},
		{[]string{"neuralode", "help", "comp"}, "completion"},
	} {
		if got := complete(c.words...); got != c.want {
			t.Errorf("%q: %q, want %q", c.words, got, c.want)
		}
	}
}

func TestCompletionFish(t *testing.T) {
	script, _, code := call("completion", "fish")
	for _, c := range commands() {
		if code != 0 || !strings.Contains(script, "-a "+c.name+" ") {
			t.Errorf("no completion of %s", c.name)
		}
		for _, f := range flagsOf(c) {
			if !strings.Contains(script, "from "+c.name+"' -o "+f.Name) {
				t.Errorf("no completion of %s -%s", c.name, f.Name)
			}
		}
	}
	if zsh, _, _ := call("completion", "zsh"); !strings.Contains(zsh, "bashcompinit") {
		t.Error("zsh's completion does not load bashcompinit")
	}
}
