package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/neuralode/neuralode/train/sweep"
	"github.com/neuralode/neuralode/train/sweep/queue"
)

// Two workers run a shell script for every setting; one setting fails at first and is tried again.
func TestWorkers(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	dir := t.TempDir()
	table, broken := filepath.Join(dir, "table.csv"), filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	script := `a=${1#-a=}; out=${3#-out=}; test "$a" != 3 -o ! -e ` + broken + ` || exit 1; echo "{\"loss\": $a, \"words\": $#}" > $out/metrics.json`
	work := func() error {
		return run(context.Background(), []string{
			"-server", s.ClientURL(), "-name", "test", "-grid", "a=1..4 b=x,y", "-out", filepath.Join(dir, "runs"), "-table", table, "--", shell, "-c", script, "script",
		}, &bytes.Buffer{}, &bytes.Buffer{})
	}
	both := make(chan error)
	for range 2 {
		go func() { both <- work() }()
	}
	if a, b := <-both, <-both; a == nil && b == nil {
		t.Error("no worker tells of the failure")
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	if err := work(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(table)
	if lines := strings.Split(strings.TrimSpace(string(data)), "\n"); err != nil || len(lines) != 9 || lines[0] != "a,b,loss,words,seconds" || !strings.HasPrefix(lines[6], "3,y,3,3,") {
		t.Errorf("%s, %v", data, err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-grid", "a=1", "-name", "x"}, {"-name", "x", "--", "true"}, {"-nme"}} {
		if err := run(context.Background(), args, &bytes.Buffer{}, &bytes.Buffer{}); !errors.Is(err, queue.ErrUsage) && !errors.Is(err, sweep.ErrUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if err := run(context.Background(), []string{"-server", "nats://127.0.0.1:1", "-name", "x", "-grid", "a=1", "--", "true"}, &bytes.Buffer{}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("no server: %v", err)
	}
}
