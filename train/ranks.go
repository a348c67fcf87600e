package train

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"math"

	"github.com/neuralode/neuralode/train/dist"
)

// ErrRanks is matched by the error of a training whose ranks were given different models, data or
// options.
var ErrRanks = errors.New("train: ranks differ")

// ranks is the group of processes that train together. A nil *ranks is a process alone.
type ranks struct {
	comm   dist.Comm
	sum    dist.Reducer
	stop   context.CancelFunc // of the context that all ranks share
	reason error              // why it was called; nil: it was not
	broken error              // the error of the group, after which it is of no use

	part, all []float64
	counts    []int
}

// What a rank says about its part of an evaluation.
const (
	fine = iota
	failed
	stopped
)

// newRanks returns the group and the context of its training. It ends by itself on no rank: ctx of
// any rank ends it on all, at the same evaluation of the loss.
func newRanks(ctx context.Context, comm dist.Comm) (*ranks, context.Context) {
	r := &ranks{comm: comm, sum: dist.Reducer{Comm: comm}}
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	return r, ctx
}

// own returns the blocks of this rank.
func (r *ranks) own(n int) (lo, hi int) {
	if r == nil {
		return 0, n
	}
	return dist.Range(n, r.comm.Size(), r.comm.Rank())
}

// first reports whether this rank writes files and calls hooks.
func (r *ranks) first() bool { return r == nil || r.comm.Rank() == 0 }

// fromFirst calls f on rank 0 and returns its error on all.
func (r *ranks) fromFirst(f func() error) error {
	if r == nil {
		return f()
	}
	if r.broken != nil {
		return r.broken
	}
	var own error
	_, err := dist.FromFirst(r.comm, func() ([]byte, error) { own = f(); return nil, own })
	var other *dist.RankError
	if err != nil && err != own && !errors.As(err, &other) {
		return r.breaks(err)
	}
	return err
}

// breaks ends the training on this rank because the group has failed.
func (r *ranks) breaks(err error) error {
	if r.broken == nil {
		r.broken = fmt.Errorf("train: the group of ranks failed: %w", err)
	}
	r.stop()
	return r.broken
}

// agree returns an error on all ranks if one of them has one, or if their prints differ.
func (r *ranks) agree(err error, print uint32) error {
	status := float64(fine)
	if err != nil {
		status = failed
	}
	all, e := r.gather([]float64{status, float64(print)})
	if e != nil {
		return e
	}
	for k := range r.comm.Size() {
		if all[2*k] == failed {
			return r.errorOf(k, err)
		}
	}
	for k := range r.comm.Size() {
		if all[2*k+1] != all[1] {
			return fmt.Errorf("%w: rank %d was given another model, other data or other options than rank 0; give all ranks the same, they share the work by themselves", ErrRanks, k)
		}
	}
	return nil
}

// gather returns what all ranks give, the same number each.
func (r *ranks) gather(part []float64) ([]float64, error) {
	size := r.comm.Size()
	r.all = grown(r.all, size*len(part))
	r.counts = grown(r.counts, size)
	for k := range r.counts {
		r.counts[k] = len(part)
	}
	if err := r.comm.AllGather(r.all, part, r.counts); err != nil {
		return nil, r.breaks(err)
	}
	return r.all, nil
}

// errorOf returns the error of rank k on every rank.
func (r *ranks) errorOf(k int, own error) error {
	var text []byte
	if r.comm.Rank() == k {
		text = []byte(own.Error())
	}
	text, err := dist.Share(r.comm, text, k)
	switch {
	case err != nil:
		return r.breaks(err)
	case r.comm.Rank() == k:
		return own
	}
	return &dist.RankError{Rank: k, Text: string(text)}
}

