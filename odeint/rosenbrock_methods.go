package odeint

// rosenbrock23γ is 1/(2 + √2), rosenbrock23c is 6 + √2.
const (
	rosenbrock23γ = 1 / (2 + sqrt2)
	rosenbrock23c = 6 + sqrt2
)

// L-stable Rosenbrock methods.
var (
	// Rosenbrock23 is the method of order 2 with an error estimate of order 3 by Shampine and
	// Reichelt (1997, The MATLAB ODE Suite, SIAM J. Sci. Comput. 18, 1–22: ode23s), with their
	// quadratic continuous extension. Its last f is the first of the next step.
	Rosenbrock23 = &Rosenbrock{
		Name:  "rosenbrock23",
		Gamma: rosenbrock23γ,
		Alpha: []float64{0, 0.5, 1},
		D:     []float64{rosenbrock23γ, 0, -rosenbrock23γ},
		A: [][]float64{
			{},
			{1 / (2 * rosenbrock23γ)},
			{1 / rosenbrock23γ, 1 / rosenbrock23γ},
		},
		C: [][]float64{
			{},
			{-1 / rosenbrock23γ},
			{-2 / rosenbrock23γ, -rosenbrock23c / rosenbrock23γ},
		},
		B: []float64{1 / rosenbrock23γ, 1 / rosenbrock23γ, 0},
		E: []float64{1 / (6 * rosenbrock23γ), (rosenbrock23c - 2) / (6 * rosenbrock23γ), 1 / (6 * rosenbrock23γ)},
		P: [][]float64{
			{1 / rosenbrock23γ, 0},
			{-2 / (1 - 2*rosenbrock23γ), 1 / (rosenbrock23γ * (1 - 2*rosenbrock23γ))},
			{0, 0},
		},
		Order:    2,
		ErrOrder: 3,
	}

	// Rodas5P is the method of order 5 with an error estimate from order 4 by Steinebach (2023,
	// Construction of Rosenbrock–Wanner method Rodas5P and numerical benchmarks within the Julia
	// Differential Equations package, BIT 63, 27), with his continuous extension of order 4. On the problem of Prothero and
	// Robinson, y' = λ(y − φ) + φ′, its error is of the size h⁴/(hλ).
	Rodas5P = &Rosenbrock{
		Name:  "rodas5p",
		Gamma: 0.21193756319429014,
		Alpha: []float64{0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1, 1, 1},
		D:     []float64{0.21193756319429014, -0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069, 0, 0, 0},
		A: [][]float64{
			{},
			{3},
			{2.849394379747939, 0.45842242204463923},
			{-6.954028509809101, 2.489845061869568, -10.358996098473584},
			{2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641},
			{-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946},
			{-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1},
			{-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1, 1},
		},
		C: [][]float64{
			{},
			{-14.155112264123755},
			{-17.97296035885952, -2.859693295451294},
			{147.12150275711716, -1.41221402718213, 71.68940251302358},
			{165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306},
			{24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471},
			{30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783, -19.097331116725623, -28.087943162872662},
			{37.80277123390563, -3.2571969029072276, 112.26918849496327, 66.9347231244047, -40.06618937091002, -54.66780262877968, -9.48861652309627},
		},
		B: []float64{-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1, 1, 1},
		E: []float64{0, 0, 0, 0, 0, 0, 0, 1},
		P: extension(
			[]float64{-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1, 1, 1},
			[]float64{25.948786856663858, -2.5579724845846235, 10.433815404888879, -2.3679251022685204, 0.524948541321073, 1.1241088310450404, 0.4272876194431874, -0.17202221070155493},
			[]float64{-9.91568850695171, -0.9689944594115154, 3.0438037242978453, -24.495224566215796, 20.176138334709044, 15.98066361424651, -6.789040303419874, -6.710236069923372},
			[]float64{11.419903575922262, 2.8879645146136994, 72.92137995996029, 80.12511834622643, -52.072871366152654, -59.78993625266729, -0.15582684282751913, 4.883087185713722},
		),
		Order:    5,
		ErrOrder: 5,
	}
)

// extension returns P of the form y_n + θ(y_{n+1} − y_n) + θ(1 − θ) Σ_j θʲ h_j in which the
// continuous extensions of the RODAS family are published, with weights h_j of the stages.
func extension(b []float64, h ...[]float64) [][]float64 {
	p := make([][]float64, len(b))
	for i := range p {
		p[i] = make([]float64, len(h)+1)
		p[i][0] = b[i]
		for j, row := range h {
			p[i][j] += row[i]
			p[i][j+1] -= row[i]
		}
	}
	return p
}

// Rosenbrocks returns the Rosenbrock methods of this package, by rising order. The slice is the
// caller's, the methods are not.
func Rosenbrocks() []*Rosenbrock { return []*Rosenbrock{Rosenbrock23, Rodas5P} }
