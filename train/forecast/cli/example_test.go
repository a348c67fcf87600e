package cli_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/neuralode/neuralode/train/forecast/cli"
)

func ExampleFit() {
	dir, err := os.MkdirTemp("", "fit")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := cli.Fit(context.Background(), []string{"-quick", "-out", dir}, io.Discard, io.Discard); err != nil {
		fmt.Println(err)
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.*"))
	fmt.Println(len(files), "files", err)
	// Output: 5 files <nil>
}
