package hnn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/neuralode/neuralode/graph"
)

// Kind tells layers.Unmarshal how to read a kind of modules. It is the same type as
// layers.Kind.
type Kind = struct {
	Name string
	Read func(data []byte, read func(data []byte) (Module, error)) (Module, error)
}

// Kinds returns the kinds of all modules of this package that layers.Marshal can write:
// all but [Control], which holds a Go function. Give them to layers.Unmarshal or
// train.Load:
//
//	model, err := train.Load[float64]("pendulum.model", hnn.Kinds()...)
//
// A description is an object with the kind, "hnn." before the name of the type in snake
// case, and the fields that are not zero, also in snake case:
//
//	{"kind":"hnn.field","h":{"kind":"hnn.kepler","degrees":3,"learn":["mu"]}}
//
// The Lagrangian of a known system is {"kind":"hnn.lagrangian_of","of":…}. Integers are at
// most 4096: a description that comes from elsewhere must not ask for all memory.
func Kinds() []Kind {
	return []Kind{
		kindOf[Field](), kindOf[Lagrangian](), kindOf[Velocities](),
		kindOf[Separable](), kindOf[Kinetic](), kindOf[Mechanical](), kindOf[MechanicalEnergy](),
		kindOf[Angles](), kindOf[Port](), kindOf[LagrangianEnergy](), kindOf[Legendre](),
		kindOf[Harmonic](), kindOf[Pendulum](), kindOf[DoublePendulum](), kindOf[Kepler](), kindOf[HenonHeiles](), kindOf[Relativistic](),
		{"hnn.sum", readSum}, {"hnn.lagrangian_of", readLagrangianOf},
	}
}

// maxCount bounds the integers of a description.
const maxCount = 4096

type writeFunc = func(Module) ([]byte, error)
type readFunc = func([]byte) (Module, error)

// Describe implements layers.Describer.
func (f Field) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(f, write)
}

// Describe implements layers.Describer.
func (m Lagrangian) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(m, write)
}

// Describe implements layers.Describer.
func (m Velocities) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(m, write)
}

// Describe implements layers.Describer.
func (s Separable) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(s, write)
}

// Describe implements layers.Describer.
func (k Kinetic) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(k, write)
}

// Describe implements layers.Describer.
func (m Mechanical) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(m, write)
}

// Describe implements layers.Describer.
func (m MechanicalEnergy) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(m, write)
}

// Describe implements layers.Describer.
func (m Angles) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(m, write)
}

// Describe implements layers.Describer.
func (p Port) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(p, write)
}

// Describe implements layers.Describer.
func (m LagrangianEnergy) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(m, write)
}

// Describe implements layers.Describer.
func (m Legendre) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(m, write)
}

// Describe implements layers.Describer.
func (s Harmonic) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(s, write)
}

// Describe implements layers.Describer.
func (s Pendulum) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(s, write)
}

// Describe implements layers.Describer.
func (s DoublePendulum) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(s, write)
}

// Describe implements layers.Describer.
func (s Kepler) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(s, write)
}

// Describe implements layers.Describer.
func (s HenonHeiles) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(s, write)
}

// Describe implements layers.Describer.
func (s Relativistic) Describe(write writeFunc) (kind string, data any, err error) {
	return describe(s, write)
}

// Describe implements layers.Describer.
func (s Sum) Describe(write writeFunc) (kind string, data any, err error) {
	each := make([]json.RawMessage, len(s))
	for i, m := range s {
		if each[i], err = write(m); err != nil {
			return "", nil, err
		}
	}
	return "hnn.sum", map[string]any{"each": each}, nil
}

// Describe implements layers.Describer.
func (k systemLagrangian) Describe(write writeFunc) (kind string, data any, err error) {
	of, err := write(k.of)
	return "hnn.lagrangian_of", map[string]json.RawMessage{"of": of}, err
}

