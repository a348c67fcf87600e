package odeint

// Method is a numerical method: data that says what a step is. The code that
// takes the step is chosen by the method's type: *Tableau, *Splitting,
// *ImplicitRK or *Tao.
type Method interface {
	// String is the method's name.
	String() string

	// validate reports what makes the method unusable.
	validate() error
}
