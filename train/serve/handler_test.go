package serve_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/serve"
)

func Example() {
	model, err := train.New[float64](layers.Scale{Of: layers.Identity, By: -1}, train.Config{Shape: []int{1}})
	if err != nil {
		panic(err)
	}
	answer := httptest.NewRecorder()
	serve.Handler(model, serve.Options{}).ServeHTTP(answer, httptest.NewRequest("POST", "/", strings.NewReader(`{"start": [0, 0], "times": [0, 1]}`)))
	fmt.Println(answer.Code, answer.Body)
	// Output: 200 {"states":[0,0,0,0]}
}

func post(h http.Handler, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(body)))
	return w
}

// Right answers to many at a time.
func TestHandler(t *testing.T) {
	t.Run("float64", testHandler[float64])
	t.Run("float32", testHandler[float32])
}

func testHandler[T train.Float](t *testing.T) {
	model, err := train.New[T](layers.MLP{In: 2, Out: 2, WeightInit: layers.Zeros(), BiasInit: layers.Constant(2)}, train.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := serve.Handler(model, serve.Options{MaxSamples: 3, MaxTimes: 4, MaxBytes: 200}) // dy/dt = 2
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			w := post(h, `{"start": [1, 0, 5, 6], "times": [0, 1]}`)
			var got struct{ States []float64 }
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.States) != 8 || math.Abs(got.States[6]-7) > 1e-5 {
				t.Errorf("%v (%v)", got, err)
			}
		})
	}
	group.Wait()
	for body, want := range map[string]int{
		`{`: 400, `{"start": [1], "times": [0, 1]}`: 400, `{"start": [1, 2], "times": [0, 1, 0]}`: 400, `{"start": [], "times": []}`: 400,
		`{"start": [1, 2], "times": []}`: 400, `{"start": [1,2,3,4,5,6,7,8], "times": [0, 1]}`: 400, `{"start": [1, 2], "times": [0,1,2,3,4]}`: 400,
		`{"start": [1, 2], "times": [0, 1], "controls": [{"times": [0], "values": [1]}]}`: 400,
		`{"start": [` + strings.Repeat("1,", 100) + `1]}`:                                 413,
	} {
		if w := post(h, body); w.Code != want || w.Body.Len() == 0 {
			t.Errorf("%s: %d %s, want %d", body, w.Code, w.Body, want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d", w.Code)
	}
}

// dy/dt = y² from 1 has no solution beyond t = 1, and a request may not take for ever.
func TestNoPrediction(t *testing.T) {
	square := layers.Func(func(y *G.Node) (*G.Node, error) { return G.Square(y) })
	model, err := train.New[float64](square, train.Config{Shape: []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	if w := post(serve.Handler(model, serve.Options{}), `{"start": [1], "times": [0, 2]}`); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("%d %s, want 422", w.Code, w.Body)
	}
	if w := post(serve.Handler(model, serve.Options{Timeout: time.Nanosecond}), `{"start": [1], "times": [0, 2]}`); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s, want 503", w.Code, w.Body)
	}
}

func TestControls(t *testing.T) {
	model, err := train.New[float64](layers.AppendInput{Of: layers.Linear{In: 2, Out: 1, NoBias: true}, Channels: 1},
		train.Config{Shape: []int{1}, Input: &train.InputConfig{Channels: 1}})
	if err != nil {
		t.Fatal(err)
	}
	model.SetParams([]float64{0, 1}) // dy/dt = u
	w := post(serve.Handler(model, serve.Options{}), `{"start": [1], "times": [0, 2], "controls": [{"times": [0, 1], "values": [3, 4]}]}`)
	var got struct{ States []float64 }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.States) != 2 || math.Abs(got.States[1]-8) > 1e-12 {
		t.Errorf("%s (%v), want 1 and 8", w.Body, err)
	}
}
