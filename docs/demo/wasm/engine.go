//go:build js && wasm

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"syscall/js"
	"time"
	"unsafe"

	"github.com/neuralode/neuralode/docs/demo/pendulum"
)

func main() {
	e := &engine{systems: map[string]*pendulum.System{}}
	for _, kind := range []pendulum.Kind{pendulum.Truth, pendulum.Hamiltonian, pendulum.Plain} {
		s, err := pendulum.Trained(kind)
		if err != nil {
			panic(err.Error())
		}
		e.systems[string(kind)] = s
	}
	object := js.ValueOf(map[string]any{
		"gravity": pendulum.Gravity, "momentum": pendulum.Momentum, "highest": pendulum.Highest,
		"trajectories": pendulum.TrainedOn.Trajectories, "samples": pendulum.Samples, "span": pendulum.Span,
		"parameters": map[string]any{
			"hnn": e.systems["hnn"].NumParams(), "node": e.systems["node"].NumParams(),
		},
	})
	for name, f := range map[string]func([]js.Value) (any, error){
		"slopes": e.slopes, "learned": e.learned, "trajectory": e.trajectory, "step": e.step,
		"measure": e.measure, "train": e.train, "stop": e.stopTraining, "adopt": e.adopt,
	} {
		object.Set(name, js.FuncOf(func(_ js.Value, args []js.Value) any {
			result, err := f(args)
			if err != nil {
				return map[string]any{"error": err.Error()}
			}
			return result
		}))
	}
	js.Global().Set("neuralode", object)
	js.Global().Call("neuralodeReady")
	select {}
}

type engine struct {
	systems map[string]*pendulum.System
	stop    context.CancelFunc
}

var errArguments = errors.New("engine: there is no system of this name yet")

func (e *engine) system(name js.Value) (*pendulum.System, error) {
	if s, ok := e.systems[name.String()]; ok {
		return s, nil
	}
	return nil, errArguments
}

// slopes(system, states) are dq/dt and dp/dt.
func (e *engine) slopes(args []js.Value) (any, error) {
	s, err := e.system(args[0])
	if err != nil {
		return nil, err
	}
	z := floats(args[1])
	dst := make([]float64, len(z))
	if err := s.Slopes(dst, z); err != nil {
		return nil, err
	}
	return array(dst), nil
}

// learned(system, states) are the energies that the system has for them.
func (e *engine) learned(args []js.Value) (any, error) {
	s, err := e.system(args[0])
	if err != nil {
		return nil, err
	}
	z := floats(args[1])
	dst := make([]float64, len(z)/2)
	if err := s.Learned(dst, z); err != nil {
		return nil, err
	}
	return array(dst), nil
}

// trajectory(system, q, p, seconds, intervals) are the states, as far as the solver comes.
func (e *engine) trajectory(args []js.Value) (any, error) {
	s, err := e.system(args[0])
	if err != nil {
		return nil, err
	}
	z, err := s.Trajectory(context.Background(), args[1].Float(), args[2].Float(), args[3].Float(), args[4].Int())
	if err != nil && len(z) == 0 {
		return nil, err
	}
	return array(z), nil
}

// step(system, states, seconds) advances the states in place.
func (e *engine) step(args []js.Value) (any, error) {
	s, err := e.system(args[0])
	if err != nil {
		return nil, err
	}
	z := floats(args[1])
	if err := s.Step(context.Background(), z, args[2].Float()); err != nil {
		return nil, err
	}
	js.CopyBytesToJS(bytesOf(args[1]), raw(z))
	return true, nil
}

// measure({trajectories, noise, seed}) are the measured states that train learns from.
func (e *engine) measure(args []js.Value) (any, error) {
	o := training(args[0])
	data, err := pendulum.Measure(context.Background(), o.Trajectories, o.Noise, rand.New(rand.NewPCG(o.Seed, 1)))
	if err != nil {
		return nil, err
	}
	var all []float64
	for _, t := range data {
		all = append(all, t.States...)
	}
	return array(all), nil
}

// train({kind, width, trajectories, noise, steps, seed}, report, done) trains in the background.
func (e *engine) train(args []js.Value) (any, error) {
	if e.stop != nil {
		return nil, errors.New("engine: a training is under way")
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	report, done := args[1], args[2]
	o := training(args[0])
	go func() {
		defer cancel()
		model, err := pendulum.Train(ctx, o, 10, func(p pendulum.Progress) error {
			report.Invoke(p.Step, p.Loss, p.Held, array(p.Params), p.NoiseFloor)
			time.Sleep(time.Millisecond) // lets the worker read its messages
			return nil
		})
		e.stop = nil
		switch {
		case err != nil && !errors.Is(err, context.Canceled):
			done.Invoke(err.Error())
		case model != nil:
			done.Invoke(js.Null(), array(model.Params()))
		}
	}()
	return true, nil
}

func (e *engine) stopTraining([]js.Value) (any, error) {
	if e.stop != nil {
		e.stop()
	}
	return true, nil
}

// adopt(name, kind, width, parameters) makes the system name of a trained network.
func (e *engine) adopt(args []js.Value) (any, error) {
	kind, width, theta := pendulum.Kind(args[1].String()), args[2].Int(), floats(args[3])
	s := e.systems[args[0].String()]
	if s == nil || s.Kind() != kind || s.NumParams() != len(theta) {
		var err error
		if s, err = pendulum.New(kind, width, nil); err != nil {
			return nil, err
		}
		e.systems[args[0].String()] = s
	}
	return true, s.SetParams(theta)
}

func training(v js.Value) pendulum.Training {
	o := pendulum.Training{
		Trajectories: v.Get("trajectories").Int(), Noise: v.Get("noise").Float(), Seed: uint64(v.Get("seed").Int()),
	}
	if k := v.Get("kind"); k.Truthy() {
		o.Kind, o.Width, o.Steps = pendulum.Kind(k.String()), v.Get("width").Int(), v.Get("steps").Int()
	}
	return o
}

// bytesOf is the memory of a Float64Array.
func bytesOf(v js.Value) js.Value {
	return js.Global().Get("Uint8Array").New(v.Get("buffer"), v.Get("byteOffset"), v.Get("byteLength"))
}

// floats copies a Float64Array.
func floats(v js.Value) []float64 {
	x := make([]float64, v.Length())
	js.CopyBytesToGo(raw(x), bytesOf(v))
	return x
}

// array copies x to a new Float64Array.
func array(x []float64) js.Value {
	v := js.Global().Get("Float64Array").New(len(x))
	js.CopyBytesToJS(bytesOf(v), raw(x))
	return v
}

// raw is the memory of x: WebAssembly and JavaScript store numbers alike, the lowest byte first.
func raw(x []float64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 8*len(x))
}