func readSum(data []byte, read readFunc) (Module, error) {
	var c struct{ Each []json.RawMessage }
	if err := strict(data, &c); err != nil {
		return nil, faulty("hnn.sum: %v", err)
	}
	s := make(Sum, len(c.Each))
	for i, part := range c.Each {
		var err error
		if s[i], err = read(part); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func readLagrangianOf(data []byte, read readFunc) (Module, error) {
	var c struct{ Of json.RawMessage }
	if err := strict(data, &c); err != nil || c.Of == nil {
		return nil, faulty(`hnn.lagrangian_of: "of" must be a known system`)
	}
	of, err := read(c.Of)
	if err != nil {
		return nil, err
	}
	known, ok := of.(interface{ Lagrangian() Module })
	if !ok {
		return nil, faulty("hnn.lagrangian_of: a %T has no Lagrangian", of)
	}
	return known.Lagrangian(), nil
}

// strict reads an object whose fields must all be known.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func faulty(format string, args ...any) error {
	return &ConfigError{What: "description", Faults: []string{fmt.Sprintf(format, args...)}}
}

func kindName(t reflect.Type) string { return "hnn." + snake(t.Name()) }

// snake is a Go name in snake case.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

var (
	moduleType = reflect.TypeFor[Module]()
	factorType = reflect.TypeFor[graph.Factorisation]()
)

// describe writes the fields of a module that are not zero.
func describe(m Module, write writeFunc) (kind string, data any, err error) {
	v := reflect.ValueOf(m)
	data, err = describeFields(v, write)
	return kindName(v.Type()), data, err
}

func describeFields(v reflect.Value, write writeFunc) (map[string]json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	for i := range v.NumField() {
		f, name := v.Field(i), snake(v.Type().Field(i).Name)
		if f.IsZero() {
			continue
		}
		var text []byte
		var err error
		switch {
		case f.Type() == moduleType:
			text, err = write(f.Interface().(Module))
		case f.Type() == factorType:
			text, err = json.Marshal(f.Interface().(graph.Factorisation).String())
		case f.Kind() == reflect.Pointer, f.Kind() == reflect.Struct:
			var inner map[string]json.RawMessage
			if inner, err = describeFields(reflect.Indirect(f), write); err == nil {
				text, err = json.Marshal(inner)
			}
		default:
			if err = checkCounts(name, f); err == nil {
				text, err = json.Marshal(f.Interface())
			}
		}
		if err != nil {
			return nil, err
		}
		fields[name] = text
	}
	return fields, nil
}

// kindOf reads what describe writes of an M.
func kindOf[M Module]() Kind {
	name := kindName(reflect.TypeFor[M]())
	return Kind{name, func(data []byte, read readFunc) (Module, error) {
		var m M
		if err := readFields(name, data, reflect.ValueOf(&m).Elem(), read); err != nil {
			return nil, err
		}
		return m, nil
	}}
}

func readFields(what string, data []byte, v reflect.Value, read readFunc) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return faulty("%s: %v", what, err)
	}
	for i := range v.NumField() {
		f, name := v.Field(i), snake(v.Type().Field(i).Name)
		text, ok := fields[name]
		if !ok {
			continue
		}
		delete(fields, name)
		inner := what + "." + name
		switch {
		case f.Type() == moduleType:
			m, err := read(text)
			if err != nil {
				return err
			}
			f.Set(reflect.ValueOf(m))
		case f.Type() == factorType:
			all := []graph.Factorisation{graph.LU, graph.Cholesky}
			k := slices.IndexFunc(all, func(x graph.Factorisation) bool { return string(text) == fmt.Sprintf("%q", x) })
			if k < 0 {
				return faulty("%s: %s is no factorisation; known are %q", inner, text, all)
			}
			f.SetInt(int64(all[k]))
		case f.Kind() == reflect.Pointer, f.Kind() == reflect.Struct:
			if f.Kind() == reflect.Pointer {
				f.Set(reflect.New(f.Type().Elem()))
			}
			if err := readFields(inner, text, reflect.Indirect(f), read); err != nil {
				return err
			}
		default:
			if err := json.Unmarshal(text, f.Addr().Interface()); err != nil {
				return faulty("%s: %v", inner, err)
			}
			if err := checkCounts(inner, f); err != nil {
				return err
			}
		}
	}
	for name := range fields {
		return faulty("%s: there is no field %q", what, name)
	}
	return nil
}

// checkCounts refuses integers that are too large, and numbers that JSON has not.
func checkCounts(what string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Int:
		if n := v.Int(); n < -maxCount || n > maxCount {
			return faulty("%s is %d; at most %d can be described", what, n, maxCount)
		}
	case reflect.Float64:
		if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
			return faulty("%s is %v; it must be finite", what, x)
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := checkCounts(what, v.Index(i)); err != nil {
				return err
			}
		}
	}
	return nil
}
