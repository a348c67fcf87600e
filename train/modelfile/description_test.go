package modelfile

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

type network struct {
	Hidden []int          `json:"hidden"`
	Rates  map[string]int `json:"rates,omitempty"`
	Next   *network       `json:"next,omitempty"`
	Plain  float64
	secret int
}

type described struct {
	network
	Name string     `json:"name"`
	Made time.Time  `json:"made"`
	Any  any        `json:"any"`
	Box  [2]float64 `json:"box"`
	Skip string     `json:"-"`
}

func TestDecodeJSON(t *testing.T) {
	var d described
	err := DecodeJSON([]byte(`{"hidden":[1,2],"rates":{"a":1,"A":2},"next":{"hidden":null},"Plain":3,"name":"x","made":"2024-01-02T03:04:05Z","any":{"x":[null,{}]},"box":[1,2]}`), &d)
	if err != nil || d.Hidden[1] != 2 || d.Rates["A"] != 2 || d.Plain != 3 || d.Made.Year() != 2024 || d.secret != 0 {
		t.Errorf("decoded %+v (%v)", d, err)
	}
	for _, c := range []struct{ text, want string }{
		{`{"hiden":[1]}`, `the key "hiden" is unknown; the keys are Plain, any, box, hidden, made, name, next, rates`},
		{`{"Hidden":[1]}`, `"Hidden" is unknown`},
		{`{"Skip":"x"}`, `"Skip" is unknown`},
		{`{"secret":1}`, `"secret" is unknown`},
		{`{"next":{"next":{"x":1}}}`, `description: next.next: the key "x" is unknown`},
		{`{"name":"a","name":"b"}`, "twice"},
		{`{"any":[{"a":1,"a":2}]}`, "any[0]: the key \"a\" is there twice"},
		{`{"name":null}`, "name: it is null"},
		{`{"hidden":[null]}`, "hidden[0]: it is null"},
		{`{"hidden":[1.5]}`, "1.5"},
		{`{"box":[1]}`, "box: it has 1 values, not 2"},
		{`{"name":"a"} x`, "description"},
		{`{"name":`, "unexpected EOF"},
		{`null`, "null"},
		{strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "deeper than 100"},
		{`{"` + strings.Repeat("k", 5000) + `":1}`, "kkk…"},
	} {
		var d described
		if c.text[0] == '[' {
			err = DecodeJSON([]byte(c.text), new(any))
		} else {
			err = DecodeJSON([]byte(c.text), &d)
		}
		var own *Error
		if !errors.As(err, &own) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: error %v, want one with %q", c.text, err, c.want)
			continue
		}
		if len(err.Error()) > 500 {
			t.Errorf("%.60s: the error has %d bytes", c.text, len(err.Error()))
		}
	}
}

func TestDescribe(t *testing.T) {
	f := new(File)
	want := described{Name: "x", Box: [2]float64{1, 2}}
	want.Hidden = []int{4}
	if err := f.Describe(want); err != nil {
		t.Fatal(err)
	}
	var got described
	if err := f.Decode(&got); err != nil || got.Name != "x" || got.Hidden[0] != 4 || got.Box != want.Box {
		t.Errorf("decoded %+v (%v)", got, err)
	}
	if err := f.Describe(func() {}); err == nil {
		t.Error("a function was described")
	}
	if !json.Valid(f.Description) {
		t.Error("a failed Describe changed the description")
	}
}
