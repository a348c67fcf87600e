package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/train/experiment"
)

// fake stands for a command: its numbers are made of its flags -a and -b, and it fails where asked to.
type fake struct {
	calls []string
	fail  string
}

func (f *fake) run(_ context.Context, args []string, stdout, _ io.Writer) error {
	f.calls = append(f.calls, strings.Join(args, " "))
	set := map[string]string{}
	for _, a := range args[1:] {
		if name, value, ok := strings.Cut(a, "="); ok {
			set[name] = value
		}
	}
	if set["-a"] == f.fail {
		return errors.New("diverged")
	}
	fmt.Fprintln(stdout, "some text")
	a, _ := strconv.ParseFloat(set["-a"], 64)
	return os.WriteFile(filepath.Join(set["-out"], "metrics.json"), []byte(fmt.Sprintf(`{"loss": %g, "steps": 7}`, 1/a)), 0o666)
}

// callSweep runs the command with a fake one under it.
func callSweep(f *fake, args ...string) (stdout string, err error) {
	var out, errs bytes.Buffer
	err = sweepOf(f.run).call(context.Background(), args, &out, &errs)
	return out.String(), err
}

// A sweep in shards, one setting of which fails at first, is resumed and merged; nothing that is done is
// done again.
func TestSweep(t *testing.T) {
	for _, name := range []string{"SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "OMPI_COMM_WORLD_RANK", "PMI_RANK"} {
		t.Setenv(name, "")
	}
	dir := filepath.Join(t.TempDir(), "results")
	f := &fake{fail: "3"}
	sweep := func(shard string) error {
		_, err := callSweep(f, "-grid", "a=1..4 b=x|y,z", "-out", dir, "-shard", shard, "--", "version", "data.csv", "-quick")
		return err
	}
	if err := sweep("0/2"); err == nil || !strings.Contains(err.Error(), "1 jobs failed") {
		t.Errorf("shard 0: %v", err)
	}
	if want := "version -a=1 -b=x -out=" + filepath.Join(dir, "runs", "a=1+b=x") + " data.csv -quick"; f.calls[0] != want {
		t.Errorf("call %q, want %q", f.calls[0], want)
	}
	if err := sweep("1/2"); err == nil {
		t.Error("shard 1 does not tell of the failure")
	}
	out, err := callSweep(f, "merge", "-out", dir, "-json")
	var s summary
	if err == nil {
		err = json.Unmarshal([]byte(out), &s)
	}
	if err != nil || s.Jobs != 8 || s.Missing != 0 || s.Failed != 2 || s.Number != "loss" || len(s.Best) != 5 || s.Best[0].Job != "a=4 b=x" || s.Best[0].Value != 0.25 {
		t.Errorf("%+v, %v", s, err)
	}
	f.fail = ""
	before := len(f.calls)
	if err := sweep("0/1"); err != nil || len(f.calls) != before+2 {
		t.Errorf("%d calls more, want 2; %v", len(f.calls)-before, err)
	}
	out, err = callSweep(f, "-out", dir, "-number", "steps", "-against", "a", "merge")
	if err != nil || !strings.Contains(out, "8 settings, 0 without a result, 0 failed") || !strings.Contains(out, "smallest steps") {
		t.Errorf("%s, %v", out, err)
	}
	for _, file := range []string{"table.csv", "loss.png", "steps.png", "runs/a=3+b=y,z/log.txt"} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, c := range [][]string{
		{"-out", dir, "-grid", "a=1", "--", "version", "other.csv"}, // results of another command
		{"-out", dir + "2", "-grid", "a=1", "--", "verse"},
		{"-out", dir + "2", "-grid", "a=1", "--", "sweep"},
		{"-out", dir + "2", "-grid", "a=", "--", "version"},
		{"-out", dir + "2", "-grid", "a=1", "-shard", "2/2", "--", "version"},
		{"-out", dir + "2", "-grid", "a=1"},
		{"-out", dir + "2", "merge"},
		{"-out", dir, "merge", "more"},
		{"-out", dir, "merge", "-number", "accuracy"},
		{"-out", dir, "merge", "-against", "b"},
	} {
		if _, err := callSweep(f, c...); !errors.Is(err, experiment.ErrUsage) {
			t.Errorf("%q: %v", c, err)
		}
	}
}

// The part of the sweep comes from the batch system.
func TestSweepShardOfEnvironment(t *testing.T) {
	t.Setenv("SLURM_ARRAY_TASK_ID", "2")
	t.Setenv("SLURM_ARRAY_TASK_COUNT", "3")
	t.Setenv("SLURM_ARRAY_TASK_MIN", "1")
	f := &fake{}
	if _, err := callSweep(f, "-grid", "a=1..6", "-out", t.TempDir(), "--", "version"); err != nil || len(f.calls) != 2 || !strings.HasPrefix(f.calls[0], "version -a=2 ") {
		t.Errorf("%q, %v", f.calls, err)
	}
}

// A sweep of fits by the program itself.
func TestSweepOfFits(t *testing.T) {
	dir := t.TempDir()
	out, errs, code := call("sweep", "-grid", "hidden=3|4,4", "-shard", "0/1", "-out", dir, "--", "fit", "-epochs", "4", "-polish", "-1", "-decay", "0")
	if code != 0 || !strings.Contains(out, "2 settings, 0 without a result, 0 failed") {
		t.Fatalf("code %d: %s%s", code, out, errs)
	}
	table, err := os.ReadFile(filepath.Join(dir, "table.csv"))
	if err != nil || !strings.HasPrefix(string(table), "hidden,") || !strings.Contains(string(table), "rmse_forecast") || !strings.Contains(string(table), "\n\"4,4\",") {
		t.Errorf("%s, %v", table, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "runs", "hidden=4,4", "model.safetensors")); err != nil {
		t.Error(err)
	}
}
