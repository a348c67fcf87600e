package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// sampleSize is how much of a table is looked at to find its dialect.
const sampleSize = 1 << 16

// sampleRows is how many rows of it.
const sampleRows = 50

var separators = []struct {
	comma rune
	name  string
}{{',', "commas"}, {';', "semicolons"}, {'\t', "tabs"}, {'|', "bars"}, {' ', "spaces"}}

func separatorName(comma rune) string {
	for _, s := range separators {
		if s.comma == comma {
			return s.name
		}
	}
	return fmt.Sprintf("%q", comma)
}

// source is the text of a table, after the byte order mark, and its first rows.
type source struct {
	in      *bufio.Reader
	comma   rune
	sample  [][]string // records of the beginning, the header among them
	guessed bool       // the separator was detected, and is not a comma
}

// begin finds out how the columns of a table are separated.
func begin(r io.Reader, opt *Options) (*source, error) {
	s := &source{in: bufio.NewReaderSize(r, sampleSize), comma: opt.Comma}
	if mark, _ := s.in.Peek(3); string(mark) == "\ufeff" {
		s.in.Discard(3)
	}
	head, err := s.in.Peek(sampleSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", opt.File, err)
	}
	if reason, remedy := notText(head); reason != "" {
		return nil, &Error{File: opt.File, Reason: reason, Remedy: remedy}
	}
	if err == nil { // there is more: the last line may be cut
		if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
			head = head[:end+1]
		}
	}
	if s.comma != 0 {
		s.sample = records(head, s.comma)
		return s, nil
	}
	s.comma = ','
	best := -1.0
	for _, c := range separators {
		if rows := records(head, c.comma); score(rows) > best {
			best, s.comma, s.sample = score(rows), c.comma, rows
		}
	}
	if s.sample == nil {
		s.sample = records(head, s.comma)
	}
	s.guessed = s.comma != ','
	return s, nil
}

// notText says what a file is that is not a table of text.
func notText(head []byte) (reason, remedy string) {
	const save = "save it as CSV (UTF-8) in the program that made it"
	for _, k := range []struct{ magic, reason, remedy string }{
		{"PK\x03\x04", "this is a workbook or an archive", save},
		{"\xd0\xcf\x11\xe0", "this is a workbook", save},
		{"\x1f\x8b", "this is compressed by gzip", "unpack it with gunzip first"},
		{"PAR1", "this is a Parquet file", "convert it to CSV first"},
		{"\xff\xfe", "this is text in UTF-16", "save it in UTF-8"},
		{"\xfe\xff", "this is text in UTF-16", "save it in UTF-8"},
	} {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			return k.reason, k.remedy
		}
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return "this is not text: it holds bytes of value 0", save
	}
	return "", ""
}

// newReader returns the reader of a dialect.
func newReader(r io.Reader, comma rune) *csv.Reader {
	in := csv.NewReader(r)
	in.Comma = comma
	in.Comment = '#'
	in.FieldsPerRecord = -1 // checked later, for a message that says more
	// A tab is a space to encoding/csv, so an empty cell would vanish.
	in.TrimLeadingSpace = comma != '\t'
	in.ReuseRecord = true
	return in
}

// records reads the first rows of a text.
func records(text []byte, comma rune) (rows [][]string) {
	in := newReader(bytes.NewReader(text), comma)
	in.ReuseRecord = false
	for len(rows) < sampleRows {
		record, err := in.Read()
		if err != nil {
			return rows
		}
		rows = append(rows, trimEnd(record, comma))
	}
	return rows
}

// trimEnd takes away the empty cell that spaces at the end of a line make.
func trimEnd(record []string, comma rune) []string {
	if n := len(record); comma == ' ' && n > 1 && record[n-1] == "" {
		return record[:n-1]
	}
	return record
}

// score says how much rows look like a table: by the part of the rows that have the width of
// the first, which must be 2 at least, and the part of their cells that are
// numbers, times or missing.
func score(rows [][]string) float64 {
	if len(rows) == 0 || len(rows[0]) < 2 {
		return -1
	}
	same, cells, good := 0, 0, 0
	for i, row := range rows {
		if len(row) == len(rows[0]) {
			same++
		}
		if i == 0 && len(rows) > 1 {
			continue // perhaps a header
		}
		for _, text := range row {
			cells++
			if text = strings.TrimSpace(text); missing(text) || isNumber(text) || timeFormat(text) != nil {
				good++
			}
		}
	}
	return float64(same)/float64(len(rows)) + float64(good)/float64(max(cells, 1))
}

// isNumber reports whether a text is a number, with a decimal point or comma.
func isNumber(text string) bool {
	var d decimal
	_, err := d.parse(text, true)
	return err == nil
}

// printable reports whether a name can be shown.
func printable(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool { return r == unicode.ReplacementChar || unicode.IsControl(r) }) < 0
}
