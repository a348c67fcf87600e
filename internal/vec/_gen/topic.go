package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/build"
)

// topic collects the functions of one assembly file.
type topic struct {
	ctx       *build.Context
	constants map[string]bool
	functions []function
}

// function is a family of four assembly functions, for two widths and two
// instruction sets.
type function struct {
	name   string
	params []param
}

// param is a parameter.
type param struct {
	name string
	kind paramKind
}

type paramKind int

const (
	pointer  paramKind = iota // *T
	element                   // T
	integer                   // int
	integers                  // *int
	double                    // float64
	doubles                   // *float64
)

// pointers are parameters of that kind.
func pointers(names ...string) []param {
	var p []param
	for _, n := range names {
		p = append(p, param{n, pointer})
	}
	return p
}

// signature is the parameters' list with elements of type t.
func (f function) signature(t string) string {
	var s []string
	for _, p := range f.params {
		s = append(s, p.name+" "+[]string{"*" + t, t, "int", "*int", "float64", "*float64"}[p.kind])
	}
	return "(" + strings.Join(s, ", ") + ")"
}

// variant is one of the four functions of a family.
type variant struct {
	isa  isa
	wide bool
}

var variants = []variant{{avx512, true}, {avx2, true}, {avx512, false}, {avx2, false}}

func (v variant) element() string {
	if v.wide {
		return "float64"
	}
	return "float32"
}

func (v variant) suffix() string {
	s := "F32"
	if v.wide {
		s = "F64"
	}
	return s + v.isa.String()
}

// add writes the four functions of a family, whose bodies fill emits.
func (t *topic) add(name string, params []param, fill func(*emitter)) {
	f := function{name, params}
	t.functions = append(t.functions, f)
	for _, v := range variants {
		t.ctx.Function(name + v.suffix())
		t.ctx.SignatureExpr("func" + f.signature(v.element()))
		e := &emitter{Context: t.ctx, variant: v, topic: t}
		fill(e)
		e.op("VZEROUPPER")
		e.RET()
	}
}

// declarations are the Go side of the assembly: the declarations and, for each
// family, a generic function that picks one of the four.
func (t *topic) declarations() string {
	var b strings.Builder
	for _, f := range t.functions {
		fmt.Fprintf(&b, "\n// %sAsm runs %s on vector registers and reports whether the processor has them.\n", f.name, f.name)
		fmt.Fprintf(&b, "func %sAsm[T Float]%s bool {\n\tif wide[T]() {\n", f.name, f.signature("T"))
		for i, v := range variants {
			if i%2 == 0 {
				if !v.wide {
					fmt.Fprintf(&b, "\t\treturn true\n\t}\n")
				}
				fmt.Fprintf(&b, "\t\tswitch level {\n")
			}
			fmt.Fprintf(&b, "\t\tcase level%s:\n\t\t\t%s%s(%s)\n", v.isa, f.name, v.suffix(), f.arguments(v.element()))
			if i%2 == 1 {
				fmt.Fprintf(&b, "\t\tdefault:\n\t\t\treturn false\n\t\t}\n")
			}
		}
		fmt.Fprintf(&b, "\treturn true\n}\n")
		for _, v := range variants {
			fmt.Fprintf(&b, "\n//go:noescape\nfunc %s%s%s\n", f.name, v.suffix(), f.signature(v.element()))
		}
	}
	return b.String()
}

// arguments converts the parameters to elements of type t.
func (f function) arguments(t string) string {
	var s []string
	for _, p := range f.params {
		switch p.kind {
		case pointer:
			s = append(s, fmt.Sprintf("(*%s)(unsafe.Pointer(%s))", t, p.name))
		case element:
			s = append(s, fmt.Sprintf("%s(%s)", t, p.name))
		default:
			s = append(s, p.name)
		}
	}
	return strings.Join(s, ", ")
}

// substitutes are the generic functions where there is no assembly.
func (t *topic) substitutes() string {
	var b strings.Builder
	for _, f := range t.functions {
		fmt.Fprintf(&b, "\nfunc %sAsm[T Float]%s bool { return false }\n", f.name, f.signature("T"))
	}
	return b.String()
}
