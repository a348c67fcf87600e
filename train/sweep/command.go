package sweep

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Args returns the settings as flags of a command, -name=value.
func (j Job) Args() []string {
	args := make([]string, len(j))
	for i, s := range j {
		args[i] = "-" + s.Name + "=" + s.Value
	}
	return args
}

// Folder makes a folder for the job in dir, with a file log.txt for what its command prints.
func (j Job) Folder(dir string) (path string, log *os.File, err error) {
	name := strings.Map(func(c rune) rune {
		if strings.ContainsRune("/\\:*?\"<>|", c) {
			return '_'
		}
		return c
	}, strings.ReplaceAll(j.String(), " ", "+"))
	path = filepath.Join(dir, name)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return "", nil, err
	}
	log, err = os.Create(filepath.Join(path, "log.txt"))
	return path, log, err
}

// Numbers reads those that a command has written to metrics.json in a folder.
func Numbers(folder string) (map[string]float64, error) {
	path := filepath.Join(folder, "metrics.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the command wrote no numbers: %w", err)
	}
	var numbers map[string]float64
	if err := json.Unmarshal(data, &numbers); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return numbers, nil
}
