package modelfile_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/neuralode/neuralode/train/modelfile"
)

func Example() {
	type description struct {
		Hidden []int `json:"hidden"`
	}
	f := &modelfile.File{
		Kind:    "example 1",
		Tensors: []modelfile.Tensor{modelfile.New("net/W0", []int{1, 2}, []float64{0.5, -1})},
	}
	if err := f.Describe(description{Hidden: []int{16}}); err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.safetensors")
	if err := modelfile.Write(path, f); err != nil {
		log.Fatal(err)
	}

	g, err := modelfile.Read(path)
	if err != nil {
		log.Fatal(err)
	}
	var d description
	if err := g.Decode(&d); err != nil {
		log.Fatal(err)
	}
	w, _ := g.Tensor("net/W0")
	fmt.Println(g.Kind, d.Hidden, w.Shape, modelfile.Values[float64](w))
	// Output: example 1 [16] [1 2] [0.5 -1]
}

func ExampleDecodeJSON() {
	var options struct {
		Step float64 `json:"step"`
	}
	fmt.Println(modelfile.DecodeJSON([]byte(`{"setp": 0.1}`), &options))
	// Output: description: the key "setp" is unknown; the keys are step
}
