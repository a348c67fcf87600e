package layers_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/layers"
)

// doubled is a module of another package.
type doubled struct{ of layers.Module }

func (d doubled) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (layers.Layer, error) {
	return layers.Scale{Of: d.of, By: 2}.Place(g, name, dt, r)
}

func (d doubled) Describe(write func(layers.Module) ([]byte, error)) (string, any, error) {
	of, err := write(d.of)
	return "doubled", map[string]json.RawMessage{"of": of}, err
}

var readDoubled = layers.Kind{Name: "doubled", Read: func(data []byte, read func([]byte) (layers.Module, error)) (layers.Module, error) {
	var fields struct{ Of json.RawMessage }
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	of, err := read(fields.Of)
	return doubled{of}, err
}}

func TestDescriptions(t *testing.T) {
	mlp := layers.MLP{In: 2, Hidden: []int{8}, Out: 2, Activation: layers.GELU, WeightInit: layers.Orthogonal(1.5)}
	for _, c := range []struct {
		m    layers.Module
		want string
	}{
		{mlp, `{"kind":"mlp","in":2,"hidden":[8],"out":2,"activation":"gelu","weight_init":"orthogonal(1.5)"}`},
		{layers.Tanh, `"tanh"`},
		{layers.Sequential{layers.Linear{In: 1, Out: 2, NoBias: true}, layers.GELUTanh}, `{"kind":"sequential","each":[{"kind":"linear","in":1,"out":2,"no_bias":true},"gelu_tanh"]}`},
		{layers.Sum{layers.AppendTime{Of: mlp}, layers.Scale{Of: layers.Sin, By: -0.5, Learn: true}}, ""},
		{layers.Sequential{layers.AppendInput{Of: mlp, Channels: 2}, layers.CDE{Of: layers.Tanh, Channels: 1}}, ""},
		{layers.SecondOrder{Of: mlp, Degrees: 2}, `{"kind":"second_order","of":{"kind":"mlp","in":2,"hidden":[8],"out":2,"activation":"gelu","weight_init":"orthogonal(1.5)"},"degrees":2}`},
		{layers.Sum{doubled{layers.Sequential{mlp}}}, ""},
	} {
		data, err := layers.Marshal(c.m)
		if err != nil {
			t.Fatal(err)
		}
		if c.want != "" && string(data) != c.want {
			t.Errorf("%s, want %s", data, c.want)
		}
		back, err := layers.Unmarshal(data, readDoubled)
		if err != nil || !reflect.DeepEqual(back, c.m) {
			t.Errorf("%s read back as %#v, %v", data, back, err)
		}
	}
}

func TestDescriptionsThatAreNone(t *testing.T) {
	var config *layers.ConfigError
	for _, m := range []layers.Module{nil, layers.Custom{}, layers.Sum{layers.Func(nil)}, layers.Scale{}, layers.AppendTime{Of: layers.Equations{}}} {
		if _, err := layers.Marshal(m); !errors.As(err, &config) {
			t.Errorf("%#v: %v", m, err)
		}
	}
	for text, want := range map[string]string{
		`{"kind":"mlp","in":2,"widht":3}`:          "widht",
		`{"in":2}`:                                 "kind",
		`{"kind":"doubled","of":"tanh"}`:           `no kind "doubled"`,
		`{"kind":"scale","by":2}`:                  "of",
		`{"kind":"sum","each":[{"kind":"mlp"},7]}`: "cannot unmarshal",
		`"tanhh"`:                   "tanhh",
		`{"kind":"mlp","in":1e300}`: "cannot unmarshal",
		``:                          "unexpected end",
		strings.Repeat(`{"kind":"scale","of":`, 200):                                       "",
		strings.Repeat(`{"kind":"scale","of":`, 200) + `"tanh"` + strings.Repeat(`}`, 200): "100",
	} {
		if m, err := layers.Unmarshal([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %#v, %v", text, m, err)
		}
	}
}

// What is read is written back, read again as the same, and placed or refused without a
// panic.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{"kind":"mlp","in":2,"hidden":[8],"out":2,"activation":"gelu","weight_init":"orthogonal(1.5)"}`,
		`{"kind":"sequential","each":[{"kind":"linear","in":1,"out":2,"no_bias":true},"gelu_tanh"]}`,
		`{"kind":"sum","each":[{"kind":"append_time","of":"sin"},{"kind":"scale","of":"tanh","by":-1e-3,"learn":true}]}`,
		`"relu"`, `{"kind":"mlp","in":200000,"out":200000}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := layers.Unmarshal(data)
		if err != nil {
			return
		}
		text, err := layers.Marshal(m)
		if err != nil {
			t.Fatalf("read %s as %#v, which is not written: %v", data, m, err)
		}
		again, err := layers.Unmarshal(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if second, err := layers.Marshal(again); err != nil || string(second) != string(text) {
			t.Fatalf("%s, then %s, %v", text, second, err)
		}
		if len(data) < 200 && !strings.Contains(string(data), "0000") {
			_, _ = m.Place(G.NewGraph(), "m", tensor.Float64, nil)
		}
	})
}
