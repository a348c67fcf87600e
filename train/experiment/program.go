package experiment

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit codes of the example programs.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitUsage       = 2
	ExitInterrupted = 130 // 128 + SIGINT, as shells count
)

// ErrUsage marks a wrong call: unknown flags, impossible values.
var ErrUsage = errors.New("wrong usage")

// Usagef returns an error that matches ErrUsage and whose text is the
// formatted message.
func Usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

type usageError struct{ err error }

func (e *usageError) Error() string   { return e.err.Error() }
func (e *usageError) Unwrap() []error { return []error{ErrUsage, e.err} }

// Stopped returns the error of a training that err ended after some steps, when what there
// was by then has been written to the folder out.
func Stopped(err error, steps int, out string) error {
	if errors.Is(err, context.Canceled) {
		return &interruptedError{fmt.Sprintf("interrupted after %d steps; results so far are in %s", steps, out)}
	}
	return fmt.Errorf("stopped after %d steps, results so far are in %s: %w", steps, out, err)
}

type interruptedError struct{ text string }

func (e *interruptedError) Error() string { return e.text }
func (e *interruptedError) Unwrap() error { return context.Canceled }

// Common are the flags that every example has.
type Common struct {
	Quick bool   // -quick: a few seconds, for a smoke test
	Seed  uint64 // -seed: of everything random
	Out   string // -out: the folder of the files written
}

// NewFlags returns the flag set of the program called name, with the common
// flags bound to c, whose values are the defaults. About is printed above the
// flags by -h.
func NewFlags(name, about string, c *Common) *flag.FlagSet {
	fs := Flags(name, about)
	fs.BoolVar(&c.Quick, "quick", c.Quick, "a run of a few seconds that shows that everything works, not how well")
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "seed of everything random")
	fs.StringVar(&c.Out, "out", c.Out, "folder for the files written; made if missing")
	return fs
}

// Flags returns a flag set without flags, whose -h prints about above them.
func Flags(name, about string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "%s\n\nFlags:\n", about)
		fs.PrintDefaults()
	}
	return fs
}

// Parse parses args, which may hold flags only. It writes help to stderr. The
// error is flag.ErrHelp after -h, and matches ErrUsage when the call is wrong.
func Parse(fs *flag.FlagSet, args []string, stderr io.Writer) error {
	fs.SetOutput(stderr)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &reportedError{Usagef("%w", err)}
	}
	if fs.NArg() > 0 {
		return Usagef("unexpected argument %q; every option is a flag, see -h", fs.Arg(0))
	}
	return nil
}

// A reportedError was already printed, by the flag package.
type reportedError struct{ error }

func (e *reportedError) Unwrap() error { return e.error }

// IsSet reports whether the flag was given on the command line.
func IsSet(fs *flag.FlagSet, name string) bool {
	set := false
	fs.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// A Program is the whole of an example: it reads args, works until done or until ctx is
// cancelled, and writes to the given streams.
type Program func(ctx context.Context, args []string, stdout, stderr io.Writer) error

// Main runs p as the program called name and exits. The first Ctrl-C cancels
// the program's context, so that it can write what it has; the second one kills it. A
// terminal that closes and a machine that shuts down (SIGHUP, SIGTERM) do the same.
func Main(name string, p Program) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	err := p(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(Report(name, err, os.Stderr))
}

// Report prints err, unless that was done or is not called for, and returns the
// exit code that it stands for.
func Report(name string, err error, stderr io.Writer) int {
	var reported *reportedError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return ExitOK
	case errors.As(err, &reported):
		return ExitUsage
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	switch {
	case errors.Is(err, ErrUsage):
		return ExitUsage
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitFailure
}
