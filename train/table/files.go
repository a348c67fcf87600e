package table

import (
	"fmt"
	"path/filepath"
	"slices"
)

// ReadFiles reads tables of the same columns from several files, as one table: each file is a
// trajectory, called like it, or holds several, told apart by Options.ID and called "file/id". Dates
// count from the first date of the first file. One file is read as by ReadFile.
func ReadFiles(paths []string, opt Options) (*Table, error) {
	if len(paths) == 0 {
		panic("table: ReadFiles of no files")
	}
	first, err := ReadFile(paths[0], opt)
	if err != nil || len(paths) == 1 {
		return first, err
	}
	all := *first
	all.Trajectories, all.Notes = nil, nil
	all.File = fmt.Sprintf("%s and %d more", first.File, len(paths)-1)
	seen := map[string]bool{}
	for i, path := range paths {
		t := first
		if i > 0 {
			if opt.Clock == nil {
				opt.Clock = first.Clock
			}
			if t, err = ReadFile(path, opt); err != nil {
				return nil, err
			}
		}
		switch {
		case !slices.Equal(t.States, first.States):
			return nil, &Error{File: t.File, Reason: fmt.Sprintf("the columns are %q, those of %s %q", t.States, first.File, first.States),
				Remedy: "name the columns to be read, which all files must have"}
		case (t.Clock == nil) != (first.Clock == nil):
			return nil, &Error{File: t.File, Column: t.Time, Reason: fmt.Sprintf("the times of %s are dates, and those of another file are numbers", first.File),
				Remedy: "write all times in one way"}
		}
		for _, note := range t.Notes {
			all.Notes = append(all.Notes, t.File+": "+note)
		}
		for _, tr := range t.Trajectories {
			name := filepath.ToSlash(path)
			if t.ID != "" {
				name += "/" + tr.ID
			}
			if seen[name] {
				return nil, &Error{File: t.File, Reason: "the file is named twice", Remedy: "name it once"}
			}
			seen[name] = true
			tr.ID = name
			all.Trajectories = append(all.Trajectories, tr)
		}
	}
	if all.ID == "" {
		all.ID = "file"
	}
	return &all, nil
}
