package graph

import "strings"

// Param returns the part of θ that belongs to one parameter, row-major: writing to it
// changes the function. The name is the parameter's own, "field/net/W0", or its end,
// "net/W0" or "W0", if no other parameter's name ends so. It is nil if there is no such
// parameter, or more than one.
func (f *Function[T]) Param(name string) []T {
	var found []T
	for _, p := range f.Layout() {
		part := f.theta[p.Offset:][:sizeOf(p.Shape):sizeOf(p.Shape)]
		switch {
		case p.Name == name:
			return part
		case !strings.HasSuffix(p.Name, "/"+name):
		case found != nil:
			return nil
		default:
			found = part
		}
	}
	return found
}
