package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// Staged is a complete file, safe on disk, that does not bear its name yet.
type Staged struct{ temp, path string }

// Stage writes a file beside path, to be put there by Commit or thrown away by
// Discard.
func Stage(path string, write func(w io.Writer) error) (*Staged, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return nil, err
	}
	buf := bufio.NewWriter(f)
	err = write(buf)
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	return &Staged{f.Name(), path}, nil
}

// Commit gives the file its name, in one step of the file system.
func (s *Staged) Commit() error {
	if err := os.Rename(s.temp, s.path); err != nil {
		return errors.Join(err, os.Remove(s.temp))
	}
	return syncDir(filepath.Dir(s.path))
}

// Discard removes the file.
func (s *Staged) Discard() error { return os.Remove(s.temp) }

// syncDir makes a rename survive a loss of power. Windows cannot and need not.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
