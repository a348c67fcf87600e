package modelfile

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// staleAfter is the age from which a temporary file is taken for the rest of a crash.
const staleAfter = 10 * time.Minute

// WriteAtomic makes the file at path of what write produces, or replaces it: a temporary
// file in the same folder is written, brought to disk and renamed. After a crash
// or an error the file at path is the old one or the new one. Missing folders are
// made. Temporary files of the same name that a crash left more than ten minutes
// ago are removed. Several processes may write the same path; the last rename
// wins.
func WriteAtomic(path string, write func(w io.Writer) error) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // replace what a link points at, not the link
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return unwritable(path, err)
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	prefix := "." + filepath.Base(path) + "."
	removeStale(dir, prefix)
	temp, err := os.CreateTemp(dir, prefix+"*"+tempSuffix)
	if err != nil {
		return unwritable(path, err)
	}
	buf := bufio.NewWriterSize(temp, 1<<16)
	err = write(buf)
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		err = temp.Chmod(mode)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		os.Remove(temp.Name())
		return unwritable(path, err)
	}
	if err := syncDir(dir); err != nil {
		return unwritable(path, err)
	}
	return nil
}

const tempSuffix = ".tmp"

func unwritable(path string, err error) error {
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	return &Error{Path: path, Reason: "the file cannot be written", Err: err,
		Remedy: "look for free space and the right to write there, or choose another folder"}
}

// removeStale removes temporary files that a crash has left. What cannot be removed does
// no harm.
func removeStale(dir, prefix string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !strings.HasSuffix(e.Name(), tempSuffix) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > staleAfter {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// Probe reports whether files can be written to a folder, which is made if it is missing.
// A program that trains for an hour asks before, not after.
func Probe(dir string) error {
	path := filepath.Join(dir, "file")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return unwritable(path, err)
	}
	f, err := os.CreateTemp(dir, ".probe.*"+tempSuffix)
	if err != nil {
		return unwritable(path, err)
	}
	_, err = f.Write(make([]byte, 1))
	if err = errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return unwritable(path, err)
	}
	return nil
}

// syncDir makes a rename survive a loss of power. Windows and wasm cannot and need not.
func syncDir(dir string) error {
	switch runtime.GOOS {
	case "windows", "js", "wasip1":
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
