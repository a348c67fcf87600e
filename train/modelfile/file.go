package modelfile

import (
	"encoding/json"
	"fmt"
	"os"
	"unicode/utf8"
)

// File is a model: numbers and what they mean. Write takes it, Read returns it.
type File struct {
	Kind        string          // what the description describes, with a version: "neuralode fit 2"
	Description json.RawMessage // any JSON, see Decode; nil: none
	Tensors     []Tensor        // names differ
	Metadata    map[string]string
	// Metadata is further text, as other programs keep it: {"format": "pt"}. Its keys do not
	// begin with "neuralode.".
}

// Tensor returns the tensor of the given name.
func (f *File) Tensor(name string) (Tensor, bool) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

// Options are what the checks leave out. The zero value leaves out nothing and is
// what Read and Write use.
type Options struct {
	// AllowNonFinite lets NaN and infinite numbers pass.
	AllowNonFinite bool
	// SkipChecksum reads a file whose content was changed since it was written, by hand or by
	// accident. Everything else is still checked.
	SkipChecksum bool
}

// Write makes or replaces the file at path, atomically: see [WriteAtomic].
func Write(path string, f *File) error { return Options{}.Write(path, f) }

// Read reads the file at path. See [Decode].
func Read(path string) (*File, error) { return Options{}.Read(path) }

// ReadNPZ reads a numpy archive: every member called *.npy, of float32 or float64, becomes a
// tensor of the name without the ending.
func ReadNPZ(path string) (*File, error) { return Options{}.ReadNPZ(path) }

// WriteNPZ makes or replaces a numpy archive, atomically. What is not a tensor is in its
// member neuralode.json.
func WriteNPZ(path string, f *File) error { return Options{}.WriteNPZ(path, f) }

// Write is like the function [Write].
func (o Options) Write(path string, f *File) error {
	if err := f.check(o.AllowNonFinite); err != nil {
		return at(path, err)
	}
	return at(path, WriteAtomic(path, f.encode))
}

// WriteNPZ is like the function [WriteNPZ].
func (o Options) WriteNPZ(path string, f *File) error {
	if err := f.check(o.AllowNonFinite); err != nil {
		return at(path, err)
	}
	return at(path, WriteAtomic(path, f.encodeNPZ))
}

// Read is like the function [Read].
func (o Options) Read(path string) (*File, error) {
	return open(path, o.decode)
}

// ReadNPZ is like the function [ReadNPZ].
func (o Options) ReadNPZ(path string) (*File, error) {
	return open(path, o.decodeNPZ)
}

func open(path string, decode func(r readerAt, size int64) (*File, error)) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &Error{Reason: "the model cannot be opened", Err: err}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, &Error{Path: path, Reason: "the model cannot be read", Err: err}
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{Path: path, Reason: "this is not a file", Remedy: "name the file of the model itself"}
	}
	f, err := decode(file, info.Size())
	return f, at(path, err)
}

// check reports what keeps a file from being written.
func (f *File) check(nonFinite bool) error {
	if f.Description != nil {
		if err := checkJSON(f.Description); err != nil {
			return err
		}
	}
	if !utf8.ValidString(f.Kind) || !utf8.Valid(f.Description) {
		return &Error{Part: "description", Reason: "the kind or the description is not UTF-8", Remedy: "JSON is UTF-8: convert it"}
	}
	for k, v := range f.Metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return &Error{Part: "metadata", Reason: fmt.Sprintf("the value of %q is not UTF-8", quote(k)), Remedy: "convert it"}
		}
		if reserved(k) {
			return &Error{Part: "metadata", Reason: fmt.Sprintf("the key %q is reserved", quote(k)), Remedy: "use another prefix"}
		}
	}
	seen := make(map[string]bool, len(f.Tensors))
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if err := t.check(nonFinite); err != nil {
			return err
		}
		if seen[t.Name] {
			return &Error{Part: "tensor " + quote(t.Name), Reason: "there are two of this name", Remedy: "give one another name"}
		}
		seen[t.Name] = true
	}
	return nil
}
