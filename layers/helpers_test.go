package layers_test

import (
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/gorgoniatest"
	"github.com/neuralode/neuralode/layers"
)

var (
	dtypes     = gorgoniatest.Dtypes
	rounding   = gorgoniatest.Rounding
	input      = gorgoniatest.Input
	must       = gorgoniatest.Must
	run        = gorgoniatest.Run
	floats     = gorgoniatest.Floats
	near       = gorgoniatest.Near
	expectNear = gorgoniatest.ExpectNear
)

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func place(t testing.TB, m layers.Module, g *G.ExprGraph, name string, dt tensor.Dtype) layers.Layer {
	t.Helper()
	l, err := m.Place(g, name, dt, source(7))
	if err != nil {
		t.Fatal(err)
	}
	return l
}
