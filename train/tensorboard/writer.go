package tensorboard

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/neuralode/neuralode/internal/wire"
)

// Writer writes one event file. Its methods may be called by several goroutines.
type Writer struct {
	mu    sync.Mutex
	file  io.Closer // nil: none of ours
	buf   *bufio.Writer
	now   func() time.Time
	saved time.Time // the last Flush
	err   error     // the first
}

// flushEvery is how long what was written may stay in memory.
const flushEvery = 2 * time.Second

// Create makes a new event file in a folder, which it makes if it is missing. Files of earlier runs
// there stay: TensorBoard shows all of them as one.
func Create(dir string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	for n := 0; ; n++ { // TensorBoard reads files in the order of their names
		path := filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%010d.%s.%d.%d", time.Now().Unix(), filepath.Base(host), os.Getpid(), n))
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, os.ErrExist) && n < 1000 {
			continue
		}
		if err != nil {
			return nil, err
		}
		w, err := newWriter(f, time.Now)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		w.file = f
		return w, nil
	}
}

// newWriter begins a file.
func newWriter(out io.Writer, now func() time.Time) (*Writer, error) {
	w := &Writer{buf: bufio.NewWriter(out), now: now, saved: now()}
	w.event(0, 3, []byte("brain.Event:2")) // file_version
	return w, w.Flush()
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is a checksum as TFRecord has it.
func masked(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// event writes an Event: wall_time 1, step 2, and a field that it is about.
func (w *Writer) event(step int, field int, data []byte) {
	now := w.now()
	m := wire.Double(nil, 1, float64(now.UnixNano())/1e9)
	if step != 0 {
		m = wire.Int(m, 2, int64(step))
	}
	m = wire.Bytes(m, field, data)
	var head [12]byte
	binary.LittleEndian.PutUint64(head[:8], uint64(len(m)))
	binary.LittleEndian.PutUint32(head[8:], masked(head[:8]))
	for _, part := range [][]byte{head[:], m, binary.LittleEndian.AppendUint32(nil, masked(m))} {
		if _, err := w.buf.Write(part); err != nil && w.err == nil {
			w.err = err
		}
	}
}

// value writes an event with one value of a summary: Event has the summary as field 5, Summary the value
// as 1, Value the tag as 1.
func (w *Writer) value(tag string, step int, data func(m []byte) []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := data(wire.String(nil, 1, tag))
	w.event(step, 5, wire.Bytes(nil, 1, v))
	if now := w.now(); now.Sub(w.saved) >= flushEvery {
		w.flush()
	}
	return w.err
}

// Flush hands what was written to the operating system. It is done by itself every two seconds of
// writing.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	return w.err
}

func (w *Writer) flush() {
	w.saved = w.now()
	if err := w.buf.Flush(); err != nil && w.err == nil {
		w.err = err
	}
}

// Close writes the rest and closes the file. Its error is the first of all.
func (w *Writer) Close() error {
	err := w.Flush()
	if w.file != nil {
		err = errors.Join(err, w.file.Close())
		w.file = nil
	}
	return err
}
