package forecast

import (
	"context"
	"errors"
	"strings"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/dist"
)

// group is the processes that fit together. All of them must take the same way through Fit, so that a
// context that ends on one of them is seen by all at the same point: at the end of a training, whose
// ranks agree on it.
type group struct {
	comm dist.Comm
	user context.Context // of this process
	stop context.CancelFunc
}

// newGroup returns the group, nil for one process, and the context that its processes have in common.
func newGroup(ctx context.Context, comm dist.Comm) (*group, context.Context) {
	if comm == nil || comm.Size() == 1 {
		return nil, ctx
	}
	g := &group{comm: comm, user: ctx}
	ctx, g.stop = context.WithCancel(context.WithoutCancel(ctx))
	return g, ctx
}

// fit is train.Fit by all processes.
func (g *group) fit(ctx context.Context, m *train.Model[float64], set train.Dataset[float64], o train.Options[float64]) (train.FitReport[float64], error) {
	if g == nil {
		return train.Fit(ctx, m, set, o)
	}
	o.Comm = g.comm
	report, err := train.Fit(g.user, m, set, o)
	var other *dist.RankError
	if !errors.As(err, &other) {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			g.stop()
		}
		return report, err
	}
	for _, known := range []error{errWork, context.Canceled, context.DeadlineExceeded} {
		if strings.HasSuffix(other.Text, known.Error()) {
			if known != errWork {
				g.stop()
			}
			return report, errors.Join(err, known)
		}
	}
	return report, err
}

// first calls f on rank 0 and returns its error on all.
func (g *group) first(f func() error) error {
	if g == nil {
		return f()
	}
	_, err := dist.FromFirst(g.comm, func() ([]byte, error) { return nil, f() })
	return err
}
