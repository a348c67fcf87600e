package cli

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/tensorboard"
)

// A logger writes down every step of a training.
type logger interface {
	Log(e forecast.Event) error
	Close() error
}

// openLog makes the file of a log: JSON lines or CSV, by the ending of its name, or event files of
// TensorBoard in the folder after "tensorboard:".
func openLog(path string) (logger, error) {
	if dir, ok := strings.CutPrefix(path, "tensorboard:"); ok {
		if dir == "" {
			return nil, experiment.Usagef("-log tensorboard: names no folder")
		}
		return &eventLog{dir: dir, runs: map[string]*tensorboard.Writer{}}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	l := fileLog{file: f, buffer: bufio.NewWriter(f)}
	if strings.HasSuffix(path, ".jsonl") {
		return &jsonLog{l}, nil
	}
	out := &csvLog{fileLog: l, csv: csv.NewWriter(l.buffer)}
	return out, out.csv.Write([]string{"stage", "run", "step", "loss", "grad_norm", "rate", "nfe_forward", "nfe_backward", "seconds"})
}

type fileLog struct {
	file   *os.File
	buffer *bufio.Writer
}

func (l *fileLog) Close() error {
	err := l.buffer.Flush()
	if e := l.file.Close(); err == nil {
		err = e
	}
	return err
}

type csvLog struct {
	fileLog
	csv *csv.Writer
}

func (l *csvLog) Log(e forecast.Event) error {
	return l.csv.Write([]string{
		e.Stage, e.Run, strconv.Itoa(e.Step.Step), number(e.Loss), number(e.GradNorm), number(e.Rate),
		strconv.Itoa(e.Work.NFEForward), strconv.Itoa(e.Work.NFEBackward), strconv.FormatFloat(e.Seconds, 'f', 6, 64),
	})
}

func (l *csvLog) Close() error {
	l.csv.Flush()
	return l.fileLog.Close()
}

type jsonLog struct{ fileLog }

func (l *jsonLog) Log(e forecast.Event) error {
	finite := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	line, err := json.Marshal(struct {
		Stage       string   `json:"stage"`
		Run         string   `json:"run,omitempty"`
		Step        int      `json:"step"`
		Loss        *float64 `json:"loss"`
		GradNorm    *float64 `json:"grad_norm,omitempty"`
		Rate        *float64 `json:"rate,omitempty"`
		NFEForward  int      `json:"nfe_forward"`
		NFEBackward int      `json:"nfe_backward"`
		Seconds     float64  `json:"seconds"`
	}{e.Stage, e.Run, e.Step.Step, finite(e.Loss), finite(e.GradNorm), finite(e.Rate), e.Work.NFEForward, e.Work.NFEBackward, e.Seconds})
	if err != nil {
		return err
	}
	_, err = l.buffer.Write(append(line, '\n'))
	return err
}

// eventLog writes an event file for each training, so that TensorBoard shows them as runs.
type eventLog struct {
	dir  string
	runs map[string]*tensorboard.Writer
}

func (l *eventLog) Log(e forecast.Event) error {
	name := fileName(e.Stage, e.Run)
	w := l.runs[name]
	if w == nil {
		var err error
		if w, err = tensorboard.Create(filepath.Join(l.dir, name)); err != nil {
			return err
		}
		l.runs[name] = w
	}
	return w.Step(e.Step)
}

func (l *eventLog) Close() error {
	var all error
	for _, w := range l.runs {
		all = errors.Join(all, w.Close())
	}
	return all
}

// fileName makes a folder's name of what tells a training from others.
func fileName(stage, run string) string {
	words := strings.FieldsFunc(stage+" "+run, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.')
	})
	return strings.Join(words, "-")
}

// number writes a number for a table; what is not finite is empty.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
