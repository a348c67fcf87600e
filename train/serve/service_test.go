package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/serve"
	"github.com/neuralode/neuralode/train/table"
)

// spring is an ensemble for a damped spring, of numbers or of dates, hardly trained.
var spring, dated, driven = sync.OnceValue(func() *forecast.Model { return small(false, nil) }),
	sync.OnceValue(func() *forecast.Model { return small(true, nil) }), sync.OnceValue(func() *forecast.Model { return small(false, []string{"u"}) })

func small(dates bool, controls []string) *forecast.Model {
	var b strings.Builder
	b.WriteString("t,x,v,u\n")
	for i := range 30 {
		t := 0.2 * float64(i)
		when := fmt.Sprint(t)
		if dates {
			when = time.Date(2024, 1, 1+i, 0, 0, 0, 0, time.UTC).Format("2006-01-02")
		}
		d := math.Exp(-0.1 * t)
		fmt.Fprintf(&b, "%s,%g,%g,%g\n", when, d*math.Cos(t), -d*(math.Sin(t)+0.1*math.Cos(t)), math.Sin(3*t))
	}
	states := []string{"x", "v"}
	t, err := table.Read(strings.NewReader(b.String()), table.Options{Time: "t", States: append(states, controls...)})
	if err == nil {
		var m *forecast.Model
		if m, err = forecast.Fit(context.Background(), t, forecast.Options{Hidden: []int{4}, Decay: -1, Linear: forecast.Yes, Log: forecast.No, Steps: 5, Polish: 5, Ensemble: 3, Controls: controls}); err == nil {
			return m
		}
	}
	panic(err)
}

