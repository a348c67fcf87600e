package tensorboard_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/neuralode/neuralode/train/tensorboard"
)

// A curve of ten points.
func Example() {
	dir, err := os.MkdirTemp("", "events")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	w, err := tensorboard.Create(filepath.Join(dir, "run1"))
	if err != nil {
		log.Fatal(err)
	}
	for step := range 10 {
		if err := w.Scalar("loss", step, 1/float64(1+step)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "run1", "events.out.tfevents.*"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(files), "file")
	// Output: 1 file
}
