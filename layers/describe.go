package layers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Describer is a module of another package that [Marshal] can write.
type Describer interface {
	Module

	// Describe returns the name of the module's kind, which [Unmarshal] must be given a
	// [Kind] of, and plain data that encoding/json writes as an object. Modules inside it are
	// json.RawMessages made by write, which is Marshal.
	Describe(write func(Module) ([]byte, error)) (kind string, data any, err error)
}

// Kind tells [Unmarshal] how to read a kind of modules of another package. Like [Layer], it
// is an alias that other packages can declare.
type Kind = struct {
	Name string

	// Read reads a module from an object without its "kind". read reads modules inside it.
	Read func(data []byte, read func(data []byte) (Module, error)) (Module, error)
}

// composite is how modules with modules inside are written.
type composite struct {
	Of       json.RawMessage   `json:"of,omitempty"`
	Each     []json.RawMessage `json:"each,omitempty"`
	By       float64           `json:"by,omitempty"`
	Learn    bool              `json:"learn,omitempty"`
	Channels int               `json:"channels,omitempty"`
	Degrees  int               `json:"degrees,omitempty"`
}

// Marshal writes the description of a module as JSON: an activation as its name, another
// module as an object with its "kind", for instance
//
//	{"kind":"mlp","in":2,"hidden":[64],"out":2,"activation":"tanh"}
//
// All modules of this package can be written but those made of Go functions ([Custom],
// [Equations], [Func], [FuncAt]), and modules that hold one; these are a [*ConfigError].
func Marshal(m Module) ([]byte, error) {
	switch m := m.(type) {
	case Activation:
		return json.Marshal(m.or(Identity))
	case MLP:
		return object("mlp", m)
	case Linear:
		return object("linear", m)
	case Sequential:
		return each("sequential", m)
	case Sum:
		return each("sum", m)
	case Scale:
		of, err := Marshal(m.Of)
		if err != nil {
			return nil, err
		}
		return object("scale", composite{Of: of, By: m.By, Learn: m.Learn})
	case AppendTime:
		of, err := Marshal(m.Of)
		if err != nil {
			return nil, err
		}
		return object("append_time", composite{Of: of})
	case AppendInput:
		of, err := Marshal(m.Of)
		if err != nil {
			return nil, err
		}
		return object("append_input", composite{Of: of, Channels: m.Channels})
	case SecondOrder:
		of, err := Marshal(m.Of)
		if err != nil {
			return nil, err
		}
		return object("second_order", composite{Of: of, Degrees: m.Degrees})
	case CDE:
		of, err := Marshal(m.Of)
		if err != nil {
			return nil, err
		}
		return object("cde", composite{Of: of, Channels: m.Channels})
	case Describer:
		kind, data, err := m.Describe(Marshal)
		if err != nil {
			return nil, err
		}
		return object(kind, data)
	case nil:
		return nil, &ConfigError{What: "Marshal", Faults: []string{"the module is nil"}}
	}
	return nil, &ConfigError{What: "Marshal", Faults: []string{
		fmt.Sprintf("a %T is made of Go functions, or has no Describe; save its weights, and build it by code when they are loaded", m)}}
}

func each(kind string, modules []Module) ([]byte, error) {
	var c composite
	for _, m := range modules {
		data, err := Marshal(m)
		if err != nil {
			return nil, err
		}
		c.Each = append(c.Each, data)
	}
	return object(kind, c)
}

// object writes data as an object that begins with its kind.
func object(kind string, data any) ([]byte, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	if len(body) < 2 || body[0] != '{' {
		return nil, &ConfigError{What: "Marshal", Faults: []string{fmt.Sprintf("the description of a %q is %s; it must be an object", kind, body)}}
	}
	out, err := json.Marshal(kind)
	if err != nil {
		return nil, err
	}
	out = append([]byte(`{"kind":`), out...)
	if len(body) > 2 {
		out = append(out, ',')
	}
	return append(out, body[1:]...), nil
}

// maxDepth bounds how deep modules may lie in each other.
const maxDepth = 100

// Unmarshal reads what [Marshal] wrote. kinds are the modules of other packages that may
// occur. A fault of the text, an unknown kind and an unknown field are errors; whether the
// numbers make sense is seen when the module is placed.
func Unmarshal(data []byte, kinds ...Kind) (Module, error) {
	return unmarshal(data, kinds, 0)
}

