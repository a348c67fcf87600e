// Package table reads measurements from text: CSV and its relatives.
//
// [Read] takes the tables that people have. Columns may be separated by commas,
// semicolons, tabs, bars or spaces; numbers may have a decimal comma; times may be numbers,
// dates or RFC 3339 timestamps; values may be missing; one table may hold many
// trajectories, told apart by a column; there may be no header. What was
// detected is said in [Table.Notes]. What cannot be understood is an *[Error] with
// the line, the column, the reason and what to try; nothing is guessed that would
// change a number.
//
// Memory is at most a constant times the length of the text.
package table
