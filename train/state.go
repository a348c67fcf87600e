package train

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/neuralode/neuralode/train/dist"
	"github.com/neuralode/neuralode/train/modelfile"
)

// kindState is the Kind of a checkpoint.
const kindState = "neuralode training 1"

// errState is a state that does not fit the training.
var errState = errors.New("the checkpoint is of another training; resume with the same model, data and options, or remove the file")

// The description of a checkpoint has the counters; all other numbers, which may be infinite, are
// in tensors.
type counters struct {
	Optimizer string `json:"optimizer"`
	Step      int    `json:"step"`
	Skipped   int    `json:"skipped"`
	Skips     int    `json:"skips"`
	Stale     int    `json:"stale"`
	BestStep  int    `json:"best_step"`
	Work      Work   `json:"work"`
	Seed      string `json:"seed,omitempty"`
}

// vectors are the arrays of the state, by their names in the file.
func (l *loop) vectors() map[string][]float64 {
	v := map[string][]float64{"x": l.x, "good": l.good, "best": l.best.x}
	if l.average != nil {
		v["average"] = l.average
	}
	if l.stepper != nil {
		for i, s := range l.stepper.State() {
			v[fmt.Sprintf("optimizer/%d", i)] = s
		}
	}
	return v
}

// save writes everything that the next steps depend on.
func (l *loop) save() error {
	r := l.report()
	c := counters{Optimizer: l.Optimizer.String(), Step: l.step, Skipped: l.skipped, Skips: l.skips, Stale: l.stale, BestStep: l.best.step, Work: r.Work}
	if l.seed != nil {
		c.Seed = strconv.FormatUint(*l.seed, 10)
	}
	f := &modelfile.File{Kind: kindState}
	if err := f.Describe(c); err != nil {
		return err
	}
	vectors := l.vectors()
	vectors["losses"] = l.losses
	vectors["numbers"] = []float64{l.last, l.lowest, l.best.loss, r.Seconds}
	for name, v := range vectors {
		if v == nil {
			v = []float64{}
		}
		f.Tensors = append(f.Tensors, modelfile.Tensor{Name: name, Shape: []int{len(v)}, Float64: v})
	}
	slices.SortFunc(f.Tensors, func(a, b modelfile.Tensor) int { return cmp.Compare(a.Name, b.Name) })
	return modelfile.Options{AllowNonFinite: true}.Write(l.Checkpoint, f)
}

// saveNow saves the state if it is time to, or if that is wanted.
func (l *loop) saveNow(wanted bool) {
	if l.Checkpoint != "" && l.ranks.first() && (wanted || l.step%l.CheckpointEvery == 0) {
		l.saveErr = l.save()
	}
}

// saveLast saves the state at the end and returns the error.
func (l *loop) saveLast() error {
	if err := l.ranks.fromFirst(func() error { l.saveNow(true); return l.saveErr }); err != nil {
		return fmt.Errorf("train: saving the state of the training: %w", err)
	}
	return nil
}

// continues reads the state of the training that is resumed, if there is one. For
// LBFGS, whose memory is not saved, training goes on from the best point.
func (l *loop) continues() error {
	if !l.Resume {
		return nil
	}
	f, err := l.readState()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = l.restore(f)
	}
	if err != nil {
		l.reason = Failed
		return fmt.Errorf("train: resuming: %w", err)
	}
	return nil
}

// readState reads the checkpoint: on rank 0, which sends it to the others.
func (l *loop) readState() (*modelfile.File, error) {
	opt := modelfile.Options{AllowNonFinite: true}
	if l.ranks == nil {
		return opt.Read(l.Checkpoint)
	}
	data, err := dist.FromFirst(l.ranks.comm, func() ([]byte, error) {
		data, err := os.ReadFile(l.Checkpoint)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return data, err
	})
	switch {
	case err != nil:
		return nil, err
	case len(data) == 0:
		return nil, fs.ErrNotExist
	}
	return opt.Decode(bytes.NewReader(data), int64(len(data)))
}

func (l *loop) restore(f *modelfile.File) error {
	var c counters
	if f.Kind != kindState {
		return errState
	}
	if err := f.Decode(&c); err != nil {
		return err
	}
	get := func(name string, n int) []float64 {
		t, ok := f.Tensor(name)
		if !ok || n >= 0 && len(t.Float64) != n {
			return nil
		}
		return t.Float64
	}
	vectors := l.vectors()
	numbers, losses := get("numbers", 4), get("losses", -1)
	fits := c.Optimizer == l.Optimizer.String() && (c.Seed != "") == (l.seed != nil) && numbers != nil && losses != nil &&
		len(losses) == c.Step && c.Skipped >= 0 && len(f.Tensors) == len(vectors)+2
	for name, v := range vectors {
		fits = fits && get(name, len(v)) != nil
	}
	if !fits {
		return errState
	}
	if l.seed != nil {
		seed, err := strconv.ParseUint(c.Seed, 10, 64)
		if err != nil {
			return errState
		}
		*l.seed = seed
	}
	for name, v := range vectors {
		copy(v, get(name, len(v)))
	}
	l.step, l.skipped, l.skips, l.stale = c.Step, c.Skipped, c.Skips, c.Stale
	l.last, l.lowest, l.best.loss, l.before = numbers[0], numbers[1], numbers[2], numbers[3]
	l.best.step = c.BestStep
	l.losses = append(l.losses[:0], losses...)
	if l.stepper == nil && !math.IsInf(l.best.loss, 1) {
		copy(l.x, l.best.x)
	}
	if l.worked != nil {
		l.worked(c.Work)
	}
	return nil
}