func unmarshal(data []byte, kinds []Kind, depth int) (Module, error) {
	if depth > maxDepth {
		return nil, faulty("more than %d modules lie in each other", maxDepth)
	}
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '"' {
		var a Activation
		if err := json.Unmarshal(text, &a); err != nil {
			return nil, err
		}
		return a.or(Identity), nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("layers: Unmarshal: %w", err)
	}
	var kind string
	if err := json.Unmarshal(fields["kind"], &kind); err != nil {
		return nil, faulty(`an object without a "kind"`)
	}
	delete(fields, "kind")
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("layers: Unmarshal: %w", err)
	}
	read := func(data []byte) (Module, error) { return unmarshal(data, kinds, depth+1) }
	switch kind {
	case "mlp":
		return plain[MLP](kind, body)
	case "linear":
		return plain[Linear](kind, body)
	case "sequential":
		return list[Sequential](kind, body, read)
	case "sum":
		return list[Sum](kind, body, read)
	case "scale":
		var c struct {
			Of    json.RawMessage `json:"of"`
			By    float64         `json:"by"`
			Learn bool            `json:"learn"`
		}
		of, err := readOf(kind, body, &c, &c.Of, read)
		if err != nil {
			return nil, err
		}
		return Scale{Of: of, By: c.By, Learn: c.Learn}, nil
	case "append_time":
		var c struct {
			Of json.RawMessage `json:"of"`
		}
		of, err := readOf(kind, body, &c, &c.Of, read)
		if err != nil {
			return nil, err
		}
		return AppendTime{Of: of}, nil
	case "second_order":
		var c struct {
			Of      json.RawMessage `json:"of"`
			Degrees int             `json:"degrees"`
		}
		of, err := readOf(kind, body, &c, &c.Of, read)
		if err != nil {
			return nil, err
		}
		return SecondOrder{Of: of, Degrees: c.Degrees}, nil
	case "append_input", "cde":
		var c struct {
			Of       json.RawMessage `json:"of"`
			Channels int             `json:"channels"`
		}
		of, err := readOf(kind, body, &c, &c.Of, read)
		if err != nil {
			return nil, err
		}
		if kind == "cde" {
			return CDE{Of: of, Channels: c.Channels}, nil
		}
		return AppendInput{Of: of, Channels: c.Channels}, nil
	}
	if i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == kind }); i >= 0 {
		return kinds[i].Read(body, read)
	}
	known := []string{"mlp", "linear", "sequential", "sum", "scale", "append_time", "append_input", "second_order", "cde"}
	for _, k := range kinds {
		known = append(known, k.Name)
	}
	return nil, faulty("there is no kind %q; known are %s, and the names of activations", kind, strings.Join(known, ", "))
}

func faulty(format string, args ...any) error {
	return &ConfigError{What: "Unmarshal", Faults: []string{fmt.Sprintf(format, args...)}}
}

// strict reads an object whose fields must all be known.
func strict(kind string, body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("layers: Unmarshal: %s: %w", kind, err)
	}
	return nil
}

// plain reads a module that is plain data.
func plain[M Module](kind string, body []byte) (Module, error) {
	var m M
	if err := strict(kind, body, &m); err != nil {
		return nil, err
	}
	return m, nil
}

// list reads a module that is a list of modules.
func list[M interface {
	~[]Module
	Module
}](kind string, body []byte, read func([]byte) (Module, error)) (Module, error) {
	var c struct {
		Each []json.RawMessage `json:"each"`
	}
	if err := strict(kind, body, &c); err != nil {
		return nil, err
	}
	all := make([]Module, len(c.Each))
	for i, data := range c.Each {
		var err error
		if all[i], err = read(data); err != nil {
			return nil, err
		}
	}
	return M(all), nil
}

func readOf(kind string, body []byte, into any, of *json.RawMessage, read func([]byte) (Module, error)) (Module, error) {
	if err := strict(kind, body, into); err != nil {
		return nil, err
	}
	if *of == nil {
		return nil, faulty(`%s: there is no module "of"`, kind)
	}
	return read(*of)
}
