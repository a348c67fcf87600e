package table_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/neuralode/neuralode/train/table"
)

func ExampleRead() {
	const text = `subject;day;"dose, mg"
A;2024-01-01;320,5
A;2024-01-02;
B;2024-01-01;12
B;2024-01-05;8,25
`
	t, err := table.Read(strings.NewReader(text), table.Options{ID: "subject"})
	if err != nil {
		log.Fatal(err)
	}
	for _, tr := range t.Trajectories {
		fmt.Println(tr.ID, tr.Times, tr.States)
	}
	for _, n := range t.Notes {
		fmt.Println(n)
	}
	_, err = table.Read(strings.NewReader(text), table.Options{File: "doses.csv", Time: "day"})
	fmt.Println(err)
	// Output:
	// A [0 1] [320.5 NaN]
	// B [0 4] [12 8.25]
	// columns are separated by semicolons
	// numbers have a decimal comma
	// times are dates; they are counted in days since 2024-01-01
	// doses.csv:2: column "subject": "A" is not a number; leave the cell empty if the value is missing; a column of names can be the id, or is left out by naming the states: dose, mg
}
