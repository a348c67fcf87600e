package sweep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestGrid(t *testing.T) {
	g, err := ParseGrid(" rate=0.1,0.01  seed=3..5 ")
	if err != nil || g.Len() != 6 || g.Job(0).String() != "rate=0.1 seed=3" || g.Job(4).String() != "rate=0.01 seed=4" || g.Job(5).Get("seed") != "5" {
		t.Errorf("%v, %v", g, err)
	}
	if g, err := ParseGrid("hidden=16|32,32|2..3"); err != nil || g.Len() != 4 || g.Job(1).String() != "hidden=32,32" {
		t.Errorf("bars: %v, %v", g, err)
	}
	for _, bad := range []string{"", "rate", "a=1||2", "rate=", "=1", "a=1,,2", "a=2..1", "a=1..x", "a=1 a=2", "a=1,1", "a=1..9999 b=1..9999", "a=0..99999999999", "a=-9223372036854775808..9223372036854775807"} {
		if _, err := ParseGrid(bad); !errors.Is(err, ErrUsage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestParseJob(t *testing.T) {
	j := Job{{"rate", "0.1"}, {"known", "x=y"}}
	if got, err := ParseJob(j.String()); err != nil || got.String() != j.String() || got.Get("known") != "x=y" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"rate", "=1", "rate="} {
		if _, err := ParseJob(bad); !errors.Is(err, ErrUsage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Of two results for a job, the one without an error counts, and of two of those the first.
func TestTabulate(t *testing.T) {
	g := Grid{{"a", []string{"1", "2", "3"}}}
	m := Tabulate(g, []Result{
		{Job: "a=1", Error: "no"}, {Job: "a=1", Numbers: map[string]float64{"loss": 1}}, {Job: "a=1", Numbers: map[string]float64{"loss": 2}},
		{Job: "a=3", Error: "no"}, {Job: "b=7", Numbers: map[string]float64{"other": 1}},
	})
	if m.Missing != 1 || m.Failed != 1 || len(m.Numbers) != 1 || m.Rows[0][0] != 1 || !math.IsNaN(m.Rows[2][0]) {
		t.Errorf("%+v", m)
	}
}

func TestShardOf(t *testing.T) {
	for _, c := range []struct {
		flag, env string
		want      Shard
	}{
		{"", "", Shard{0, 1}},
		{"2/5", "SLURM_ARRAY_TASK_ID=1", Shard{2, 5}},
		{"", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=10 SLURM_ARRAY_TASK_MIN=1", Shard{6, 10}},
		{"", "JOB_COMPLETION_INDEX=3 JOB_COMPLETIONS=4", Shard{3, 4}},
		{"", "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2", Shard{0, 2}},
		{"", "PMI_RANK=2 PMI_SIZE=3", Shard{2, 3}},
		{"5/5", "", Shard{}}, {"-1/5", "", Shard{}}, {"1", "", Shard{}}, {"a/b", "", Shard{}},
		{"", "JOB_COMPLETION_INDEX=3", Shard{}},
		{"", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1", Shard{}},
	} {
		env := map[string]string{}
		for _, f := range strings.Fields(c.env) {
			k, v, _ := strings.Cut(f, "=")
			env[k] = v
		}
		got, err := ShardOf(c.flag, func(k string) string { return env[k] })
		if got != c.want || (c.want == Shard{}) != errors.Is(err, ErrUsage) {
			t.Errorf("%q, %q: %v, %v", c.flag, c.env, got, err)
		}
	}
}

// A sweep whose processes are stopped after every few jobs, one in the middle of a line, and whose
// number of shards changes, does each job that succeeds once.
func TestRunResumes(t *testing.T) {
	g, err := ParseGrid("a=1..10 b=1,2,3")
	if err != nil {
		t.Fatal(err)
	}
	dir, count, fail := t.TempDir(), map[string]int{}, true
	run := func(s Shard, limit int) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		return Run(ctx, dir, g, s, func(_ context.Context, j Job) (map[string]float64, error) {
			if limit--; limit < 0 {
				cancel()
				return nil, nil
			}
			a, _ := strconv.ParseFloat(j.Get("a"), 64)
			b, _ := strconv.ParseFloat(j.Get("b"), 64)
			if a == 4 && b == 2 && fail {
				return nil, errors.New("diverged")
			}
			count[j.String()]++
			return map[string]float64{"loss": 1 / (a * b)}, nil
		})
	}
	if err := run(Shard{0, 3}, 4); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	torn := filepath.Join(dir, "shard-0-of-3.jsonl")
	data, err := os.ReadFile(torn)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(torn, append(data, `{"job":"a=9 b=1","numbers":{"lo`...), 0o666); err != nil {
		t.Fatal(err)
	}
	part, err := Merge(dir, g)
	if err != nil || part.Missing != 26 {
		t.Errorf("%+v, %v", part, err)
	}
	if err := run(Shard{0, 3}, 100); err != nil {
		t.Error(err)
	}
	for i := range 2 {
		if err := run(Shard{i, 2}, 100); (err == nil) != (i == 1) && (err == nil) != (i == 0) {
			t.Error(err)
		}
	}
	if m, err := Merge(dir, g); err != nil || m.Missing != 0 || m.Failed != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	fail = false
	for range 2 {
		if err := run(Shard{0, 1}, 100); err != nil {
			t.Error(err)
		}
	}
	for job, n := range count {
		if n != 1 {
			t.Errorf("%s was done %d times", job, n)
		}
	}
	m, err := Merge(dir, g)
	if err != nil || len(count) != 30 || m.Missing+m.Failed != 0 || len(m.Rows) != 30 || math.Abs(m.Rows[29][0]-1./30) > 1e-15 {
		t.Errorf("%d jobs, %+v, %v", len(count), m, err)
	}
	path := filepath.Join(dir, "table.csv")
	if err := m.WriteCSV(path); err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(path)
	if lines := strings.Split(string(table), "\n"); err != nil || len(lines) != 32 || lines[0] != "a,b,loss,seconds" || !strings.HasPrefix(lines[2], "1,2,0.5,") {
		t.Errorf("%s, %v", table, err)
	}
	if err := m.Draw(filepath.Join(dir, "loss.png"), "loss", "a"); err != nil {
		t.Error(err)
	}
	if err := m.Draw(filepath.Join(dir, "no.png"), "loss", "c"); !errors.Is(err, ErrFigure) {
		t.Error(err)
	}
	if err := os.WriteFile(torn, []byte("{}}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Merge(dir, g); err == nil || !strings.Contains(err.Error(), "shard-0-of-3.jsonl:1") {
		t.Errorf("a broken file: %v", err)
	}
}

func ExampleGrid() {
	g, err := ParseGrid("rate=0.1,0.01 seed=1..2")
	if err != nil {
		panic(err)
	}
	for i := range g.Len() {
		fmt.Println(g.Job(i))
	}
	// Output:
	// rate=0.1 seed=1
	// rate=0.1 seed=2
	// rate=0.01 seed=1
	// rate=0.01 seed=2
}
