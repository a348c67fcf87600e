package forecast

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/neuralode/neuralode/train/modelfile"
	"github.com/neuralode/neuralode/train/table"
)

// ErrCheckpoint is matched by the error of a training that cannot be resumed.
var ErrCheckpoint = errors.New("forecast: the checkpoint is of another training")

// continues prepares the folder of checkpoints: what is there from another training is refused
// with Resume and removed without.
func (f *fitter) continues(t *table.Table) error {
	dir := f.opt.Checkpoint
	if dir == "" {
		return nil
	}
	path := filepath.Join(dir, "training.txt")
	print := f.print(t)
	old, err := os.ReadFile(path)
	switch {
	case err == nil && string(old) == print && f.opt.Resume:
		return nil
	case err == nil && f.opt.Resume:
		return fmt.Errorf("%w, with other data or options: %s; resume with the same, or train anew without resuming", ErrCheckpoint, dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return modelfile.WriteAtomic(path, func(w io.Writer) error {
		_, err := io.WriteString(w, print)
		return err
	})
}

// print identifies a training: its options and all of its data.
func (f *fitter) print(t *table.Table) string {
	h := sha256.New()
	o := f.opt
	s := &o.Solve
	for _, p := range o.Params {
		fmt.Fprintln(h, p.Name, p.Start, p.Low == nil, p.High == nil, p.Value(0.5))
	}
	fmt.Fprintln(h, o.Kind, o.Equations, o.Starts, o.Controls, int(o.Interpolation), o.Velocities, o.Extra, o.Hidden == nil, o.Hidden, o.Activation, o.Decay, o.Log, o.Linear,
		s.Method, s.RTol, s.ATol, s.RTols, s.ATols, s.H0, s.Steps, s.HMin, s.HMax, s.MaxSteps, s.Stops, s.Jumps, o.Step, f.adjoint(),
		o.Steps, o.Polish, o.Rate, o.Holdout, o.HoldoutIDs, o.Ensemble, o.Backtest, o.Seed)
	fmt.Fprintln(h, t.Time, t.ID, t.States)
	for i := range t.Trajectories {
		tr := &t.Trajectories[i]
		fmt.Fprintln(h, tr.ID, len(tr.Times))
		_ = binary.Write(h, binary.LittleEndian, tr.Times) // a hash takes everything
		_ = binary.Write(h, binary.LittleEndian, tr.States)
	}
	return fmt.Sprintf("%x\n", h.Sum(nil))
}
