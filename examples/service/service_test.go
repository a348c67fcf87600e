package main

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train"
)

func TestQuick(t *testing.T) {
	m := apptest.Run(t, program, []string{"oscillator.png"}, "-quick")
	// The states have variance 1 after scaling.
	if m["loss"] > 1e-4 {
		t.Errorf("metrics %v", m)
	}
}

// Right answers to many at a time, and the reason to whoever asks for what cannot be.
func TestHandler(t *testing.T) {
	model, err := train.New[float64](layers.MLP{In: 2, Out: 2, WeightInit: layers.Zeros(), BiasInit: layers.Constant(2)}, train.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler(model)) // dy/dt = 2
	defer server.Close()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			resp, err := http.Post(server.URL+"/predict", "application/json", strings.NewReader(`{"start": [1, 0, 5, 6], "times": [0, 1]}`))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			var got struct{ States []float64 }
			if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || len(got.States) != 8 || math.Abs(got.States[6]-7) > 1e-12 {
				t.Errorf("%v (%v)", got, err)
			}
		})
	}
	group.Wait()
	for _, bad := range []string{`{`, `{"start": [1], "times": [0, 1]}`, `{"start": [1, 2], "times": [0, 1, 0]}`, `{"start": [], "times": []}`, `{"start": [1, 2], "times": []}`} {
		resp, err := http.Post(server.URL+"/predict", "application/json", strings.NewReader(bad))
		if err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %v (%v)", bad, resp.Status, err)
		}
	}
}
