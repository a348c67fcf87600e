package modelfile

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var kills = flag.Int("kills", 25, "how often TestKilledWhileSaving kills its child")

const crashVariable = "MODELFILE_CRASH_TEST"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		saveForever(path)
	}
	os.Exit(m.Run())
}

// version is a model all of whose numbers say which version it is.
func version(n int) *File {
	data := make([]float64, 20000)
	for i := range data {
		data[i] = float64(n)
	}
	return &File{Kind: "crash", Description: json.RawMessage(fmt.Sprint(n)), Tensors: []Tensor{New("w", []int{len(data)}, data)}}
}

// versionAt reads the version at path and checks that it is whole; 0 if there is none.
func versionAt(path string) (int, error) {
	f, err := Read(path)
	if os.IsNotExist(unwrapped(err)) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var n int
	if err := f.Decode(&n); err != nil {
		return 0, err
	}
	if !equal(f, version(n)) {
		return 0, fmt.Errorf("version %d is mixed with another", n)
	}
	return n, nil
}

func unwrapped(err error) error {
	if e, ok := err.(*Error); ok {
		return e.Err
	}
	return err
}

// saveForever goes on from the version at path and saves one after the other. It says
// so after each, because what was said to be saved must not be lost.
func saveForever(path string) {
	n, err := versionAt(path)
	for ; err == nil; fmt.Println(n) {
		n++
		err = Write(path, version(n))
	}
	fmt.Println(err)
	os.Exit(1)
}

// A process that is killed at random while it saves, and started again, loses nothing.
// The long run is go test ./train/modelfile -run Killed -kills 1000.
func TestKilledWhileSaving(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	rng := rand.New(rand.NewPCG(1, 2))
	last := 0
	for range *kills {
		child := exec.Command(self)
		child.Env = append(os.Environ(), crashVariable+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Skip(err)
		}
		// The delay counts from the first save, so that kills fall into saves.
		lines := bufio.NewScanner(out)
		said := 0
		if lines.Scan() {
			if _, err := fmt.Sscan(lines.Text(), &said); err != nil {
				t.Fatalf("the child failed: %s", lines.Text())
			}
		}
		time.Sleep(time.Duration(rng.Int64N(int64(5 * time.Millisecond))))
		child.Process.Kill()
		for lines.Scan() {
			fmt.Sscan(lines.Text(), &said)
		}
		child.Wait()
		n, err := versionAt(path)
		if err != nil {
			t.Fatal(err)
		}
		if n < said || n < last {
			t.Fatalf("version %d is there, after %d was saved and %d was seen", n, said, last)
		}
		last = n
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	temporary := 0
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), tempSuffix) {
			temporary++
		}
	}
	t.Logf("%d kills, %d of them inside a save, %d versions saved", *kills, temporary, last)
}
