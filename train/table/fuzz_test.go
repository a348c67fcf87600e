package table

import (
	"errors"
	"strings"
	"testing"
)

func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"t,a,b\n0,1,-1.5\n0.5,,2e3\n2,3,4\n", "\ufeff\"t\";\"a\"\n0;1,5\n", "1 2  3\n4 5 6\n", ",t,x\n0,1,2\n1,2,3\n",
		"id\td\tx\nA\t2020-01-01\t1\nB\t2020-01-01T01:02:03Z\tna\n", "ns,x\n1700000000000000001,1\n1700000000000000003,2\n", "a|b\n1|2", "01/02/2020,1\n",
	} {
		f.Add(text, "", "", false)
		f.Add(text, "t", "id", true)
	}
	f.Fuzz(func(t *testing.T, text, time, id string, sort bool) {
		got, err := Read(strings.NewReader(text), Options{File: "f", Time: time, ID: id, Sort: sort})
		if err != nil {
			var own *Error
			if !errors.As(err, &own) || own.Reason == "" {
				t.Errorf("an error of another kind: %v", err)
			}
			if len(err.Error()) > 4000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		rows := 0
		for _, tr := range got.Trajectories {
			if len(tr.Times) == 0 || len(tr.Lines) != len(tr.Times) || len(tr.States) != len(tr.Times)*len(got.States) {
				t.Fatalf("%d times, %d lines, %d values of %d states", len(tr.Times), len(tr.Lines), len(tr.States), len(got.States))
			}
			for i, v := range tr.Times {
				if v-v != 0 || i > 0 && v <= tr.Times[i-1] {
					t.Errorf("time %v after %v", v, tr.Times[max(i-1, 0)])
				}
			}
			for _, v := range tr.States {
				if v == v && v-v != 0 {
					t.Errorf("the value %v", v)
				}
			}
			rows += len(tr.Times)
		}
		if rows > strings.Count(text, "\n")+strings.Count(text, "\r")+1 {
			t.Errorf("%d rows of %q", rows, text)
		}
	})
}
