package experiment

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/neuralode/neuralode/train"
)

// Bar is the progress of one phase of work. A nil *Bar does nothing.
type Bar struct {
	w     io.Writer
	bar   *progressbar.ProgressBar
	name  string
	steps int       // taken since the bar was drawn
	drawn time.Time // when the bar was drawn
}

// interval is the time between two redrawings.
const interval = 100 * time.Millisecond

// NewBar returns a bar of total steps on w, called name. It is nil, and so does
// nothing, when w is not a terminal or there are no steps to take.
func NewBar(w io.Writer, name string, total int) *Bar {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || total <= 0 {
		return nil
	}
	return newBar(w, name, total)
}

func newBar(w io.Writer, name string, total int) *Bar {
	return &Bar{w: w, name: name, bar: progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(name),
		progressbar.OptionSetWidth(24),
		progressbar.OptionShowCount(),
		progressbar.OptionUseANSICodes(true),
	)}
}

// Step counts one step, after which the loss is as given. Errors of the
// terminal are ignored: a terminal that went away must not end a training.
func (b *Bar) Step(loss float64) {
	if b == nil {
		return
	}
	b.steps++
	if time.Since(b.drawn) >= interval {
		b.draw(loss)
	}
}

// Done draws the bar with the last loss, as far as it came, and ends its line.
func (b *Bar) Done(loss float64) {
	if b == nil {
		return
	}
	b.draw(loss)
	fmt.Fprintln(b.w)
}

func (b *Bar) draw(loss float64) {
	b.bar.Describe(fmt.Sprintf("%s  loss %-10.4g", b.name, loss))
	_ = b.bar.Add(b.steps)
	b.steps = 0
	b.drawn = time.Now()
}

// Progress returns a hook that shows a bar of so many steps on w, if that is a
// terminal, and then calls next unless that is nil.
func Progress(w io.Writer, name string, steps int, next func(train.Step) error) func(train.Step) error {
	bar := NewBar(w, name, steps)
	return func(s train.Step) error {
		bar.Step(s.Loss)
		if s.Step == steps-1 {
			bar.Done(s.Loss)
		}
		if next == nil {
			return nil
		}
		return next(s)
	}
}
