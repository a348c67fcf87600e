package modelfile

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// Describe sets the description to the JSON of v.
func (f *File) Describe(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return &Error{Part: "description", Reason: "it has no JSON", Err: err}
	}
	f.Description = b
	return nil
}

// Decode reads the description into v, a pointer. It is stricter than encoding/json: a key
// that v has no field for, whose case differs from the field's, or that is there
// twice is an *[Error] that names it, as is a null for a number, text or bool and
// what follows the value. What the values mean is for the caller to check.
func (f *File) Decode(v any) error {
	if f.Description == nil {
		return &Error{Part: "description", Reason: "the file has none", Remedy: "it was not written by this library; read its tensors by name"}
	}
	return DecodeJSON(f.Description, v)
}

// DecodeJSON is the decoder of [File.Decode] for any JSON.
func DecodeJSON(data []byte, v any) error {
	if err := strict(data, v, ""); err != nil {
		var e *jsonError
		part := "description"
		if errors.As(err, &e) {
			if e.path != "" {
				part += ": " + e.path
			}
			return &Error{Part: part, Reason: e.reason, Remedy: e.remedy}
		}
		return &Error{Part: part, Reason: "it cannot be understood", Err: err, Remedy: restore}
	}
	return nil
}

// checkJSON reports whether data is JSON without a key that is there twice.
func checkJSON(data []byte) error {
	var any any
	return DecodeJSON(data, &any)
}

// jsonError is a fault of JSON that encoding/json does not see.
type jsonError struct{ path, reason, remedy string }

func (e *jsonError) Error() string {
	s := e.reason
	if e.path != "" {
		s = e.path + ": " + s
	}
	if e.remedy != "" {
		s += "; " + e.remedy
	}
	return s
}

// strict decodes data into what v points at, after a walk that looks for what encoding/json lets pass.
func strict(data []byte, v any, root string) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	w := walker{dec: dec}
	if root != "" {
		w.path = append(w.path, step{key: root})
	}
	if err := w.value(reflect.TypeOf(v).Elem()); err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return w.fault("more follows the value", "")
	}
	return json.Unmarshal(data, v)
}

// walker goes through JSON beside the type that it is to be decoded into. A nil type
// takes anything.
type walker struct {
	dec  *json.Decoder
	path []step // from the top to where it is; a text of it is made for an error only
}

// step is a key of an object or, if that is empty, an index of an array.
type step struct {
	key   string
	index int
}

// maxDepth is how deep JSON may nest.
const maxDepth = 100

func (w *walker) fault(reason, remedy string) error {
	var b strings.Builder
	for i, s := range w.path {
		switch {
		case s.key == "":
			fmt.Fprintf(&b, "[%d]", s.index)
		case i > 0:
			b.WriteByte('.')
			fallthrough
		default:
			b.WriteString(quote(s.key))
		}
	}
	return &jsonError{quote(b.String()), reason, remedy}
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// opaque reports whether a type decodes itself.
func opaque(t reflect.Type) bool {
	return t.Kind() == reflect.Interface || reflect.PointerTo(t).Implements(jsonUnmarshaler) || reflect.PointerTo(t).Implements(textUnmarshaler)
}

func (w *walker) value(t reflect.Type) error {
	token, err := w.dec.Token()
	if err != nil {
		return err
	}
	nullable := false
	for t != nil && t.Kind() == reflect.Pointer && !opaque(t) {
		t, nullable = t.Elem(), true
	}
	if t != nil && opaque(t) {
		t = nil
	}
	switch token {
	case nil:
		if t == nil || nullable || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			return nil
		}
		return w.fault("it is null", "give it a value")
	case json.Delim('{'), json.Delim('['):
		if len(w.path) > maxDepth {
			return w.fault(fmt.Sprintf("the values nest deeper than %d", maxDepth), "")
		}
		if token == json.Delim('{') {
			return w.object(t)
		}
		return w.array(t)
	}
	return nil
}

func (w *walker) array(t reflect.Type) error {
	var elem reflect.Type
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		elem = t.Elem()
	}
	n := 0
	for ; w.dec.More(); n++ {
		w.path = append(w.path, step{index: n})
		if err := w.value(elem); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	if t != nil && t.Kind() == reflect.Array && n != t.Len() {
		return w.fault(fmt.Sprintf("it has %d values, not %d", n, t.Len()), "")
	}
	_, err := w.dec.Token()
	return err
}

func (w *walker) object(t reflect.Type) error {
	var fields map[string]reflect.Type
	var below reflect.Type
	if t != nil && t.Kind() == reflect.Struct {
		fields = fieldsOf(t)
	}
	if t != nil && t.Kind() == reflect.Map {
		below = t.Elem()
	}
	seen := make(map[string]bool)
	for w.dec.More() {
		token, err := w.dec.Token()
		if err != nil {
			return err
		}
		key := token.(string)
		if seen[key] {
			return w.fault(fmt.Sprintf("the key %q is there twice", quote(key)), "remove one")
		}
		seen[key] = true
		if fields != nil {
			var known bool
			if below, known = fields[key]; !known {
				return w.fault(fmt.Sprintf("the key %q is unknown", quote(key)), "the keys are "+keys(fields))
			}
		}
		w.path = append(w.path, step{key: key})
		if err := w.value(below); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	_, err := w.dec.Token()
	return err
}

// fieldsOf returns the fields of a struct by their names in JSON.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type)
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-", f.Anonymous && name == "", !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		fields[name] = f.Type
	}
	return fields
}

func keys(fields map[string]reflect.Type) string {
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
