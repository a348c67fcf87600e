package main

import (
	"fmt"
	"math"
	"reflect"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is an instruction set: AVX2 with FMA, or AVX-512 F, DQ, VL and BW.
type isa int

const (
	avx2 isa = iota
	avx512
)

func (i isa) String() string { return [...]string{"AVX2", "AVX512"}[i] }

// emitter writes the instructions of one function.
type emitter struct {
	*build.Context
	variant
	*topic
	labels int
}

type (
	vector = reg.VecVirtual
	source = operand.Op // a vector or memory
)

// op emits an instruction by its name.
func (e *emitter) op(name string, ops ...operand.Op) {
	for i, o := range ops {
		if b, ok := o.(broadcast); ok {
			ops[i] = b.Mem
			if e.isa == avx512 {
				name += "_BCST"
			}
		}
	}
	m := reflect.ValueOf(e.Context).MethodByName(name)
	if !m.IsValid() {
		panic("no instruction " + name)
	}
	args := make([]reflect.Value, len(ops))
	for i, o := range ops {
		args[i] = reflect.ValueOf(o)
	}
	m.Call(args)
}

// p emits a packed floating-point instruction for the width: name with PD or PS.
func (e *emitter) p(name string, ops ...operand.Op) {
	if e.wide {
		e.op(name+"PD", ops...)
	} else {
		e.op(name+"PS", ops...)
	}
}

// size is the number of bytes of an element.
func (e *emitter) size() int {
	if e.wide {
		return 8
	}
	return 4
}

// bytes is the number of bytes of a vector register.
func (e *emitter) bytes() int {
	if e.isa == avx512 {
		return 64
	}
	return 32
}

// lanes is the number of elements of a vector register.
func (e *emitter) lanes() int { return e.bytes() / e.size() }

// vector is a new vector register.
func (e *emitter) vector() vector {
	if e.isa == avx512 {
		return e.ZMM()
	}
	return e.YMM()
}

// label is a new label.
func (e *emitter) label(name string) string {
	e.labels++
	return fmt.Sprintf("%s%d", name, e.labels)
}

// pointer loads the parameter of that name.
func (e *emitter) pointer(name string) reg.GPVirtual {
	r := e.GP64()
	e.Load(e.Param(name), r)
	return r
}

// table is the address of a table of words of four or eight bytes.
func (e *emitter) table(name string, words ...operand.Constant) operand.Mem {
	m := operand.NewDataAddr(operand.NewStaticSymbol(name), 0)
	if e.constants[name] {
		return m
	}
	e.constants[name] = true
	m = e.StaticGlobal(name)
	e.DataAttributes(attr.RODATA | attr.NOPTR)
	for _, w := range words {
		e.AppendDatum(w)
	}
	return m
}

// tailMask reads in AVX2 the mask with which VMASKMOV takes the first n lanes, for
// n in 0…lanes-1, in AVX-512 the same as a K register.
func (e *emitter) tailMask(n reg.GPVirtual) reg.Register {
	if e.isa == avx512 {
		bits, one, k := e.GP32(), e.GP32(), e.K()
		e.XORL(bits, bits)
		e.MOVL(operand.U32(1), one)
		e.op("SHLXL", n.As32(), one, bits)
		e.DECL(bits)
		e.KMOVW(bits, k)
		return k
	}
	from, mask := e.GP64(), e.YMM()
	e.LEAQ(e.maskTable(), from)
	at := e.GP64()
	e.MOVQ(n, at)
	e.NEGQ(at)
	e.p("VMOVU", operand.Mem{Base: from, Index: at, Scale: uint8(e.size()), Disp: e.bytes()}, mask)
	return mask
}

// maskTable is the address of a vector of ones followed by one of zeros.
func (e *emitter) maskTable() operand.Mem {
	name := "mask"
	if e.isa == avx512 {
		name = "widemask"
	}
	return e.onesAndZeros(fmt.Sprintf("%s%d", name, 8*e.size()), e.lanes())
}

// onesAndZeros is a table of n words of ones followed by n of zeros.
func (e *emitter) onesAndZeros(name string, n int) operand.Mem {
	words := make([]operand.Constant, 2*n)
	for i := range words {
		w := uint64(0)
		if i < n {
			w = math.MaxUint64
		}
		if e.wide {
			words[i] = operand.U64(w)
		} else {
			words[i] = operand.U32(uint32(w))
		}
	}
	return e.table(name, words...)
}

// load reads a vector from memory, with a mask only the lanes that it takes and
// zero in the others.
func (e *emitter) load(m operand.Mem, mask reg.Register) vector {
	v := e.vector()
	switch {
	case mask == nil:
		e.p("VMOVU", m, v)
	case e.isa == avx512:
		e.op("VMOVU"+e.pd()+"_Z", m, mask, v)
	default:
		e.p("VMASKMOV", m, mask, v)
	}
	return v
}

// store writes a vector to memory, with a mask only the lanes that it takes.
func (e *emitter) store(v vector, m operand.Mem, mask reg.Register) {
	switch {
	case mask == nil:
		e.p("VMOVU", v, m)
	case e.isa == avx512:
		e.p("VMOVU", v, mask, m)
	default:
		e.p("VMASKMOV", v, mask, m)
	}
}

func (e *emitter) pd() string {
	if e.wide {
		return "PD"
	}
	return "PS"
}

// address is a place in the array that begins at base.
type address = func(base reg.Register) operand.Mem

// each runs body on all vectors of n elements: unroll at a time, then one by one,
// then the rest under a mask.
func (e *emitter) each(n reg.GPVirtual, unroll int, body func(at address, mask reg.Register)) {
	e.blocks(n, unroll, func(at []address, mask reg.Register) {
		for _, a := range at {
			body(a, mask)
		}
	})
}

// blocks runs body on all vectors of n elements, given the places of several: wide
// of them, then one, then one under a mask.
func (e *emitter) blocks(n reg.GPVirtual, wide int, body func(at []address, mask reg.Register)) {
	i := e.GP64()
	e.XORQ(i, i)
	places := make([]address, wide)
	for k := range places {
		places[k] = func(base reg.Register) operand.Mem {
			return operand.Mem{Base: base, Index: i, Scale: uint8(e.size()), Disp: k * e.bytes()}
		}
	}
	end := e.label("end")
	for _, u := range []int{wide, 1} {
		loop, next := e.label("loop"), e.label("next")
		e.SUBQ(operand.Imm(uint64(u*e.lanes())), n)
		e.JL(operand.LabelRef(next))
		e.Label(loop)
		body(places[:u], nil)
		e.ADDQ(operand.Imm(uint64(u*e.lanes())), i)
		e.SUBQ(operand.Imm(uint64(u*e.lanes())), n)
		e.JGE(operand.LabelRef(loop))
		e.Label(next)
		e.ADDQ(operand.Imm(uint64(u*e.lanes())), n)
		if wide == 1 {
			break
		}
	}
	e.TESTQ(n, n)
	e.JEQ(operand.LabelRef(end))
	body(places[:1], e.tailMask(n))
	e.Label(end)
}
