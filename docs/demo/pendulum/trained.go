package pendulum

import (
	"bytes"
	"embed"
	"fmt"

	"github.com/neuralode/neuralode/train/modelfile"
)

//go:generate go run ../retrain

// TrainedOn is how the networks in this folder were trained, apart from their kind.
var TrainedOn = Training{Width: 16, Trajectories: 40, Noise: 0.05, Steps: 3000, Seed: 1}

//go:embed trained/*.safetensors
var trained embed.FS

// Trained returns a system of a kind with the parameters that come with the program.
func Trained(kind Kind) (*System, error) {
	s, err := New(kind, TrainedOn.Width, nil)
	if err != nil || kind == Truth {
		return s, err
	}
	name := "trained/" + string(kind) + ".safetensors"
	data, err := trained.ReadFile(name)
	if err != nil {
		return nil, err
	}
	file, err := modelfile.Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, p := range s.one.Layout() {
		t, ok := file.Tensor(p.Name)
		if !ok {
			return nil, fmt.Errorf("%s: there is no tensor %q; go generate ./docs/demo/... trains the networks again", name, p.Name)
		}
		copy(s.one.Params()[p.Offset:], t.Float64)
	}
	return s, nil
}
