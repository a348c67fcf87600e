package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train/dist"
)

// fitOnRanks calls Fit on n ranks, each with a model of its own, and returns their θ, reports and errors.
// With n = 0 there is no Comm.
func fitOnRanks[T Float](n int, data Dataset[T], options func(rank int) (context.Context, Options[T])) (thetas [][]T, reports []FitReport[T], errs []error) {
	comms := []dist.Comm{nil}
	if n > 0 {
		comms = dist.Local(n)
	}
	thetas, reports, errs = make([][]T, len(comms)), make([]FitReport[T], len(comms)), make([]error, len(comms))
	var group sync.WaitGroup
	for rank, c := range comms {
		group.Go(func() {
			m, err := FromField(newDecay[T], Config{Solve: odeint.Options{RTol: 1e-4, ATol: 1e-5}})
			if err != nil {
				errs[rank] = err
				return
			}
			ctx, opt := options(rank)
			opt.Comm = c
			reports[rank], errs[rank] = Fit(ctx, m, data, opt)
			if errs[rank] != nil && c != nil {
				c.Abort(errs[rank]) // must not be what ends the others
			}
			thetas[rank] = m.Params()
		})
	}
	group.Wait()
	return thetas, reports, errs
}

// uneven are 23 trajectories of several sets of times.
func uneven[T Float]() Dataset[T] {
	r := rand.New(rand.NewPCG(5, 6))
	var d Dataset[T]
	for i := range 23 {
		times := Grid(1+float64(i%3), 2+i%4)
		tr := Trajectory[T]{Times: times}
		for range 2 * len(times) {
			tr.States = append(tr.States, T(r.Float64()+0.2))
		}
		d = append(d, tr)
	}
	return d
}

func sameBits[T Float](a, b []T) bool {
	return slices.EqualFunc(a, b, func(x, y T) bool { return math.Float64bits(float64(x)) == math.Float64bits(float64(y)) })
}

// Losses, parameters, learned starts and work are the same to the last bit on any number of ranks,
// also such as do not divide the blocks, and on any number of cores.
func TestRanksHaveTheSameBits(t *testing.T) {
	t.Run("float64", sameOnRanks[float64])
	t.Run("float32", sameOnRanks[float32])
}

func sameOnRanks[T Float](t *testing.T) {
	data := uneven[T]()
	for name, opt := range map[string]Options[T]{
		"minibatches": {Steps: 100, BatchSize: 10, Chunk: 2, Clip: 0.5, Average: 0.9, Validation: data[:5], Patience: 1000, Optimizer: Adam{Rate: 0.01}},
		"starts":      {Steps: 100, Chunk: 1, LearnStarts: true, L2: 0.1, Horizon: GrowingHorizon(1, 5, 50), Optimizer: SGD{Rate: 0.05, Momentum: 0.9}},
		"l-bfgs":      {Steps: 20, Chunk: 2, Optimizer: LBFGS{}},
	} {
		var want []T
		var report FitReport[T]
		for _, n := range []int{0, 1, 2, 3, 4, 7} {
			procs := runtime.GOMAXPROCS(1 + n%3)
			thetas, reports, errs := fitOnRanks(n, data, func(int) (context.Context, Options[T]) { return context.Background(), opt })
			runtime.GOMAXPROCS(procs)
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				want, report = thetas[0], reports[0]
			}
			for rank := range thetas {
				r := reports[rank]
				same := sameBits(thetas[rank], want) && sameBits(r.Losses, report.Losses) && r.Loss == report.Loss && r.Work == report.Work &&
					(r.Validation == report.Validation || opt.Validation == nil) && slices.EqualFunc(r.Starts, report.Starts, sameBits[T])
				if !same {
					t.Errorf("%s: rank %d of %d differs: %v, loss %v, work %v; want %v, %v, %v", name, rank, n, thetas[rank], r.Loss, r.Work, want, report.Loss, report.Work)
				}
			}
		}
	}
}

