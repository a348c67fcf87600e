package tensorboard

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train"
)

// crc32c bit by bit, by its definition: the polynomial 0x1edc6f41, reflected.
func crc32c(data []byte) uint32 {
	c := ^uint32(0)
	for _, b := range data {
		c ^= uint32(b)
		for range 8 {
			c = c>>1 ^ 0x82f63b78*(c&1)
		}
	}
	return ^c
}

// records checks lengths and checksums of a file and returns the data of its records.
func records(t *testing.T, data []byte) (all [][]byte) {
	t.Helper()
	check := func(part []byte, sum []byte) {
		c := crc32c(part)
		if want := (c>>15 | c<<17) + 0xa282ead8; binary.LittleEndian.Uint32(sum) != want {
			t.Fatalf("checksum %x, want %08x", sum, want)
		}
	}
	for len(data) > 0 {
		n := int(binary.LittleEndian.Uint64(data))
		check(data[:8], data[8:12])
		check(data[12:12+n], data[12+n:16+n])
		all = append(all, data[12:12+n])
		data = data[16+n:]
	}
	return all
}

// The checksum of RFC 3720, B.4, and a file of two events, byte for byte.
func TestRecords(t *testing.T) {
	if c := crc32c(make([]byte, 32)); c != 0x8a9136aa {
		t.Fatalf("the test's checksum is %x", c)
	}
	var b bytes.Buffer
	w, err := newWriter(&b, func() time.Time { return time.Unix(1, 500_000_000) })
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Scalar("a", 300, 0.5), w.Close()); err != nil {
		t.Fatal(err)
	}
	wall := []byte{0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f} // 1.5
	want := [][]byte{
		slices.Concat(wall, []byte("\x1a\x0dbrain.Event:2")),
		slices.Concat(wall, []byte{0x10, 0xac, 0x02, 0x2a, 0x0a, 0x0a, 0x08, 0x0a, 0x01, 'a', 0x15, 0, 0, 0, 0x3f}),
	}
	if got := records(t, b.Bytes()); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("% x\nwant % x", got, want)
	}
}

// A writer whose file fails says so, also in a training.
func TestFails(t *testing.T) {
	full := errors.New("full")
	w, err := newWriter(writerFunc(func(p []byte) (int, error) { return len(p), nil }), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.buf.Reset(writerFunc(func([]byte) (int, error) { return 0, full }))
	if err := errors.Join(w.Scalar("a", 0, 1), w.Close()); !errors.Is(err, full) {
		t.Error(err)
	}
	if err := w.Hook(nil)(train.Step{}); !errors.Is(err, full) {
		t.Error(err)
	}
	if _, err := Create(filepath.Join(t.TempDir(), "x\x00")); err == nil {
		t.Error("no error for an impossible folder")
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A training's curves come back by TensorBoard's own reader; two writers of one second do not share a file.
func TestTensorBoard(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	data := train.Dataset[float64]{{Times: []float64{0, 1, 2}, States: []float64{1, 0.5, 0.2}}}
	m, err := train.New[float64](layers.MLP{In: 1, Hidden: []int{4}, Out: 1}, train.Config{Shape: []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	next := func(s train.Step) error {
		losses = append(losses, s.Loss)
		return w.Histogram("weights", s.Step, m.Params())
	}
	if _, err := train.Fit(t.Context(), m, data, train.Options[float64]{Steps: 5, Hook: w.Hook(next)}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Histogram("values", 7, []float64{-1, 0, 2, 2, math.NaN()}), w.Close()); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%q, %v", paths, err)
	}
	content, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if n := len(records(t, content)); n != 1+5*(5+1)+1 {
		t.Errorf("%d records", n)
	}
	python := os.Getenv("PYTHON")
	if python == "" {
		t.Skip("set PYTHON to an interpreter that has tensorboard")
	}
	out, err := exec.Command(python, filepath.Join("testdata", "read.py"), dir).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got struct {
		Version    float64
		Scalars    map[string][][3]float64
		Histograms map[string][][]any
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got.Version != 2 || len(got.Scalars["loss/training"]) != 5 || len(got.Scalars) != 5 || len(got.Histograms["weights"]) != 5 {
		t.Fatalf("%s", out)
	}
	for i, p := range got.Scalars["loss/training"] {
		if p[0] != float64(i) || p[1] != float64(float32(losses[i])) || math.Abs(p[2]-float64(time.Now().Unix())) > 300 {
			t.Errorf("point %v, want %d, %v", p, i, losses[i])
		}
	}
	h := got.Histograms["values"][0]
	if counts := h[7].([]any); h[0] != 7.0 || h[1] != -1.0 || h[2] != 2.0 || h[3] != 4.0 || h[4] != 3.0 || h[5] != 9.0 || len(counts) != 3 || counts[2] != 2.0 {
		t.Errorf("histogram %v", h)
	}
}

// Every value lies in its bucket, and the limits go up.
func TestBuckets(t *testing.T) {
	l := bucketLimits()
	if !slices.IsSorted(l) || l[0] != -math.MaxFloat64 || l[len(l)-1] != math.MaxFloat64 || len(slices.Compact(slices.Clone(l))) != len(l) {
		t.Error(l)
	}
}

func TestSecondFile(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		w, err := Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if paths, _ := filepath.Glob(filepath.Join(dir, "*")); len(paths) != 2 {
		t.Errorf("%q", paths)
	}
}
