package export

import (
	"fmt"
	"strings"
)

// scaled writes the field in the units of the data.
func (g *gopher) scaled() {
	args, doc := "", ""
	if g.channels > 0 {
		args, doc = ", u []"+g.float, fmt.Sprintf(" under inputs u, of which there are %d", g.channels)
		if g.rates {
			args, doc = ", u, du []"+g.float, doc+", and their rates du"
		}
	}
	g.scales()
	g.line("// Field stores the rates of the state y, of length Dim, at time t%s.", doc)
	g.line("func Field(dydt []%s, t float64, y []%s%s) {", g.float, g.float, args)
	g.line("var d, x [Dim]%s", g.float)
	g.line("scale(&x, y)")
	call := ""
	if g.channels > 0 {
		g.line("var ux [%d]%s", g.channels, g.float)
		g.line("for j := range ux { ux[j] = %s((float64(u[j]) - inputMean[j]) / inputSpread[j]) }", g.float)
		call = ", &ux"
		if g.rates {
			g.line("var dx [%d]%s", g.channels, g.float)
			g.line("for j := range dx { dx[j] = %s(float64(du[j]) * unit / inputSpread[j]) }", g.float)
			call += ", &dx"
		}
	}
	g.line("field(&d, %s((t - origin) / unit), &x%s)", g.float, call)
	g.line("for j := range d {")
	g.line("dydt[j] = %s(float64(d[j]) * spread[j] / unit)", g.float)
	if g.anyLog() {
		g.line("if logarithm[j] { dydt[j] *= y[j] }")
	}
	g.line("}\n}\n")
}

func (g *gopher) anyLog() bool {
	for _, on := range g.scaler.Log {
		if on {
			return true
		}
	}
	return false
}

// scales writes the constants of the scaler and the functions that apply it.
func (g *gopher) scales() {
	g.line("// A state is scaled as (y − mean)/spread%s, time as (t − origin)/unit.", map[bool]string{true: ", or its logarithm is,"}[g.anyLog()])
	g.line("const origin, unit float64 = %s, %s\n", exact(g.scaler.Origin), exact(g.unit()))
	mean, spread := make([]float64, g.dim), make([]float64, g.dim)
	var logs []string
	for j := range g.dim {
		var log bool
		mean[j], spread[j], log = g.component(j)
		logs = append(logs, fmt.Sprint(log))
	}
	g.list("mean", "float64", mean, exact)
	g.list("spread", "float64", spread, exact)
	if g.channels > 0 {
		mean, spread := make([]float64, g.channels), make([]float64, g.channels)
		for j := range g.channels {
			mean[j], spread[j] = g.input(j)
		}
		g.list("inputMean", "float64", mean, exact)
		g.list("inputSpread", "float64", spread, exact)
	}
	logs = append(logs, "")
	take := "float64(y[j])"
	if g.anyLog() {
		g.math = true
		g.line("var logarithm = [Dim]bool{%s}\n", strings.Join(logs[:g.dim], ", "))
		take = "v"
	}
	g.line("func scale(x *[Dim]%s, y []%s) {\nfor j := range x {", g.float, g.float)
	if g.anyLog() {
		g.line("v := float64(y[j])\nif logarithm[j] { v = math.Log(v) }")
	}
	g.line("x[j] = %s((%s - mean[j]) / spread[j])\n}\n}\n", g.float, take)
}

// solve writes the solve with steps of fixed size.
func (g *gopher) solve() {
	m := g.method
	g.line("// Solve returns the states at all times, which go up or down from that of y0, by %d steps of the method %s from each", g.steps, m)
	g.line("// to the next.\nfunc Solve(times []float64, y0 []%s) [][]%s {", g.float, g.float)
	g.line("if len(times) == 0 { return nil }")
	g.line("var y, z [Dim]%s\nvar k [%d][Dim]%s", g.float, len(m.B), g.float)
	g.line("scale(&y, y0)\nall := [][]%s{append([]%s(nil), y0...)}", g.float, g.float)
	g.line("for i := 1; i < len(times); i++ {")
	g.line("from, to := (times[i-1] - origin) / unit, (times[i] - origin) / unit")
	g.line("h := (to - from) / %d\nfor n := range %d {", g.steps, g.steps)
	g.line("t := from + float64(n)*h")
	sum := func(row []float64) string {
		var terms []string
		for j, a := range row {
			if a != 0 {
				terms = append(terms, fmt.Sprintf("%s*k[%d][j]", g.literal(a), j))
			}
		}
		if len(terms) == 0 {
			return "y[j]"
		}
		return fmt.Sprintf("y[j] + %s(h)*(%s)", g.float, strings.Join(terms, " + "))
	}
	for s, row := range m.A[:len(m.B)] {
		state := "y"
		if s > 0 {
			state = "z"
			g.line("for j := range z { z[j] = %s }", sum(row))
		}
		g.line("field(&k[%d], %s(t + %s*h), &%s)", s, g.float, exact(m.C[s]), state)
	}
	g.line("for j := range y { y[j] = %s }", sum(m.B))
	g.line("}")
	g.line("row := make([]%s, Dim)\nfor j := range row {\nv := float64(y[j])*spread[j] + mean[j]", g.float)
	if g.anyLog() {
		g.line("if logarithm[j] { v = math.Exp(v) }")
	}
	g.line("row[j] = %s(v)\n}\nall = append(all, row)\n}\nreturn all\n}\n", g.float)
}
