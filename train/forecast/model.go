package forecast

import (
	"math"
	"slices"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/table"
)

// Info is what a model knows of itself besides its numbers.
type Info struct {
	Kind     Kind         `json:"kind"`
	File     string       `json:"file"`               // the table it was fitted to
	Time     string       `json:"time"`               // name of the time column
	Clock    *table.Clock `json:"clock,omitempty"`    // what it counts, where it holds dates
	ID       string       `json:"id,omitempty"`       // name of the id column
	States   []string     `json:"states"`             // names of the state columns
	Controls []string     `json:"controls,omitempty"` // names of the columns that are inputs
	Latent   int          `json:"latent,omitempty"`   // components of a state that are not observed

	Unobserved []string    `json:"unobserved,omitempty"` // their names
	Equations  string      `json:"equations,omitempty"`  // those of Known
	Parameters []Parameter `json:"parameters,omitempty"` // of the equations

	Seed    string   `json:"seed"`
	Setting Setting  `json:"setting"`
	Choices []string `json:"choices,omitempty"` // what Fit chose and why, a sentence each
	Verdict string   `json:"verdict,omitempty"` // a sentence about the forecast beside the baselines
	Figures Figures  `json:"figures"`           // what was measured, see Fit
}

// Trajectory is what a model knows of one trajectory of the table it was fitted to.
type Trajectory struct {
	ID     string
	Times  []float64 // of its rows; nil if the table was too large to be kept
	States []float64 // (rows, len(States)); NaN: missing
	// Controls are the inputs, (rows, len(Controls)).
	Controls []float64
	Fitted   int     // how many of its rows were fitted; the others judged the forecast
	Cut      float64 // the time of the last row that was fitted; NaN: none was
	End      float64 // the time of the last row
}

// Model is a forecast model: an ensemble of trained models, and all that belongs to them. Its
// methods may be called from many goroutines at a time.
type Model struct {
	Info
	Trajectories []Trajectory // in the order of the table
	Losses       [][]float64  // of each member, before each step of its training; NaN where a step was skipped

	members []*train.Model[float64]
	anchors []anchor
	times   []float64     // of the anchors
	starts  [][][]float64 // member, anchor, state
	ends    [][][]float64 // member, trajectory, state at the last row
	drift   []float64     // variance that a forecast gains in a unit of time, by state, see calibrate
	noise   []float64     // deviation of the fit from the data, by state, of logarithms where the model sees them
}

// Members returns the trained models of the ensemble.
func (m *Model) Members() []*train.Model[float64] { return slices.Clone(m.members) }

// Dim is the length of a state: the observed columns and what is not observed.
func (m *Model) Dim() int { return len(m.States) + m.Latent }

// seen maps an observed value to what the model sees: itself or its logarithm.
func (m *Model) seen(v float64) float64 {
	if m.Setting.Log {
		return math.Log(v)
	}
	return v
}

// back is the inverse of seen.
func (m *Model) back(v float64) float64 {
	if m.Setting.Log {
		return math.Exp(v)
	}
	return v
}