func service(t testing.TB, m *forecast.Model, opt serve.ServiceOptions) *serve.Service {
	t.Helper()
	s, err := serve.NewService(m, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(t testing.TB, h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

// 100 clients at a time get what Predict says, bit for bit, over a network.
func TestServiceManyClients(t *testing.T) {
	m := spring()
	server := httptest.NewServer(service(t, m, serve.ServiceOptions{Timeout: time.Minute}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	defer client.CloseIdleConnections()
	var group sync.WaitGroup
	for c := range 100 {
		group.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(c)))
			for range 4 {
				x, v, times := r.Float64(), r.Float64(), []float64{0, r.Float64(), 1 + r.Float64(), 3}
				want, err := m.Predict(context.Background(), forecast.Query{Times: times, From: []float64{x, v}})
				if err != nil {
					t.Error(err)
					return
				}
				body, err := json.Marshal(map[string]any{"times": times, "from": map[string]float64{"x": x, "v": v}})
				if err != nil {
					t.Error(err)
					return
				}
				response, err := client.Post(server.URL+"/predict", "application/json", bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				var got serve.Answer
				err = json.NewDecoder(response.Body).Decode(&got)
				response.Body.Close()
				if err != nil || response.StatusCode != 200 || len(got.Times) != 4 {
					t.Errorf("%d, %v: %+v", response.StatusCode, err, got)
					return
				}
				for i := range times {
					for j, name := range []string{"x", "v"} {
						at := 2*i + j
						if got.States[name][i] != want.Values[at] || got.Low[name][i] != want.Low[at] || got.High[name][i] != want.High[at] {
							t.Errorf("%s at %v: %v (%v to %v), Predict says %v (%v to %v)", name, times[i],
								got.States[name][i], got.Low[name][i], got.High[name][i], want.Values[at], want.Low[at], want.High[at])
						}
					}
				}
			}
		})
	}
	group.Wait()
	if text := ask(t, server.Config.Handler, "GET", "/metrics", "").Body.String(); !strings.Contains(text, "neuralode_requests_total{path=\"/predict\",code=\"200\"} 400\n") ||
		!strings.Contains(text, "neuralode_request_seconds_count{path=\"/predict\"} 400\n") || !strings.Contains(text, "le=\"+Inf\"} 400\n") {
		t.Errorf("metrics:\n%s", text)
	}
}

func answer(t *testing.T, s *serve.Service, body string) serve.Answer {
	t.Helper()
	w := ask(t, s, "POST", "/predict", body)
	var a serve.Answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 {
		t.Fatalf("%s: %d %s (%v)", body, w.Code, w.Body, err)
	}
	return a
}

func TestServiceTimes(t *testing.T) {
	s := service(t, spring(), serve.ServiceOptions{})
	end := spring().Trajectories[0].End // 5.8
	for body, want := range map[string][]float64{
		`{"until": 7, "every": 0.5}`: {end, end + 0.5, end + 1, 7},
		`{"from": {"x": 1, "v": 0}, "from_time": 2, "until": 1, "every": 0.25}`: {2, 1.75, 1.5, 1.25, 1},
		`{"from": {"x": 1, "v": 0}, "until": 0.5, "every": 0.5}`:                {0, 0.5},
		`{"from": {"x": 1, "v": 0}, "from_time": 1, "times": [3]}`:              {3},
	} {
		got := answer(t, s, body).Times
		if !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
			t.Errorf("%s: times %v, want %v", body, got, want)
		}
	}
	if got := answer(t, s, `{"until": 7}`).Times; len(got) != 101 {
		t.Errorf("%d times by default, want 101", len(got))
	}
	// Dates are days since the first one.
	d := service(t, dated(), serve.ServiceOptions{})
	a := answer(t, d, `{"times": ["2024-01-31T00:00:00Z", 31]}`)
	if a.Times[0] != 30 || a.Dates[1].Format(time.DateOnly) != "2024-02-01" {
		t.Errorf("%v, %v; want 30 days and 31, which is the first of February", a.Times, a.Dates)
	}
}

// Inputs are taken by name.
func TestServiceControls(t *testing.T) {
	s := service(t, driven(), serve.ServiceOptions{})
	want, err := driven().Predict(context.Background(), forecast.Query{Times: []float64{0, 1}, From: []float64{1, 0}, Controls: trainControls([]float64{0, 0.5}, []float64{2, -1})})
	if err != nil {
		t.Fatal(err)
	}
	if got := answer(t, s, `{"times": [0, 1], "from": {"x": 1, "v": 0}, "controls": {"u": [2, -1]}, "control_times": [0, 0.5]}`); got.States["x"][1] != want.Values[2] {
		t.Errorf("x %v, want %v", got.States["x"], want.Values[2])
	}
	one := answer(t, s, `{"times": [0, 1], "from": {"x": 1, "v": 0}, "controls": {"u": [2]}}`)
	two := answer(t, s, `{"times": [0, 1], "from": {"x": 1, "v": 0}, "controls": {"u": [2]}, "control_times": [-5]}`)
	if one.States["x"][1] != two.States["x"][1] {
		t.Errorf("a constant input without times leads to %v, with one to %v", one.States["x"], two.States["x"])
	}
}

func TestServiceRefuses(t *testing.T) {
	s := service(t, spring(), serve.ServiceOptions{MaxBytes: 300, MaxTimes: 5})
	from := `"from": {"x": 1, "v": 0}`
	for body, want := range map[string]int{
		``: 400, `{`: 400, `[]`: 400, `{} {}`: 400, `{}`: 400, `{"time": [1]}`: 400, `{"times": []}`: 400, `{"times": [6, 7, 6]}`: 400, `{"times": [1]}`: 400,
		`{"times": [1,2,3,4,5,6], ` + from + `}`: 400, `{"until": 100, "every": 1e-9}`: 400, `{"until": 1e308, "every": 1e-300}`: 400, `{"until": 7, "every": -1}`: 400, `{"every": 1, "times": [7]}`: 400,
		`{"until": 7, "times": [7]}`: 400, `{"times": [1], "from": {"x": 1}}`: 400, `{"times": [1], "from": {"x": 1, "v": 0, "w": 0}}`: 400, `{"times": [1], "from": {"x": 1, "w": 0}}`: 400,
		`{"times": [7], "trajectory": "nobody"}`: 400, `{"times": [7], "from_time": 6}`: 400, `{"times": ["2024-01-01T00:00:00Z"], ` + from + `}`: 400, `{"times": ["yesterday"]}`: 400,
		`{"times": [0, 1], ` + from + `, "controls": {"u": [1]}}`: 400, `{"times": [0, 1], ` + from + `, "control_times": [1]}`: 400, `{"times": [0, 1e999], ` + from + `}`: 400,
		`{"times": [0, 1], "from": {"x": 1e300, "v": 1e300}}`: 422, `{"times": [` + strings.Repeat("1,", 200) + `1]}`: 413,
	} {
		w := ask(t, s, "POST", "/predict", body)
		var failure struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &failure); w.Code != want || err != nil || failure.Error == "" {
			t.Errorf("%s: %d %s, want %d", body, w.Code, w.Body, want)
		}
	}
	for path, want := range map[string]int{"GET /predict": 405, "POST /health": 405, "GET /nothing": 404, "GET /": 200, "HEAD /": 200} {
		method, path, _ := strings.Cut(path, " ")
		if w := ask(t, s, method, path, ""); w.Code != want {
			t.Errorf("%s %s: %d, want %d", method, path, w.Code, want)
		}
	}
	if _, err := serve.NewService(spring(), serve.ServiceOptions{MaxTimes: -1}); err == nil {
		t.Error("negative limits were accepted")
	}
}

