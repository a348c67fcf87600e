package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"codeberg.org/sbinet/npyio/npz"
	"gonum.org/v1/gonum/mat"

	"github.com/neuralode/neuralode/train/modelfile"
)

// The files of a saved model. A description waits under the name nextFile until the weights
// it belongs to are in place.
const (
	weightsFile = "weights.npz"
	modelFile   = "model.json"
	nextFile    = "model.json.next"
)

// save writes the model to a folder. A crash at any moment leaves the model that was
// there or this one: a description names its weights by their hash, and load takes
// the one, of modelFile and nextFile, that belongs to the weights.
func (m *model) save(dir string) error {
	for _, step := range m.saveSteps(dir) {
		if err := step(); err != nil {
			return fmt.Errorf("saving the model: %w", err)
		}
	}
	return nil
}

// saveSteps are the changes that a save makes to the folder, each of them atomic.
func (m *model) saveSteps(dir string) []func() error {
	hash := sha256.New()
	var weights *Staged
	return []func() error{
		func() (err error) {
			weights, err = Stage(filepath.Join(dir, weightsFile), func(w io.Writer) error {
				return m.writeWeights(io.MultiWriter(w, hash))
			})
			return err
		},
		func() error {
			d := m.description
			d.WeightsSHA256 = hex.EncodeToString(hash.Sum(nil))
			err := modelfile.WriteAtomic(filepath.Join(dir, nextFile), func(w io.Writer) error {
				e := json.NewEncoder(w)
				e.SetIndent("", "  ")
				return e.Encode(d)
			})
			if err != nil {
				return errors.Join(err, weights.Discard())
			}
			return nil
		},
		func() error { return weights.Commit() },
		func() error { return os.Rename(filepath.Join(dir, nextFile), filepath.Join(dir, modelFile)) },
	}
}

// writeWeights writes all numbers of the model as numpy arrays: each parameter by its
// name, and the initial state and the scales as vectors.
func (m *model) writeWeights(w io.Writer) error {
	z := npz.NewWriter(w)
	for _, p := range m.field.Layout() {
		rows, cols, err := matrix(p.Shape)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		values := slices.Clone(m.field.Params()[p.Offset : p.Offset+rows*cols])
		if err := z.Write(entry(p.Name), mat.NewDense(rows, cols, values)); err != nil {
			return err
		}
	}
	for _, v := range m.vectors() {
		if err := z.Write(entry(v.name), v.values); err != nil {
			return err
		}
	}
	return z.Close()
}

// vector is a named array of one axis.
type vector struct {
	name   string
	values []float64
}

// vectors are the numbers of the model that are not parameters of the network.
func (m *model) vectors() []vector {
	return []vector{
		{"start", m.start},
		{"mean", m.scale.Mean},
		{"spread", m.scale.Spread},
		{"time", []float64{m.scale.Origin, m.scale.Unit}},
	}
}

// entry is the name in the archive of the array that numpy calls by the last part of name.
func entry(name string) string { return path.Base(name) + ".npy" }

// matrix returns a parameter's shape as that of a matrix.
func matrix(shape []int) (rows, cols int, err error) {
	if len(shape) != 2 {
		return 0, 0, fmt.Errorf("shape %v is not that of a matrix", shape)
	}
	return shape[0], shape[1], nil
}

// load reads the model that was saved in a folder.
func load(dir string) (*model, error) {
	file := filepath.Join(dir, weightsFile)
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("loading a model: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	if err != nil {
		return nil, fmt.Errorf("loading a model: %w", err)
	}
	d, err := loadDescription(dir, hex.EncodeToString(hash.Sum(nil)))
	if err != nil {
		return nil, fmt.Errorf("loading a model: %w", err)
	}
	n := len(d.States)
	if d.Network.In != n || d.Network.Out != n || n == 0 {
		return nil, fmt.Errorf("loading a model: %s: a network from %d to %d does not fit %d states",
			filepath.Join(dir, modelFile), d.Network.In, d.Network.Out, n)
	}
	s := scale{Log: d.Log, Mean: make([]float64, n), Spread: make([]float64, n)}
	m, err := newModel(d, s, make([]float64, n))
	if err != nil {
		return nil, fmt.Errorf("loading a model: %w", err)
	}
	z, err := npz.NewReader(f, size)
	if err == nil {
		err = m.readWeights(z)
	}
	if err != nil {
		return nil, fmt.Errorf("loading a model: %s: %w", file, err)
	}
	return m, nil
}

// loadDescription reads the description that belongs to weights of the given hash.
func loadDescription(dir, hash string) (description, error) {
	d, err := readDescription(filepath.Join(dir, modelFile))
	if err == nil && (d.WeightsSHA256 == hash || d.WeightsSHA256 == "") {
		return d, nil
	}
	if next, err := readDescription(filepath.Join(dir, nextFile)); err == nil && next.WeightsSHA256 == hash {
		return next, nil
	}
	if err != nil {
		return d, err
	}
	return d, fmt.Errorf("%s in %s is not the file that %s was saved with; restore it, or remove weights_sha256 from %s if the change was meant",
		weightsFile, dir, modelFile, modelFile)
}

func readDescription(file string) (d description, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return d, fmt.Errorf("%s: %w", file, err)
	}
	if d.Format != format {
		return d, fmt.Errorf("%s: format %q is not %q", file, d.Format, format)
	}
	return d, nil
}

// readWeights reads what writeWeights wrote.
func (m *model) readWeights(z *npz.Reader) error {
	for _, p := range m.field.Layout() {
		rows, cols, err := matrix(p.Shape)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		var value mat.Dense
		if err := z.Read(entry(p.Name), &value); err != nil {
			return err
		}
		if r, c := value.Dims(); r != rows || c != cols {
			return fmt.Errorf("array %s has shape (%d, %d), the network needs (%d, %d)", path.Base(p.Name), r, c, rows, cols)
		}
		for i := range rows {
			mat.Row(m.field.Params()[p.Offset+i*cols:p.Offset+(i+1)*cols], i, &value)
		}
	}
	vectors := m.vectors()
	for _, v := range vectors {
		var values []float64
		if err := z.Read(entry(v.name), &values); err != nil {
			return err
		}
		if len(values) != len(v.values) {
			return fmt.Errorf("array %s has %d numbers, not %d", v.name, len(values), len(v.values))
		}
		copy(v.values, values)
	}
	time := vectors[len(vectors)-1].values // a copy, unlike the others
	m.scale.Origin, m.scale.Unit = time[0], time[1]
	return nil
}
