//go:build mpi && linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests run the program under the real mpirun:
//
//	CC=mpicc go test -tags mpi ./examples/cluster

func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cluster")
	if out, err := exec.Command("go", "build", "-tags", "mpi", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func mpirun(n int, program string, args ...string) *exec.Cmd {
	return exec.Command("mpirun", append([]string{"--allow-run-as-root", "--oversubscribe", "-n", strconv.Itoa(n), program}, args...)...)
}

func metricsOf(t *testing.T, dir string) map[string]float64 {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]float64
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestUnderMPI(t *testing.T) {
	program := build(t)
	t.Run("same bits", func(t *testing.T) { sameBits(t, program) })
	t.Run("killed rank", func(t *testing.T) { killedRank(t, program) })
	t.Run("one error", func(t *testing.T) { oneError(t, program) })
}

// After 100 steps losses and parameters have the same bits for 1, 2 and 4 ranks, and one rank prints.
func sameBits(t *testing.T, program string) {
	want := 0.0
	for _, n := range []int{1, 2, 4} {
		dir := t.TempDir()
		out, err := mpirun(n, program, "-steps", "100", "-trajectories", "90", "-batch", "40", "-chunk", "3", "-width", "16", "-out", dir).CombinedOutput()
		if err != nil || strings.Count(string(out), "training_seconds") != 1 {
			t.Fatalf("%v\n%s", err, out)
		}
		m := metricsOf(t, dir)
		if n == 1 {
			want = m["bits"]
		}
		if m["bits"] != want || want == 0 || m["ranks"] != float64(n) || m["steps"] != 100 {
			t.Errorf("%d ranks: %v, want bits %v", n, m, want)
		}
	}
}

// A rank that is killed takes all with it within 5 seconds, and the training goes on from its last
// checkpoint on another number of ranks, to the bits of one that was not disturbed.
func killedRank(t *testing.T, program string) {
	dir := t.TempDir()
	args := []string{"-steps", "300", "-trajectories", "64", "-chunk", "2", "-width", "8", "-checkpoint-every", "5", "-out", dir}
	cmd := mpirun(4, program, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	checkpoint := filepath.Join(dir, "checkpoint.safetensors")
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(checkpoint); err == nil {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatal("no checkpoint")
		}
	}
	ranks := children(t, cmd.Process.Pid)
	if len(ranks) != 4 {
		t.Fatalf("%d ranks", len(ranks))
	}
	if err := syscall.Kill(ranks[2], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Wait(); err == nil {
		t.Error("mpirun says that all is well")
	}
	t.Logf("all ended %v after the kill", time.Since(began))
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("ended after %v", d)
	}
	for _, pid := range ranks {
		for running(pid) {
			if time.Since(began) > 5*time.Second {
				t.Fatalf("process %d is still there", pid)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	for n, at := range map[int]string{3: "resumed", 1: "again"} {
		copied := filepath.Join(dir, at)
		if err := os.Mkdir(copied, 0o777); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, "checkpoint.safetensors"), data, 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := mpirun(n, program, append(args, "-resume", "-out", copied)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	a, b := metricsOf(t, filepath.Join(dir, "resumed")), metricsOf(t, filepath.Join(dir, "again"))
	if a["bits"] != b["bits"] || a["steps"] != 300 {
		t.Errorf("resumed on 3 ranks %v, on 1 %v", a, b)
	}
}

// running reports whether there is such a process which is not a zombie.
func running(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(data), ") ")
	return !strings.HasPrefix(state, "Z")
}

// children returns the processes that a process has started.
func children(t *testing.T, pid int) (all []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		data, _ := os.ReadFile(task)
		for _, f := range strings.Fields(string(data)) {
			n, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, n)
		}
	}
	return all
}

// A wrong call is reported once, whatever the number of ranks.
func oneError(t *testing.T, program string) {
	out, err := mpirun(3, program, "-steps", "5", "-blocks", "2", "-trajectories", "8", "-out", t.TempDir()).CombinedOutput()
	if err == nil || strings.Count(string(out), "Blocks is 2 for 3 ranks") != 1 {
		t.Errorf("%v\n%s", err, out)
	}
}
