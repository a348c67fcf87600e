package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/table"
)

// saved fits a model of a damped spring, hardly, and returns its file.
func saved(t *testing.T) string {
	t.Helper()
	tb, err := table.Read(strings.NewReader("t,x\n0,1\n1,0.6\n2,0.4\n3,0.25\n4,0.15\n5,0.1\n6,0.06\n7,0.04\n8,0.03\n9,0.02\n"), table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := forecast.Fit(context.Background(), tb, forecast.Options{Hidden: []int{}, Linear: forecast.Yes, Log: forecast.No, Steps: -1, Polish: 20, Ensemble: 2})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// The server says where it is, answers, and ends in peace after Ctrl-C.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"serve", "-addr", "127.0.0.1:0", saved(t)}, in, io.Discard)
	}()
	line := make([]byte, 1000)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	url := strings.Fields(string(line[:n]))[0]
	response, err := http.Post(url+"predict", "application/json", strings.NewReader(`{"times": [10, 20]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ States map[string][]float64 }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.States["x"]) != 2 {
		t.Errorf("%+v (%v)", answer, err)
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the server does not end")
	}
}

func TestServeRefuses(t *testing.T) {
	for _, args := range [][]string{{"serve"}, {"serve", "a", "b"}, {"serve", "/nowhere/model.safetensors"}, {"serve", "-addr", "nowhere", saved(t)}, {"serve", "-max-times", "-1", saved(t)}} {
		if err := run(context.Background(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}
