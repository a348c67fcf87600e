package forecast

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// Figure is a named number.
type Figure struct {
	Name  string
	Value float64
}

// Figures are named numbers in the order in which they are best read. In JSON they are one flat
// object in this order, without those that are not finite, since JSON has no word for them.
type Figures []Figure

// Set stores a number, behind the others if it is new.
func (f *Figures) Set(name string, value float64) {
	for i := range *f {
		if (*f)[i].Name == name {
			(*f)[i].Value = value
			return
		}
	}
	*f = append(*f, Figure{name, value})
}

// Get returns a number.
func (f Figures) Get(name string) (value float64, ok bool) {
	for _, v := range f {
		if v.Name == name {
			return v.Value, true
		}
	}
	return math.NaN(), false
}

// MarshalJSON writes the object.
func (f Figures) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, v := range f {
		if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(v.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(v.Value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s", name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads the object.
func (f *Figures) UnmarshalJSON(data []byte) error {
	*f = nil
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("forecast: figures must be an object of numbers")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value float64
		if err := d.Decode(&value); err != nil {
			return err
		}
		*f = append(*f, Figure{name.(string), value})
	}
	return nil
}
