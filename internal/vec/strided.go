package vec

// MaxAxes is the number of axes that Gather can walk.
const MaxAxes = 16

// Gather stores in dst elements start, start+1, … of a strided view of x: the
// view's element (i, j, …), counted in row-major order over lens, is
// x[i·strides[0] + j·strides[1] + …]. Stride 0 repeats.
func Gather[T Float](dst, x []T, lens, strides []int, start int) {
	if n := len(lens); n > 1 && strides[n-1] == 0 {
		repeat(dst, x, lens, strides, start)
		return
	}
	walk(lens, strides, start, len(dst), func(from, to, n, stride int) {
		out := dst[from : from+n]
		switch stride {
		case 0:
			Fill(out, x[to])
		case 1:
			copy(out, x[to:])
		default:
			for i := range out {
				out[i] = x[to]
				to += stride
			}
		}
	})
}

// repeat is Gather of a view whose last axis repeats.
func repeat[T Float](dst, x []T, lens, strides []int, start int) {
	last := len(lens) - 1
	times, k, stride := lens[last], lens[last-1], strides[last-1]
	skip, row := start%times, start/times
	i := row % k
	row /= k
	for len(dst) > 0 {
		from, rest := 0, row
		for a := last - 2; a >= 0; a-- {
			from += rest % lens[a] * strides[a]
			rest /= lens[a]
		}
		for ; i < k && len(dst) > 0; i++ {
			n := min(times-skip, len(dst))
			Fill(dst[:n], x[from+i*stride])
			dst, skip = dst[n:], 0
		}
		row, i = row+1, 0
	}
}

// walk calls run for each stretch of the last axis within elements start to
// start+count of a view: n elements from position pos in the dense order and
// offset in the strided one, stride apart.
func walk(lens, strides []int, start, count int, run func(pos, offset, n, stride int)) {
	last := len(lens) - 1
	if last < 0 {
		run(0, 0, count, 0)
		return
	}
	var at [MaxAxes]int
	offset := 0
	for i := last; i >= 0; i-- {
		at[i] = start % lens[i]
		start /= lens[i]
		offset += at[i] * strides[i]
	}
	for pos := 0; pos < count; {
		n := min(lens[last]-at[last], count-pos)
		run(pos, offset, n, strides[last])
		pos += n
		offset += n * strides[last]
		at[last] += n
		for i := last; i >= 0 && at[i] == lens[i]; i-- {
			offset -= lens[i] * strides[i]
			at[i] = 0
			if i > 0 {
				at[i-1]++
				offset += strides[i-1]
			}
		}
	}
}
