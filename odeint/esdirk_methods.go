package odeint

const (
	sqrt2 = 1.4142135623730950488016887242096980785697

	// kvaerno3γ is the root of γ³ − 3γ² + 3γ/2 − 1/6 for which Kvaerno3 is L-stable.
	kvaerno3γ = 0.43586652150845899941601945
	trbdf2γ   = 1 - sqrt2/2
)

// Stiffly accurate and L-stable ESDIRK methods.
var (
	// TRBDF2 is the trapezoidal rule followed by BDF2 within one step, of order 2 with an
	// error estimate of order 3 (Hosea & Shampine 1996, Analysis and implementation of TR-BDF2,
	// Appl. Numer. Math. 20, 21–37).
	TRBDF2 = &ESDIRK{
		Name: "trbdf2",
		C:    []float64{0, 2 * trbdf2γ, 1},
		A: [][]float64{
			{0},
			{trbdf2γ, trbdf2γ},
			{sqrt2 / 4, sqrt2 / 4, trbdf2γ},
		},
		E:         []float64{(sqrt2 - 1) / 3, -1.0 / 3, 2 * trbdf2γ / 3},
		Predictor: [][]float64{{}, {1}, {1 - 1/(2*trbdf2γ), 1 / (2 * trbdf2γ)}},
		Order:     2,
		ErrOrder:  3,
	}

	// Kvaerno3 is the method of order 3 with an error estimate from order 2 by Kværnø (2004,
	// Singly diagonally implicit Runge–Kutta methods with an explicit first stage, BIT 44,
	// 489–502).
	Kvaerno3 = &ESDIRK{
		Name: "kvaerno3",
		C:    []float64{0, 2 * kvaerno3γ, 1, 1},
		A: [][]float64{
			{0},
			{kvaerno3γ, kvaerno3γ},
			{kvaerno31, kvaerno32, kvaerno3γ},
			{kvaerno41, kvaerno42, kvaerno43, kvaerno3γ},
		},
		E:         []float64{kvaerno41 - kvaerno31, kvaerno42 - kvaerno32, kvaerno43 - kvaerno3γ, kvaerno3γ},
		Predictor: [][]float64{{}, {1}, {1 - 1/(2*kvaerno3γ), 1 / (2 * kvaerno3γ)}, {kvaerno31, kvaerno32, kvaerno3γ}},
		Order:     3,
		ErrOrder:  3,
	}

	// KenCarp4 is the method of order 4 with an error estimate from order 3 by Kennedy and Carpenter (2003, Additive Runge–Kutta schemes for
	// convection–diffusion–reaction equations, Appl. Numer. Math. 44, 139–181: ARK4(3)6L[2]SA): its implicit part and,
	// for a [Split] field, the explicit companion. P
	// is their continuous extension, of order 3. All its nodes are in [0, 1].
	KenCarp4 = &ESDIRK{
		Name: "kencarp4",
		C:    []float64{0, 1.0 / 2, 83.0 / 250, 31.0 / 50, 17.0 / 20, 1},
		A: [][]float64{
			{0},
			{1.0 / 4, 1.0 / 4},
			{8611.0 / 62500, -1743.0 / 31250, 1.0 / 4},
			{5012029.0 / 34652500, -654441.0 / 2922500, 174375.0 / 388108, 1.0 / 4},
			{15267082809.0 / 155376265600, -71443401.0 / 120774400, 730878875.0 / 902184768, 2285395.0 / 8070912, 1.0 / 4},
			{82889.0 / 524892, 0, 15625.0 / 83664, 69875.0 / 102672, -2260.0 / 8211, 1.0 / 4},
		},
		Explicit: [][]float64{
			{},
			{1.0 / 2},
			{13861.0 / 62500, 6889.0 / 62500},
			{-116923316275.0 / 2393684061468, -2731218467317.0 / 15368042101831, 9408046702089.0 / 11113171139209},
			{-451086348788.0 / 2902428689909, -2682348792572.0 / 7519795681897, 12662868775082.0 / 11960479115383, 3355817975965.0 / 11060851509271},
			{647845179188.0 / 3216320057751, 73281519250.0 / 8382639484533, 552539513391.0 / 3454668386233, 3354512671639.0 / 8306763924573, 4040.0 / 17871},
		},
		E: []float64{
			82889.0/524892 - 4586570599.0/29645900160,
			0,
			15625.0/83664 - 178811875.0/945068544,
			69875.0/102672 - 814220225.0/1159782912,
			-2260.0/8211 + 3700637.0/11593932,
			1.0/4 - 61727.0/225920,
		},
		P: [][]float64{
			{6943876665148.0 / 7220017795957, -54480133.0 / 30881146, 6818779379841.0 / 7100303317025},
			{0, 0, 0},
			{7640104374378.0 / 9702883013639, -11436875.0 / 14766696, 2173542590792.0 / 12501825683035},
			{-20649996744609.0 / 7521556579894, 174696575.0 / 18121608, -31592104683404.0 / 5083833661969},
			{8854892464581.0 / 2390941311638, -12120380.0 / 966161, 61146701046299.0 / 7138195549469},
			{-11397109935349.0 / 6675773540249, 3843.0 / 706, -17219254887155.0 / 4939391667607},
		},
		Predictor: [][]float64{
			{},
			{1},
			{1 - 83.0/125, 83.0 / 125},
			{1 - 31.0/25, 31.0 / 25},
			{1 - 85.0/62, 0, 0, 85.0 / 62},
			{1 - 20.0/17, 0, 0, 0, 20.0 / 17},
		},
		Order:    4,
		ErrOrder: 4,
	}

	// Kvaerno5 is the method of order 5 with an error estimate from order 4 by Kværnø (2004, as
	// Kvaerno3). Its third node is 1.23: it evaluates f beyond the end of the step. P is of order 4
	// with continuous slope; of the interpolants of degree 4 that are, it has the smallest
	// coefficients.
	Kvaerno5 = &ESDIRK{
		Name: "kvaerno5",
		C:    []float64{0, 0.52, 1.230333209967908, 0.8957659843500759, 0.43639360985864756, 1, 1},
		A: [][]float64{
			{0},
			{0.26, 0.26},
			{0.13, 0.84033320996790809, 0.26},
			{0.22371961478320505, 0.47675532319799699, -0.06470895363112615, 0.26},
			{0.16648564323248321, 0.10450018841591720, 0.03631482272098715, -0.13090704451073998, 0.26},
			{0.13855640231268224, 0, -0.04245337201752043, 0.02446657898003141, 0.61943039072480676, 0.26},
			{0.13659751177640291, 0, -0.05496908796538376, -0.04118626728321046, 0.62993304899016403, 0.06962479448202728, 0.26},
		},
		E: []float64{
			0.13659751177640291 - 0.13855640231268224,
			0,
			-0.05496908796538376 + 0.04245337201752043,
			-0.04118626728321046 - 0.02446657898003141,
			0.62993304899016403 - 0.61943039072480676,
			0.06962479448202728 - 0.26,
			0.26,
		},
		P: [][]float64{
			{1, -2.0720375887956837, 1.6904652246969696, -0.4818301241248868},
			{0, 0, 0, 0},
			{0, 0.8427243190616501, -1.905324989984832, 1.0076315829578002},
			{0, -0.6665857136422492, 1.168426358151655, -0.5430269117926164},
			{0, 3.2569288143993624, -3.9941254328380644, 1.3671296674288662},
			{0, -0.6050255205696861, 1.4885502190674809, -0.8138999040157667},
			{0, -0.7560043104533816, 1.5520086209067665, -0.5360043104533837},
		},
		Predictor: [][]float64{
			{},
			{1},
			{-1.366025403784441, 2.3660254037844357},
			{-0.19650552613122207, 0.8113579546496623, 0.38514757148155954},
			{0.10375304369958693, 0.937994698066431, -0.04174774176601781},
			{-0.17281112873898072, 0.6235784481025847, 0.5492326806363959},
			{0.13855640231268224, 0, -0.04245337201752043, 0.02446657898003141, 0.61943039072480676, 0.26},
		},
		Order:    5,
		ErrOrder: 5,
	}
)

// Coefficients of Kvaerno3, as functions of γ.
const (
	kvaerno31 = (-4*kvaerno3γ*kvaerno3γ + 6*kvaerno3γ - 1) / (4 * kvaerno3γ)
	kvaerno32 = (-2*kvaerno3γ + 1) / (4 * kvaerno3γ)
	kvaerno41 = (6*kvaerno3γ - 1) / (12 * kvaerno3γ)
	kvaerno42 = -1 / ((24*kvaerno3γ - 12) * kvaerno3γ)
	kvaerno43 = (-6*kvaerno3γ*kvaerno3γ + 6*kvaerno3γ - 1) / (6*kvaerno3γ - 3)
)

// ESDIRKs returns the ESDIRK methods of this package, by rising order. The slice is the
// caller's, the methods are not.
func ESDIRKs() []*ESDIRK { return []*ESDIRK{TRBDF2, Kvaerno3, KenCarp4, Kvaerno5} }