// A training of 40 steps that was stopped by the hook after 15 on 3 ranks goes on with 2, and then
// with none; only rank 0 calls hooks, and it alone needs the file.
func TestRanksResume(t *testing.T) {
	data, dir := uneven[float64](), t.TempDir()
	options := func(path string, stop int) func(rank int) (context.Context, Options[float64]) {
		return func(rank int) (context.Context, Options[float64]) {
			file := filepath.Join(dir, path)
			if rank > 0 {
				file = filepath.Join(dir, "nowhere", "x")
			}
			return context.Background(), Options[float64]{
				Steps: 40, BatchSize: 9, Chunk: 2, Checkpoint: file, Resume: true, CheckpointEvery: 7, Validation: data[:4],
				Hook: func(s Step) error {
					if rank > 0 {
						return errors.New("hook of another rank")
					}
					if s.Step == stop {
						return errors.New("enough")
					}
					return nil
				},
			}
		}
	}
	want, _, errs := fitOnRanks(0, data, options("whole", -1))
	if errs[0] != nil {
		t.Fatal(errs[0])
	}
	_, _, errs = fitOnRanks(3, data, options("parts", 15))
	for rank, err := range errs {
		if err == nil || !strings.HasSuffix(err.Error(), "enough") || (rank > 0) != strings.Contains(err.Error(), "rank 0: ") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
	if _, _, errs = fitOnRanks(2, data, options("parts", 30)); errs[1] == nil {
		t.Error("not stopped")
	}
	got, reports, errs := fitOnRanks(0, data, options("parts", -1))
	if errs[0] != nil || reports[0].Steps != 40 || !sameBits(got[0], want[0]) {
		t.Errorf("%v after %d steps, %v; want %v", got, reports[0].Steps, errs, want)
	}
}

// What fails on one rank ends all with its reason.
func TestRanksFailTogether(t *testing.T) {
	bad := func(s Saved[float64]) float64 {
		if s.Target[0] == 77 {
			return math.NaN()
		}
		return MSE(s)
	}
	data := uneven[float64]()
	far := slices.Clone(data)
	far[22].States = slices.Clone(far[22].States)
	far[22].States[0] = 1e200 // whose cube overflows: the solve fails
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	ctx := context.Background()
	for _, c := range []struct {
		name    string
		data    func(rank int) Dataset[float64]
		options func(rank int) (context.Context, Options[float64])
		match   error
		text    string
	}{
		{name: "loss", data: func(int) Dataset[float64] { return far }, text: "trajector", options: func(int) (context.Context, Options[float64]) {
			return ctx, Options[float64]{Steps: 5, Chunk: 1, Loss: bad}
		}},
		{name: "skips", data: func(int) Dataset[float64] { return far }, text: "trajector", options: func(int) (context.Context, Options[float64]) {
			return ctx, Options[float64]{Steps: 5, Chunk: 1, MaxSkips: 2}
		}},
		{name: "context", text: "canceled", options: func(rank int) (context.Context, Options[float64]) {
			if rank == 2 {
				return cancelled, Options[float64]{Steps: 5}
			}
			return ctx, Options[float64]{Steps: 5}
		}},
		{name: "options on one rank", text: "L2", options: func(rank int) (context.Context, Options[float64]) {
			return ctx, Options[float64]{Steps: 5, L2: -float64(rank / 2)}
		}},
		{name: "options differ", match: ErrRanks, text: "rank 1", options: func(rank int) (context.Context, Options[float64]) {
			return ctx, Options[float64]{Steps: 5 + rank}
		}},
		{name: "schedules differ", match: ErrRanks, text: "rank 1", options: func(rank int) (context.Context, Options[float64]) {
			return ctx, Options[float64]{Steps: 5, Schedule: Cosine(0.1*float64(1+rank), 0, 10)}
		}},
		{name: "data differ", match: ErrRanks, text: "rank 2", data: func(rank int) Dataset[float64] { return data[:23-rank/2] }, options: func(int) (context.Context, Options[float64]) {
			return ctx, Options[float64]{Steps: 5}
		}},
		{name: "few blocks", text: "Blocks is 2 for 3 ranks", options: func(int) (context.Context, Options[float64]) {
			return ctx, Options[float64]{Steps: 5, Blocks: 2}
		}},
	} {
		comms, errs := dist.Local(3), make([]error, 3)
		var group sync.WaitGroup
		for rank, comm := range comms {
			group.Go(func() {
				m, err := FromField(newDecay[float64], Config{})
				if err != nil {
					errs[rank] = err
					return
				}
				d := data
				if c.data != nil {
					d = c.data(rank)
				}
				ctx, opt := c.options(rank)
				opt.Comm = comm
				_, errs[rank] = Fit(ctx, m, d, opt)
			})
		}
		group.Wait()
		for rank, err := range errs {
			if err == nil || !strings.Contains(err.Error(), c.text) || c.match != nil && !errors.Is(err, c.match) {
				t.Errorf("%s: rank %d: %v", c.name, rank, err)
			}
			var loss *LossError
			if c.name == "skips" && (!errors.As(err, &loss) || loss.Step != 2) {
				t.Errorf("%s: rank %d: %v", c.name, rank, err)
			}
		}
	}
}

// A rank that is lost in the middle ends the others with one error; the last checkpoint is whole,
// and a training that resumes it ends where one without the loss does.
func TestRanksLost(t *testing.T) {
	data, path := uneven[float64](), filepath.Join(t.TempDir(), "state")
	opt := Options[float64]{Steps: 30, Chunk: 2, Checkpoint: path, CheckpointEvery: 10}
	comms, errs := dist.Local(3), make([]error, 3)
	var group sync.WaitGroup
	for rank, comm := range comms {
		group.Go(func() {
			m, err := FromField(newDecay[float64], Config{Solve: odeint.Options{RTol: 1e-4, ATol: 1e-5}})
			if err != nil {
				errs[rank] = err
				return
			}
			opt := opt
			opt.Comm = comm
			opt.MaxSkips = 5
			opt.Hook = func(s Step) error {
				if s.Step == 23 {
					comms[1].Abort(errors.New("power cut"))
				}
				return nil
			}
			_, errs[rank] = Fit(context.Background(), m, data, opt)
		})
	}
	group.Wait()
	for rank, err := range errs {
		if !errors.Is(err, dist.ErrAborted) || strings.Count(fmt.Sprint(err), "power cut") != 1 {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
	opt.MaxSkips = 5
	resumed := opt
	resumed.Resume = true
	got, _, err1 := fitOnRanks(2, data, func(int) (context.Context, Options[float64]) { return context.Background(), resumed })
	opt.Checkpoint = ""
	want, _, err2 := fitOnRanks(0, data, func(int) (context.Context, Options[float64]) { return context.Background(), opt })
	if err := errors.Join(append(err1, err2...)...); err != nil || !sameBits(got[0], want[0]) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}
