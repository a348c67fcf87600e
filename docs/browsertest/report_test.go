package browsertest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/neuralode/neuralode/train/report"
)

// The report of the pelts, opened from its file: every series is drawn, within its frame, and nothing comes
// from elsewhere.
func TestReport(t *testing.T) {
	ctx := browser(t, 1120, 900)
	path := filepath.Join(t.TempDir(), "report.html")
	if err := report.WriteFile(t.Context(), path, lynx(t)); err != nil {
		t.Fatal(err)
	}
	run(t, ctx, chromedp.Navigate("file://"+path))
	for selector, want := range map[string]int{
		"#fit svg.chart": 2, "#fit .band[d]": 2, "#fit path.fit": 4, "#fit .points.data": 4, // half of them in the legends
		"#errors tr": 5, "#errors .bar": 4, "#errors .bar.own": 1, "#phase .arrow": 1, "#phase .points.data": 2,
		"#residuals svg.chart": 4, "#training path.line": 3, "#dynamics svg.chart": 2, "#dynamics path.line": 3, "#parameters tr": 5,
	} {
		if n := value[int](t, ctx, `document.querySelectorAll("`+selector+`").length`); n != want {
			t.Errorf("%d of %q, want %d", n, selector, want)
		}
	}
	// Each drawn path has an extent: it is not empty and not a point.
	if n := value[int](t, ctx, `[...document.querySelectorAll("path.line:not(.stem), path.band")].filter((p) => { const b = p.getBBox(); return !(b.width + b.height > 3); }).length`); n != 0 {
		t.Errorf("%d series are drawn as nothing", n)
	}
	if n := value[int](t, ctx, `performance.getEntriesByType("resource").length`); n != 0 {
		t.Errorf("%d files were loaded besides", n)
	}
	shoot(t, ctx, "report")
	if w := value[int](t, ctx, `document.documentElement.scrollWidth`); w > 1120 {
		t.Errorf("the page is %d pixels wide, the window 1120", w)
	}
	if dir := os.Getenv("SHOTS"); dir != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "report.html"), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
