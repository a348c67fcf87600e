package formula

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/neuralode/neuralode/layers"
)

// kindSystem is the name of the kind in descriptions.
const kindSystem = "formula"

type description struct {
	System
	Network json.RawMessage `json:"network,omitempty"`
}

// Describe implements [layers.Describer].
func (s System) Describe(write func(layers.Module) ([]byte, error)) (kind string, data any, err error) {
	d := description{System: s}
	if s.Net != nil {
		if d.Network, err = write(s.Net); err != nil {
			return "", nil, err
		}
	}
	return kindSystem, d, nil
}

// Kinds returns the kind of System, for [layers.Unmarshal] and train.Load.
func Kinds() []layers.Kind {
	return []layers.Kind{{Name: kindSystem, Read: func(data []byte, read func([]byte) (layers.Module, error)) (layers.Module, error) {
		var d description
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&d); err != nil {
			return nil, fmt.Errorf("formula: %w", err)
		}
		if d.Network != nil {
			var err error
			if d.Net, err = read(d.Network); err != nil {
				return nil, err
			}
		}
		_, err := d.System.check()
		return d.System, err
	}}}
}
