package wire

import (
	"bytes"
	"testing"
)

// The encodings of the documentation: field 1 with 150, field 2 with "testing", a message in field 3;
// and of −1, which takes ten bytes.
func TestMessages(t *testing.T) {
	one := Int(nil, 1, 150)
	for _, c := range []struct{ got, want []byte }{
		{one, []byte{0x08, 0x96, 0x01}},
		{String(nil, 2, "testing"), []byte("\x12\x07testing")},
		{Bytes(nil, 3, one), []byte{0x1a, 0x03, 0x08, 0x96, 0x01}},
		{Int(nil, 1, -1), []byte{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}},
		{Ints(nil, 6, []int64{3, 270, 86942}), []byte{0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05}},
		{Double(nil, 1, 1), []byte{0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f}},
		{Float(nil, 2, 1), []byte{0x15, 0, 0, 0x80, 0x3f}},
		{Doubles(nil, 1, []float64{1}), []byte{0x0a, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f}},
		{Int([]byte{7}, 16, 0), []byte{7, 0x80, 0x01, 0}},
	} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("% x, want % x", c.got, c.want)
		}
	}
}
