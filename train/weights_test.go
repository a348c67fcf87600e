package train

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train/modelfile"
)

func testSetTensors[T Float](t *testing.T) {
	m, err := New[T](layers.MLP{In: 2, Hidden: []int{3}, Out: 2}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	theta := m.Params()
	for i := range theta {
		theta[i] = T(1) / T(3+i)
	}
	theta[0], theta[1] = T(math.Copysign(0, -1)), T(math.SmallestNonzeroFloat32)
	m.SetParams(theta)
	bits := func(x []T) (all []uint64) {
		for _, v := range x {
			all = append(all, math.Float64bits(float64(v)))
		}
		return all
	}
	twin, err := New[T](layers.MLP{In: 2, Hidden: []int{3}, Out: 2}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	// Through both formats and back, bit for bit.
	path := filepath.Join(t.TempDir(), "w")
	file := &modelfile.File{Tensors: m.Tensors()}
	if err := errors.Join(modelfile.Write(path, file), modelfile.WriteNPZ(path+".npz", file)); err != nil {
		t.Fatal(err)
	}
	for _, read := range []func() (*modelfile.File, error){
		func() (*modelfile.File, error) { return modelfile.Read(path) },
		func() (*modelfile.File, error) { return modelfile.ReadNPZ(path + ".npz") },
	} {
		twin.SetParams(make([]T, len(theta)))
		f, err := read()
		if err != nil {
			t.Fatal(err)
		}
		if err := twin.SetTensors(f.Tensors); err != nil || !slices.Equal(bits(twin.Params()), bits(theta)) {
			t.Errorf("%v, want %v, %v", twin.Params(), theta, err)
		}
	}
	// PyTorch's layout, in the order in which files have it, by name.
	var torch []modelfile.Tensor
	for i, p := range m.Layout() {
		part := modelfile.New(p.Name, p.Shape, theta[p.Offset:p.Offset+p.Shape[0]*p.Shape[1]])
		name := []string{"net.0.weight", "net.0.bias", "net.10.weight", "net.10.bias"}[i]
		if p.Shape[0] == 1 && i%2 == 1 {
			part.Shape = p.Shape[1:]
		} else {
			part = part.Transposed()
		}
		part.Name = name
		torch = append(torch, part)
	}
	slices.Reverse(torch)
	twin.SetParams(make([]T, len(theta)))
	if err := twin.SetTensors(torch); err != nil || !slices.Equal(bits(twin.Params()), bits(theta)) {
		t.Errorf("PyTorch: %v, want %v, %v", twin.Params(), theta, err)
	}
	// What does not fit changes nothing.
	short := slices.Clone(file.Tensors)[:3]
	wrong := slices.Clone(file.Tensors)
	wrong[0] = wrong[0].Transposed()
	infinite := slices.Clone(file.Tensors)
	infinite[1] = modelfile.New(infinite[1].Name, infinite[1].Shape, []float64{math.Inf(1), 0, 0})
	for _, bad := range [][]modelfile.Tensor{nil, short, wrong, infinite, torch[1:]} {
		if err := twin.SetTensors(bad); !errors.Is(err, ErrWeights) || !slices.Equal(bits(twin.Params()), bits(theta)) {
			t.Errorf("%v", err)
		}
	}
}

func TestSetTensors(t *testing.T) {
	t.Run("float64", testSetTensors[float64])
	t.Run("float32", testSetTensors[float32])
}
