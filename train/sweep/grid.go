package sweep

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// ErrUsage is matched by errors about a grid or shard that cannot be understood.
var ErrUsage = errors.New("sweep: wrong usage")

// Axis is a setting and the values that it takes.
type Axis struct {
	Name   string
	Values []string
}

// Grid is every combination of the values of its axes.
type Grid []Axis

// Job is one combination. Its text, "rate=0.01 seed=3", is what results are known by.
type Job []Setting

// Setting is the value of one axis.
type Setting struct{ Name, Value string }

// maxJobs bounds grids, against a slip of the pen.
const maxJobs = 10_000_000

// ParseGrid reads axes that blanks divide, each a name and values: "rate=0.01,0.001 seed=1..100".
// Two whole numbers with dots between them are all from one to the other. Bars divide values that have
// commas of their own: "hidden=16|32,32".
func ParseGrid(s string) (Grid, error) {
	var g Grid
	total := 1
	for _, field := range strings.Fields(s) {
		name, list, ok := strings.Cut(field, "=")
		if !ok || name == "" || list == "" {
			return nil, fmt.Errorf("%w: %q in a grid; write name=value,value or name=first..last", ErrUsage, field)
		}
		if slices.ContainsFunc(g, func(a Axis) bool { return a.Name == name }) {
			return nil, fmt.Errorf("%w: %s is in the grid twice", ErrUsage, name)
		}
		a := Axis{Name: name}
		divider := ","
		if strings.Contains(list, "|") {
			divider = "|"
		}
		for _, v := range strings.Split(list, divider) {
			first, last, isRange := strings.Cut(v, "..")
			lo, err1 := strconv.Atoi(first)
			hi, err2 := strconv.Atoi(last)
			switch {
			case v == "" || isRange && (err1 != nil || err2 != nil || hi < lo || uint(hi)-uint(lo) >= maxJobs):
				return nil, fmt.Errorf("%w: value %q of %s", ErrUsage, v, name)
			case !isRange:
				a.Values = append(a.Values, v)
			default:
				for i := range hi - lo + 1 {
					a.Values = append(a.Values, strconv.Itoa(lo+i))
				}
			}
		}
		if s := slices.Sorted(slices.Values(a.Values)); len(slices.Compact(s)) != len(a.Values) {
			return nil, fmt.Errorf("%w: %s has a value twice", ErrUsage, name)
		}
		if over, n := bits.Mul(uint(total), uint(len(a.Values))); over > 0 || n > maxJobs {
			return nil, fmt.Errorf("%w: a grid of more than %d jobs", ErrUsage, maxJobs)
		}
		total *= len(a.Values)
		g = append(g, a)
	}
	if len(g) == 0 {
		return nil, fmt.Errorf("%w: an empty grid", ErrUsage)
	}
	return g, nil
}

// Len is the number of jobs.
func (g Grid) Len() int {
	n := 1
	for _, a := range g {
		n *= len(a.Values)
	}
	return n
}

// Job returns job i; the last axis varies fastest.
func (g Grid) Job(i int) Job {
	j := make(Job, len(g))
	for k := len(g) - 1; k >= 0; k-- {
		n := len(g[k].Values)
		j[k] = Setting{g[k].Name, g[k].Values[i%n]}
		i /= n
	}
	return j
}

// ParseJob reads what [Job.String] writes.
func ParseJob(s string) (Job, error) {
	var j Job
	for _, field := range strings.Fields(s) {
		name, value, ok := strings.Cut(field, "=")
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("%w: %q in job %q; a job is written name=value name=value", ErrUsage, field, s)
		}
		j = append(j, Setting{name, value})
	}
	return j, nil
}

// String returns the settings as they are written in a grid.
func (j Job) String() string {
	parts := make([]string, len(j))
	for i, s := range j {
		parts[i] = s.Name + "=" + s.Value
	}
	return strings.Join(parts, " ")
}

// Get returns the value of a setting, and "" if there is none.
func (j Job) Get(name string) string {
	for _, s := range j {
		if s.Name == name {
			return s.Value
		}
	}
	return ""
}
