package figure

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// ticks are marks at multiples of 1, 2 or 5 times a power of ten, about six of them, with
// as many decimals as they need.
type ticks struct{}

// Ticks implements plot.Ticker.
func (ticks) Ticks(lo, hi float64) []plot.Tick {
	span := hi - lo
	if !(span > 0) || math.IsInf(span, 0) {
		return plot.DefaultTicks{}.Ticks(lo, hi)
	}
	step, exponent := niceStep(span / 6)
	var marks []plot.Tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+1e-9*step; i++ {
		marks = append(marks, plot.Tick{Value: i * step, Label: tickLabel(i*step, exponent, max(math.Abs(lo), math.Abs(hi)))})
	}
	return marks
}

// niceStep returns the smallest of 1, 2 and 5 times a power of ten that is not below
// x, and that power's exponent.
func niceStep(x float64) (step float64, exponent int) {
	exponent = int(math.Floor(math.Log10(x)))
	power := math.Pow(10, float64(exponent))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power, exponent
		}
	}
	return 10 * power, exponent + 1
}

// tickLabel writes a multiple of a step of the given exponent on an axis that reaches
// as far as largest.
func tickLabel(v float64, exponent int, largest float64) string {
	var s string
	if largest >= 1e5 || exponent < -4 {
		s = scientific(v, exponent)
	} else {
		s = strconv.FormatFloat(v, 'f', max(0, -exponent), 64)
	}
	if v == 0 {
		s = "0"
	}
	return strings.ReplaceAll(s, "-", "−")
}

// scientific writes a multiple of a step of the given exponent as 2.5·10⁻⁶.
func scientific(v float64, exponent int) string {
	digits := 0
	if v != 0 {
		digits = max(0, int(math.Floor(math.Log10(math.Abs(v))+1e-9))-exponent)
	}
	mantissa, power, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits, 64), "e")
	n, err := strconv.Atoi(power)
	if err != nil {
		return mantissa
	}
	switch mantissa {
	case "1":
		return powerOfTen(n)
	case "-1":
		return "-" + powerOfTen(n)
	}
	return mantissa + "·" + powerOfTen(n)
}

// powerOfTen writes 10ⁿ.
func powerOfTen(n int) string {
	return "10" + strings.Map(func(r rune) rune {
		if r == '-' {
			return '⁻'
		}
		return []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[r-'0']
	}, strconv.Itoa(n))
}

// logTicks are marks at the powers of ten, labelled 0.01, 0.1, 1, 10, 100 if these will do
// and 10⁻⁵, 10⁰, 10⁵ otherwise. Over five powers and fewer there are minor marks at their
// multiples; on an axis with fewer than two the 2s and 5s are labelled too.
type logTicks struct{}

// Ticks implements plot.Ticker.
func (logTicks) Ticks(lo, hi float64) []plot.Tick {
	if !(lo > 0) || math.IsInf(hi, 0) || !(hi >= lo) {
		return nil
	}
	first, last := int(math.Floor(math.Log10(lo))), int(math.Floor(math.Log10(hi)))
	powers := last - int(math.Ceil(math.Log10(lo))) + 1
	every := max(1, (powers+5)/7)
	plain := first >= -3 && last <= 3
	var marks []plot.Tick
	for e := first; e <= last; e++ {
		for m := 1; m <= 9; m++ {
			if m > 1 && powers > 5 || powers > 40 && e%every != 0 {
				break
			}
			v := float64(m) * math.Pow(10, float64(e))
			if v < lo || v > hi {
				continue
			}
			tick := plot.Tick{Value: v}
			switch {
			case !(m == 1 && e%every == 0 || powers < 2 && (m == 1 || m == 2 || m == 5)):
			case plain:
				tick.Label = strconv.FormatFloat(v, 'f', max(0, -e), 64)
			default:
				tick.Label = scientific(v, e)
			}
			marks = append(marks, tick)
		}
	}
	return marks
}
