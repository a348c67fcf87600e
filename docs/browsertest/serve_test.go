package browsertest

import (
	"context"
	"math"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/serve"
	"github.com/neuralode/neuralode/train/table"
)

// lynx is a model of the lynx and hare pelts, quickly trained: an ensemble, so that there are bands.
func lynx(t *testing.T) *forecast.Model {
	t.Helper()
	tb, err := table.ReadFile(filepath.Join(root(t), "train", "forecast", "cli", "lynx_hare.csv"), table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := forecast.Fit(context.Background(), tb, forecast.Options{Hidden: []int{16}, Decay: 0.002, Log: forecast.Yes, Linear: forecast.No, Steps: 300, Polish: 50, Ensemble: 3})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A person moves a slider and sees other trajectories.
func TestServePage(t *testing.T) {
	ctx := browser(t, 1280, 800)
	s, err := serve.NewService(lynx(t), serve.ServiceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	defer server.Close()
	run(t, ctx, chromedp.Navigate(server.URL))
	until(t, ctx, `demo.answers > 0`)
	if n := value[int](t, ctx, `document.querySelectorAll("svg").length`); n != 3 {
		t.Errorf("%d plots, want hare, lynx and one against the other", n)
	}
	if n := value[int](t, ctx, `document.querySelectorAll("path.band").length`); n != 2 {
		t.Errorf("%d bands, want 2", n)
	}
	if n := value[int](t, ctx, `document.querySelectorAll("svg:first-of-type circle").length`); n != 63 {
		t.Errorf("%d points, want 21 years in each of 3 plots", n)
	}
	before := value[string](t, ctx, `document.querySelector("path.fit").getAttribute("d")`)
	run(t, ctx, chromedp.Evaluate(`{ const k = $("knob-hare"); k.value = 60; k.dispatchEvent(new Event("input")); }`, nil))
	until(t, ctx, `demo.answers > 1 && !busy`)
	if after := value[string](t, ctx, `document.querySelector("path.fit").getAttribute("d")`); after == before {
		t.Error("the slider moves nothing")
	}
	if got := value[float64](t, ctx, `demo.last.states.hare[0]`); math.Abs(got-60) > 1 {
		t.Errorf("the forecast begins at %v hares, the slider says 60", got)
	}
	shoot(t, ctx, "serve")
	run(t, ctx, chromedp.EmulateViewport(390, 844))
	if w := value[int](t, ctx, `document.documentElement.scrollWidth`); w > 390 {
		t.Errorf("the page is %d pixels wide, the screen 390", w)
	}
}