// collect exchanges what an evaluation at x has found: every rank gets the losses of all blocks, the
// work of all and the first error.
func (r *ranks) collect(ctx context.Context, x, losses []float64, w *Work, err error) error {
	n, size := len(losses), r.comm.Size()
	lo, hi := r.own(n)
	status := float64(fine)
	if err != nil {
		status = failed
	}
	if ctx.Err() != nil {
		status, err = stopped, ctx.Err()
	}
	const fixed = 5
	r.part = append(r.part[:0], status, float64(hashed(newHash(), x).Sum32()), float64(w.Solves), float64(w.NFEForward), float64(w.NFEBackward))
	r.part = append(r.part, losses[lo:hi]...)
	r.counts = grown(r.counts, size)
	for k := range r.counts {
		a, b := dist.Range(n, size, k)
		r.counts[k] = fixed + b - a
	}
	r.all = grown(r.all, n+fixed*size)
	if e := r.comm.AllGather(r.all, r.part, r.counts); e != nil {
		return r.breaks(e)
	}
	*w = Work{}
	worst, of, differs := float64(fine), 0, -1
	all := r.all
	for k := range size {
		a, b := dist.Range(n, size, k)
		if all[0] > worst {
			worst, of = all[0], k
		}
		if differs < 0 && all[1] != r.all[1] {
			differs = k
		}
		w.Solves += int(all[2])
		w.NFEForward += int(all[3])
		w.NFEBackward += int(all[4])
		copy(losses[a:b], all[fixed:r.counts[k]])
		all = all[r.counts[k]:]
	}
	switch {
	case differs >= 0:
		r.broken = fmt.Errorf("%w: rank %d is at another point than rank 0; schedules, horizons, penalties and optimisers must be the same functions of the step on all", ErrRanks, differs)
		r.stop()
		return r.broken
	case worst == stopped:
		err = r.errorOf(of, err)
		r.reason = err
		r.stop()
		return err
	case worst == failed:
		return r.errorOf(of, err)
	}
	return nil
}

// reduce adds the gradients of the blocks, and gathers those by the starts: each rank has those of
// its trajectories and zeros.
func (r *ranks) reduce(grad []float64, params, n int, own [][]float64, starts bool) error {
	if err := r.sum.Sum(grad[:params], n, own); err != nil {
		return r.breaks(err)
	}
	if !starts {
		return nil
	}
	if err := r.sum.Sum(grad[params:], r.comm.Size(), [][]float64{append(r.part[:0], grad[params:]...)}); err != nil {
		return r.breaks(err)
	}
	return nil
}

// final returns the error of a training for this rank's caller.
func (r *ranks) final(err error) error {
	r.stop()
	switch {
	case r.broken != nil:
		return r.broken
	case err != nil && r.reason != nil:
		return fmt.Errorf("train: stopped: %w", r.reason)
	}
	return err
}

// print is a number for all that ranks must have in common.
func (o *objective[T]) print(opt *Options[T], mo *MinimizeOptions, validation *objective[T]) uint32 {
	h := newHash()
	seed := uint64(0)
	if mo.seed != nil {
		seed = *mo.seed
	}
	name := ""
	if opt.Optimizer != nil {
		name = opt.Optimizer.String()
	}
	fmt.Fprintln(h, mo.Steps, opt.BatchSize, seed, name, opt.Clip, opt.Average, opt.MaxSkips, opt.ValidateEvery, opt.Patience, opt.L2,
		opt.LearnStarts, opt.Resume, o.chunk, len(o.losses), opt.Horizon == nil, opt.Penalty == nil, opt.Schedule == nil, opt.Checkpoint == "")
	hashed(h, o.initial())
	for _, d := range []*objective[T]{o, validation} {
		if d == nil {
			continue
		}
		fmt.Fprintln(h, len(d.data), d.scaler)
		for i, tr := range d.data {
			hashed(hashed(h, tr.Times), d.weights[i])
			hashed(hashed(h, tr.States), d.starts[i])
			hashed(hashed(h, tr.Controls.Times), tr.Controls.Values)
			hashed(hashed(h, tr.Controls.Times), tr.Controls.Values)
		}
	}
	return h.Sum32()
}

// hashed writes numbers to a hash.
func hashed[F Float](h hash.Hash32, v []F) hash.Hash32 {
	var buf [512]byte
	for len(v) > 0 {
		n := min(len(v), len(buf)/8)
		for i, x := range v[:n] {
			binary.LittleEndian.PutUint64(buf[8*i:], math.Float64bits(float64(x)))
		}
		h.Write(buf[:8*n])
		v = v[n:]
	}
	return h
}

// newHash returns the hash by which ranks compare what they have: against mistakes, and fast.
func newHash() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }
