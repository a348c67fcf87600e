package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/train/experiment"
)

// TestRun runs the program as a smoke test, with a peer that has no library and is
// skipped.
func TestRun(t *testing.T) {
	peers := t.TempDir()
	write(t, filepath.Join(peers, "no_peer.py"), "#!/bin/sh\necho no library >&2\nexit 3\n")
	args := []string{"-quick"}
	if runtime.GOOS != "windows" {
		args = append(args, "-peers", peers, "-python", "sh")
	}
	m := apptest.Run(t, run, []string{"steps.png", "fronts.png", "sizes.png"}, args...)
	// The graph is the same computation in another order.
	if off := m["steps_3_tape_off"]; off > 1e-12 {
		t.Errorf("the gradient on the tape is %.1e off", off)
	}
	// At 1e-6 the discretisation's error is near 1e-8.
	for _, name := range []string{"W1_tsit5_discrete_error", "W1_tsit5_interpolating_error", "W1_tsit5_backsolve_error"} {
		if e, ok := m[name]; !ok || e > 1e-6 {
			t.Errorf("%s is %v", name, e)
		}
	}
}

// TestPeers: numbers of a peer that are not ours end the run.
func TestPeers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs sh")
	}
	peers := t.TempDir()
	write(t, filepath.Join(peers, "a_peer.py"), `echo '{"program":"peer","workload":"W1","pass":"rk4 gradient","ms":1,"loss":2,"dtheta":3,"dy0":4}'`)
	s := study{metrics: new(experiment.Metrics), stderr: new(bytes.Buffer), budget: 1, peers: peers, python: "sh"}
	for _, loss := range []float64{2, 2.1} {
		s.metrics.Set("W1_rk4_loss", loss)
		s.metrics.Set("W1_rk4_dtheta", 3)
		s.metrics.Set("W1_rk4_dy0", 4)
		err := s.peerPrograms(t.Context())
		if agrees := loss == 2; agrees && err != nil || !agrees && (err == nil || !strings.Contains(err.Error(), "loss of peer on W1")) {
			t.Errorf("loss %v here and 2 there: error %v", loss, err)
		}
	}
	if ms, _ := s.metrics.Get("W1_rk4_gradient_peer_ms"); ms != 1 {
		t.Errorf("the peer's time is %v", ms)
	}
}

func TestUsage(t *testing.T) {
	apptest.Refuse(t, run, "-seconds", "0")
	apptest.Refuse(t, run, "-seconds", "many")
	apptest.Refuse(t, run, "-threads", "-1")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
