package main

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/train/sweep"
)

func TestQuick(t *testing.T) {
	m := apptest.Run(t, run, []string{"validation.png"}, "-quick")
	if m["jobs"] != 12 || m["missing"] != 0 || m["failed"] != 0 || m["steps"] != 12*20 {
		t.Errorf("metrics %v", m)
	}
}

// Two shards, and the table of both.
func TestShards(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-quick", "-grid", "rate=0.01,0.03 seed=1..2", "-out", dir}
	g, err := sweep.ParseGrid("rate=0.01,0.03 seed=1..2")
	if err != nil {
		t.Fatal(err)
	}
	for k, more := range [][]string{{"-shard", "0/2"}, {"-shard", "1/2"}, {"-merge"}} {
		if err := run(context.Background(), append(args, more...), io.Discard, io.Discard); err != nil {
			t.Fatal(err)
		}
		if table, err := sweep.Merge(dir, g); err != nil || table.Missing != max(0, 2-2*k) {
			t.Errorf("%v: %+v, %v", more, table, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := run(ctx, []string{"-quick", "-out", t.TempDir()}, io.Discard, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	for _, args := range [][]string{{"-grid", "rate=0"}, {"-grid", "depth=1"}, {"-grid", "rate"}, {"-shard", "2/2"}} {
		apptest.Refuse(t, run, args...)
	}
}
