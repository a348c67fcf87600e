package cli

import (
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/neuralode/neuralode/train/forecast"
)

// progress tells how a training goes on: on a terminal on one line that is redrawn, with the time left,
// elsewhere on a line every ten seconds.
type progress struct {
	w        io.Writer
	terminal bool
	every    time.Duration
	began    time.Time
	last     time.Time
	open     bool // the line on the terminal has no end yet
	now      func() time.Time
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, every: 10 * time.Second, began: time.Now(), last: time.Now(), now: time.Now}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.terminal, p.every = true, 100*time.Millisecond
	}
	return p
}

// event is for forecast.Options.Progress.
func (p *progress) event(e forecast.Event) {
	now := p.now()
	if now.Sub(p.last) < p.every {
		return
	}
	p.last = now
	text := e.Stage
	if e.Run != "" {
		text += " " + e.Run
	}
	share := float64(e.Done) / float64(max(1, e.Total))
	left := time.Duration(float64(now.Sub(p.began)) * (1 - share) / math.Max(share, 1e-3)).Round(time.Second)
	text = fmt.Sprintf("%3.0f %%  %s: step %d, loss %.4g, about %v left", 100*share, text, e.Step.Step+1, e.Loss, left)
	if p.terminal {
		// Errors of the terminal are ignored: a terminal that went away must not end a training.
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		p.open = true
		return
	}
	fmt.Fprintln(p.w, text)
}

// done ends the line on the terminal.
func (p *progress) done() {
	if p.open {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.open = false
	}
}
