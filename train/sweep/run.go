package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// Result is one line of a results file.
type Result struct {
	Job     string             `json:"job"`
	Numbers map[string]float64 `json:"numbers,omitempty"`
	Error   string             `json:"error,omitempty"` // why there are none
	Seconds float64            `json:"seconds"`
}

// Run runs the jobs of a shard that have no result in the folder yet, one after the other, and
// appends each result, flushed to the disk, to the shard's own file. A job whose f fails has a result
// with its error; it is tried again by the next Run. The error of Run is that of the folder or of
// ctx, or tells how many jobs failed. Numbers must be finite.
//
// Two processes must not run the same shard at the same time. If they do, or if the number of shards
// changes while some still run, jobs are done twice, which Merge sees through.
func Run(ctx context.Context, dir string, g Grid, s Shard, f func(ctx context.Context, j Job) (map[string]float64, error)) error {
	if s.Count < 1 || s.Index < 0 || s.Index >= s.Count {
		panic("sweep: no such shard")
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	done, err := read(dir)
	if err != nil {
		return err
	}
	out, err := open(filepath.Join(dir, fmt.Sprintf("shard-%d-of-%d.jsonl", s.Index, s.Count)))
	if err != nil {
		return err
	}
	defer out.Close()
	bad := 0
	for i := s.Index; i < g.Len(); i += s.Count {
		j := g.Job(i)
		if r, ok := done[j.String()]; ok && r.Error == "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		began := time.Now()
		numbers, err := f(ctx, j)
		if ctx.Err() != nil {
			return ctx.Err() // the job was cut short
		}
		r := Result{Job: j.String(), Numbers: numbers, Seconds: time.Since(began).Seconds()}
		if err != nil {
			bad++
			r.Numbers, r.Error = nil, err.Error()
		}
		line, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("sweep: %s: %w", j, err)
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
		if err := out.Sync(); err != nil {
			return err
		}
	}
	if bad > 0 {
		return fmt.Errorf("sweep: %d jobs failed; the results say why, and another run tries them again", bad)
	}
	return nil
}

// open opens a results file to append to it, after the last whole line: a process that was killed may
// have left a part of one.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	end := len(data)
	for end > 0 && data[end-1] != '\n' {
		end--
	}
	if err = errors.Join(err, f.Truncate(int64(end))); err == nil {
		_, err = f.Seek(int64(end), io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// read returns the results in a folder by their jobs. Of several for one job, one without an error
// counts, the first by the names of the files.
func read(dir string) (map[string]Result, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	sort.Strings(paths)
	all := map[string]Result{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for line, start, i := 1, 0, 0; i < len(data); i++ {
			if data[i] != '\n' {
				continue // what follows the last end of a line was cut short
			}
			var r Result
			if err := json.Unmarshal(data[start:i], &r); err != nil {
				return nil, fmt.Errorf("sweep: %s:%d: %w", path, line, err)
			}
			if old, ok := all[r.Job]; !ok || old.Error != "" {
				all[r.Job] = r
			}
			start = i + 1
			line++
		}
	}
	return all, nil
}
