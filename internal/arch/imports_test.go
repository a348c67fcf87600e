package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/neuralode/neuralode/"

// room says what a folder's non-test files may import. A folder is judged by
// the longest entry that is its own path or a parent of it.
type room struct {
	path     string
	gorgonia bool     // gorgonia.org/… allowed
	imports  []string // folders of this module, each with everything below it
}

var picture = []room{
	{path: "internal/arch"},
	{path: "internal/vec"},
	{path: "internal/butcher"},
	{path: "internal/lu"},
	{path: "internal/odetest", imports: []string{"odeint"}},
	{path: "internal/gradtest"},
	{path: "internal/gorgoniatest", gorgonia: true},
	{path: "internal/nodes", gorgonia: true},
	{path: "graph", gorgonia: true, imports: []string{"internal/vec", "internal/nodes"}},
	{path: "layers", gorgonia: true, imports: []string{"internal/nodes"}},
	{path: "layers/formula", gorgonia: true, imports: []string{"layers"}},
	{path: "hnn", gorgonia: true, imports: []string{"graph", "internal/nodes"}},
	{path: "odeint", imports: []string{"internal/vec", "internal/butcher", "internal/lu"}},
	{path: "odeint/collocation"},
	{path: "odeint/control"},
	{path: "odeint/odelayer", gorgonia: true, imports: []string{"odeint", "adjoint", "graph", "layers", "internal/nodes"}},
	{path: "adjoint", imports: []string{"odeint", "internal/vec", "internal/butcher", "internal/lu"}},
	{path: "train/modelfile"},
	{path: "train/serve", imports: []string{"train", "odeint"}},
	{path: "train", imports: []string{"graph", "layers", "odeint", "odeint/control", "adjoint", "train/modelfile", "train/table", "train/dist"}},
	{path: "train/table"},
	{path: "train/export", imports: []string{"graph", "odeint", "train", "internal/wire"}},
	{path: "train/tensorboard", imports: []string{"train", "internal/wire"}},
	{path: "internal/wire"},
	{path: "train/dist"},
	{path: "train/sweep", imports: []string{"train/figure", "train/modelfile"}},
	{path: "train/sweep/queue", imports: []string{"train/sweep"}},
	{path: "train/dist/mpi", imports: []string{"train/dist"}},
	{path: "train/forecast", imports: []string{"graph", "layers", "hnn", "odeint", "adjoint", "train", "train/modelfile", "train/table", "train/dist"}},
	{path: "train/forecast/cli", imports: []string{"layers/formula", "odeint", "train"}},
	{path: "train/figure", imports: []string{"train/modelfile"}},
	{path: "train/experiment", imports: []string{"odeint", "adjoint", "layers", "train"}},
	{path: "cmd/neuralode", gorgonia: true, imports: []string{"graph", "layers", "hnn", "odeint", "adjoint", "train"}},
	{path: "train/report", imports: []string{"train", "odeint"}},
	{path: "docs"},
	{path: "docs/gallery", imports: []string{"train"}},
	{path: "docs/demo", imports: []string{"graph", "layers", "hnn", "odeint", "train", "docs/demo"}},
	{path: "docs/browsertest", imports: []string{"train"}},
	{path: "examples", gorgonia: true, imports: []string{"graph", "layers", "hnn", "odeint", "adjoint", "train", "examples/internal"}},
}

func TestImportPicture(t *testing.T) {
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel == "." {
				return nil
			}
			if base := d.Name(); base[0] == '.' || base[0] == '_' || base == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		r, ok := roomOf(dir)
		if !ok {
			t.Errorf("%s: the import picture has no entry for folder %s", rel, dir)
			return nil
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if !r.allows(dir, imp) {
				t.Errorf("%s imports %s, which the import picture does not allow to %s", rel, imp, r.path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files were read", files)
	}
}

func roomOf(dir string) (best room, ok bool) {
	for _, r := range picture {
		if within(dir, r.path) && len(r.path) > len(best.path) {
			best, ok = r, true
		}
	}
	return best, ok
}

func (r room) allows(dir, imp string) bool {
	if strings.HasPrefix(imp, "gorgonia.org/") || strings.HasPrefix(imp, "github.com/chewxy/") {
		return r.gorgonia
	}
	sub, ours := strings.CutPrefix(imp, module)
	if !ours || sub == dir {
		return true
	}
	return slices.ContainsFunc(r.imports, func(p string) bool { return within(sub, p) }) &&
		!(r.path != "examples" && within(sub, "odeint/odelayer"))
}

func within(dir, parent string) bool { return dir == parent || strings.HasPrefix(dir, parent+"/") }

func TestImportPictureForbids(t *testing.T) {
	for _, c := range []struct {
		dir, imp string
		want     bool
	}{
		{"odeint", "gorgonia.org/gorgonia", false},
		{"odeint", module + "adjoint", false},
		{"odeint", module + "internal/vec", true},
		{"adjoint", module + "odeint", true},
		{"adjoint", module + "odeint/odelayer", false},
		{"graph", module + "layers", false},
		{"hnn", module + "graph", true},
		{"hnn", module + "layers", false},
		{"odeint/odelayer", module + "adjoint", true},
		{"layers", module + "graph", false},
	} {
		r, ok := roomOf(c.dir)
		if !ok {
			t.Fatalf("no room for %s", c.dir)
		}
		if got := r.allows(c.dir, c.imp); got != c.want {
			t.Errorf("%s imports %s: allowed %v, want %v", c.dir, c.imp, got, c.want)
		}
	}
}
