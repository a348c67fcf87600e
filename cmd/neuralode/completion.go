package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/neuralode/neuralode/train/experiment"
)

const aboutCompletion = `Completion prints the completion of commands and flags for a shell:

  source <(neuralode completion bash)
  source <(neuralode completion zsh)
  neuralode completion fish | source`

func completionCommand() command {
	return command{
		name: "completion", args: "bash|zsh|fish", short: "print the completion script of a shell", about: aboutCompletion,
		bind: func(*flag.FlagSet) job { return completion },
	}
}

func completion(_ context.Context, args []string, stdout, _ io.Writer) error {
	if len(args) != 1 {
		return experiment.Usagef("completion: name one shell: bash, zsh or fish")
	}
	switch args[0] {
	case "bash":
		return bash(stdout)
	case "zsh": // zsh reads bash's completions
		if _, err := fmt.Fprint(stdout, "autoload -U +X bashcompinit && bashcompinit\n"); err != nil {
			return err
		}
		return bash(stdout)
	case "fish":
		return fish(stdout)
	}
	return experiment.Usagef("completion: the shell %q is unknown; there are bash, zsh and fish", args[0])
}

// flagsOf returns the flags of a command.
func flagsOf(c command) (all []*flag.Flag) {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	c.bind(fs)
	fs.VisitAll(func(f *flag.Flag) { all = append(all, f) })
	return all
}

func bash(w io.Writer) error {
	var names []string
	var cases strings.Builder
	for _, c := range commands() {
		names = append(names, c.name)
		var flags []string
		for _, f := range flagsOf(c) {
			flags = append(flags, "-"+f.Name)
		}
		if c.name == "completion" {
			flags = append(flags, "bash", "zsh", "fish")
		}
		fmt.Fprintf(&cases, "\t%s) words=%q ;;\n", c.name, strings.Join(flags, " "))
	}
	_, err := fmt.Fprintf(w, `_neuralode() {
	local word=${COMP_WORDS[COMP_CWORD]} words=""
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W %q -- "$word"))
		return
	fi
	case ${COMP_WORDS[1]} in
	help) words=%q ;;
%s	esac
	COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _neuralode neuralode
`, "help "+strings.Join(names, " "), strings.Join(names, " "), cases.String())
	return err
}

func fish(w io.Writer) error {
	quote := func(s string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", " ").Replace(s) + "'"
	}
	var b strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&b, "complete -c %s -n __fish_use_subcommand -f -a %s -d %s\n", program, c.name, quote(c.short))
		for _, f := range flagsOf(c) {
			value := " -r"
			if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
				value = ""
			}
			_, usage := flag.UnquoteUsage(f)
			fmt.Fprintf(&b, "complete -c %s -n '__fish_seen_subcommand_from %s' -o %s%s -d %s\n", program, c.name, f.Name, value, quote(usage))
		}
	}
	fmt.Fprintf(&b, "complete -c %s -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n", program)
	_, err := io.WriteString(w, b.String())
	return err
}