// A full house sends away who comes, and those whose time is up.
func TestServiceBusy(t *testing.T) {
	s := service(t, spring(), serve.ServiceOptions{Timeout: time.Nanosecond})
	w := ask(t, s, "POST", "/predict", `{"until": 100}`)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s, want 503 with Retry-After", w.Code, w.Body)
	}
	// One prediction at a time and nobody may wait: of many long ones some are turned away, and none is wrong.
	s = service(t, spring(), serve.ServiceOptions{Concurrent: 1, Waiting: 1, Timeout: time.Minute})
	codes := make([]int, 30)
	var group sync.WaitGroup
	for i := range codes {
		group.Go(func() { codes[i] = ask(t, s, "POST", "/predict", `{"until": 500, "every": 0.1}`).Code })
	}
	group.Wait()
	if !slices.Contains(codes, 200) || !slices.Contains(codes, 503) || slices.ContainsFunc(codes, func(c int) bool { return c != 200 && c != 503 }) {
		t.Errorf("codes %v, want some 200 and some 503", codes)
	}
}

func TestServiceHealth(t *testing.T) {
	s := service(t, spring(), serve.ServiceOptions{})
	if w := ask(t, s, "GET", "/health", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s.Drain()
	if w := ask(t, s, "GET", "/health", ""); w.Code != 503 {
		t.Errorf("after Drain: %d %s", w.Code, w.Body)
	}
	if w := ask(t, s, "POST", "/predict", `{"until": 6}`); w.Code != 200 {
		t.Errorf("after Drain: %d %s", w.Code, w.Body)
	}
}

// The description names the columns; every reference in it leads somewhere.
func TestServiceOpenAPI(t *testing.T) {
	for _, m := range []*forecast.Model{spring(), driven()} {
		w := ask(t, service(t, m, serve.ServiceOptions{}), "GET", "/openapi.json", "")
		var api map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &api); err != nil || api["openapi"] != "3.1.0" {
			t.Fatalf("%s (%v)", w.Body, err)
		}
		schemas := api["components"].(map[string]any)["schemas"].(map[string]any)
		for _, part := range strings.Split(w.Body.String(), `"#/components/schemas/`)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			if schemas[name] == nil {
				t.Errorf("there is no schema %q", name)
			}
		}
		properties := schemas["Request"].(map[string]any)["properties"].(map[string]any)
		if from := properties["from"].(map[string]any)["properties"].(map[string]any); from["x"] == nil || from["v"] == nil {
			t.Errorf("from has %v", from)
		}
		if (properties["controls"] != nil) != (len(m.Controls) > 0) {
			t.Errorf("controls: %v", properties["controls"])
		}
		var about struct {
			States []string
			Ranges map[string][]float64
		}
		w = ask(t, service(t, m, serve.ServiceOptions{}), "GET", "/model", "")
		if err := json.Unmarshal(w.Body.Bytes(), &about); err != nil || len(about.States) != 2 || about.Ranges["x"][1] != 1 {
			t.Errorf("%s (%v)", w.Body, err)
		}
	}
}

