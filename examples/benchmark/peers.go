package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
)

// peerResult is a line that a peer prints.
type peerResult struct {
	Program  string  `json:"program"`
	Workload string  `json:"workload"`
	Pass     string  `json:"pass"`
	Ms       float64 `json:"ms"`
	Compile  float64 `json:"compile_s"`
	Loss     float64 `json:"loss"`
	Dtheta   float64 `json:"dtheta"`
	Dy0      float64 `json:"dy0"`
	Versions string  `json:"versions"`
	Steps    int     `json:"steps"` // of stiff problems
	NFE      int     `json:"nfe"`
	Digits   float64 `json:"digits"`
}

// cannotImport is the status with which a peer says that it has no library.
const cannotImport = 3

// peerPrograms runs the Python programs and compares losses and gradients of the fixed
// steps, which all programs compute from the same numbers by the same formulas.
func (s *study) peerPrograms(ctx context.Context) error {
	if s.peers == "" {
		return nil
	}
	programs, err := filepath.Glob(filepath.Join(s.peers, "*_peer.py"))
	if err != nil {
		return err
	}
	if strings.HasSuffix(s.peers, "_peer.py") {
		programs = []string{s.peers}
	}
	if len(programs) == 0 {
		return fmt.Errorf("no *_peer.py in %s", s.peers)
	}
	for _, path := range programs {
		out, err := s.peer(ctx, path)
		if err != nil {
			return err
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var r peerResult
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				return fmt.Errorf("%s printed %q: %w", path, lines.Text(), err)
			}
			if err := s.compare(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// peer runs a program with the first Python that has its libraries and returns what it prints:
// nothing if there is no such Python.
func (s *study) peer(ctx context.Context, path string) (*bytes.Buffer, error) {
	for _, python := range strings.Split(s.python, ",") {
		var out, said bytes.Buffer
		cmd := exec.CommandContext(ctx, python, path, "-threads", fmt.Sprint(max(1, s.threads)), "-seconds", fmt.Sprint(s.budget.Seconds()))
		cmd.Stdout, cmd.Stderr = &out, &said
		err := cmd.Run()
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit) && exit.ExitCode() == cannotImport || errors.Is(err, exec.ErrNotFound):
			fmt.Fprintf(s.stderr, "%s is skipped by %s: %s\n", filepath.Base(path), python, strings.TrimSpace(said.String()+" "+err.Error()))
		case err != nil:
			return nil, fmt.Errorf("%s: %w: %s", path, err, said.String())
		default:
			return &out, nil
		}
	}
	return new(bytes.Buffer), nil
}

// compare stores what a peer measured, and fails if its numbers are not ours.
func (s *study) compare(r peerResult) error {
	if r.Pass == "stiff" {
		s.storeStiff(r)
		return nil
	}
	name := fieldName(r.Workload + "_" + r.Pass + "_" + r.Program)
	s.metrics.Set(name+"_ms", r.Ms)
	s.metrics.Set(name+"_compile_seconds", r.Compile)
	fmt.Fprintf(s.stderr, "%-4s %-16s %-12s %10.3f ms, compiled in %.1f s (%s)\n", r.Workload, r.Pass, r.Program, r.Ms, r.Compile, r.Versions)
	if want, ok := s.metrics.Get(r.Workload + "_samples_loss"); ok && r.Pass == "samples" && !s.Quick && math.Abs(r.Loss-want) > 1e-4*want {
		return fmt.Errorf("loss of %s on %s is %v, ours is %v; tolerances of 1e-6 allow less", r.Program, r.Workload, r.Loss, want)
	}
	if !strings.HasPrefix(r.Pass, "rk4 gradient") {
		return nil
	}
	for _, c := range []struct {
		what string
		got  float64
	}{{"loss", r.Loss}, {"dtheta", r.Dtheta}, {"dy0", r.Dy0}} {
		want, ok := s.metrics.Get(r.Workload + "_rk4_" + c.what)
		if ok && math.Abs(c.got-want) > 1e-10*math.Abs(want) {
			return fmt.Errorf("%s of %s on %s is %v, ours is %v", c.what, r.Program, r.Workload, c.got, want)
		}
	}
	return nil
}

// fieldName makes a name of metrics.
func fieldName(name string) string {
	return strings.NewReplacer(" ", "_", "(", "_", ", ", "_", ")", "").Replace(name)
}
