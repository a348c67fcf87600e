package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/neuralode/neuralode/train/experiment"
)

func main() { experiment.Main(program, run) }

// program is the name of the command.
const program = "neuralode"

// commands returns the subcommands in the order of the help.
func commands() []command {
	return []command{
		fitCommand(),
		predictCommand(),
		reportCommand(),
		serveCommand(),
		exportCommand(),
		importCommand(),
		sweepCommand(),
		completionCommand(),
		versionCommand(),
	}
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		overview(stderr)
		return experiment.Usagef("no command is given")
	}
	name, rest := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		if name == "help" && len(rest) > 0 {
			name, rest = rest[0], []string{"-h"}
			break
		}
		overview(stdout)
		return nil
	case "-version", "--version":
		name = "version"
	}
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		var names []string
		for _, c := range all {
			names = append(names, c.name)
		}
		return experiment.Usagef("there is no command %q%s; %q lists them", name, suggestion(name, names), program+" help")
	}
	return all[i].call(ctx, rest, stdout, stderr)
}

// overview prints the commands.
func overview(w io.Writer) {
	fmt.Fprintf(w, "Neuralode fits Neural ODEs to tables of measurements and predicts with them.\n\nusage: %s COMMAND [flags] [arguments]\n\nCommands:\n", program)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-12s %s\n", c.name, c.short)
	}
	fmt.Fprintf(w, "\n%q tells more about a command.\n", program+" help COMMAND")
}