// Whatever is sent is answered, by JSON, and a good answer is finite and as long as was asked.
func FuzzServiceBody(f *testing.F) {
	for _, body := range []string{
		`{"until": 7}`, `{"times": [6, 7]}`, `{"times": [0, 1], "from": {"x": 1, "v": 0}}`, `{"until": 7, "every": 0.3}`, `{"times": ["2024-01-31T00:00:00Z"]}`,
		`{"from_time": 1, "from": {"x": 1, "v": 0}, "until": -3}`, `{"times": [0, 1], "from": {"x": 1, "v": 0}, "controls": {"u": [2, -1]}, "control_times": [0, 0.5]}`,
		`{"times": [1e308, -1e308]}`, `{"until": null}`, `{"from": {"x": 1e300, "v": -1e300}, "until": 1e9}`, `[[[[[[`, "\xff",
	} {
		f.Add(body)
	}
	opt := serve.ServiceOptions{MaxTimes: 20, MaxBytes: 1000, Timeout: 20 * time.Millisecond}
	services := []*serve.Service{service(f, spring(), opt), service(f, dated(), opt), service(f, driven(), opt)}
	f.Fuzz(func(t *testing.T, body string) {
		for _, s := range services {
			w := ask(t, s, "POST", "/predict", body)
			if !slices.Contains([]int{200, 400, 413, 422, 503}, w.Code) || w.Header().Get("Content-Type") != "application/json" {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			var a struct {
				serve.Answer
				Error string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || (w.Code == 200) == (a.Error != "") {
				t.Fatalf("%d %s (%v)", w.Code, w.Body, err)
			}
			if w.Code == 200 && (len(a.Times) == 0 || len(a.Times) > 20 || len(a.States["x"]) != len(a.Times)) {
				t.Fatalf("%s", w.Body)
			}
		}
	})
}

// BenchmarkService is 100 clients on loopback that ask as fast as they are answered, for 100 states each time of a
// model of three members.
func BenchmarkService(b *testing.B) {
	server := httptest.NewServer(service(b, spring(), serve.ServiceOptions{Timeout: time.Minute}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	defer client.CloseIdleConnections()
	const clients = 100
	times := make([][]time.Duration, clients)
	b.ResetTimer()
	var group sync.WaitGroup
	failed := make(chan error, clients)
	for c := range clients {
		group.Go(func() {
			for i := c; i < b.N; i += clients {
				began := time.Now()
				response, err := client.Post(server.URL+"/predict", "application/json", strings.NewReader(`{"until": 10, "every": 0.0424}`))
				if err == nil {
					var a serve.Answer
					err = json.NewDecoder(response.Body).Decode(&a)
					response.Body.Close()
					if err == nil && len(a.Times) != 101 {
						err = errors.New(response.Status)
					}
				}
				if err != nil {
					failed <- err
					return
				}
				times[c] = append(times[c], time.Since(began))
			}
		})
	}
	group.Wait()
	b.StopTimer()
	close(failed)
	for err := range failed {
		b.Fatal(err)
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[min(len(all)-1, len(all)*99/100)].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "requests/s")
}

func trainControls(times, values []float64) (u train.Controls[float64]) {
	u.Times, u.Values = times, values
	return u
}

// BenchmarkServiceAlone is one client.
func BenchmarkServiceAlone(b *testing.B) {
	s := service(b, spring(), serve.ServiceOptions{})
	for b.Loop() {
		if w := ask(b, s, "POST", "/predict", `{"until": 10, "every": 0.0424}`); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
