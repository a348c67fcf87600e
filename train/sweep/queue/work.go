package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/neuralode/neuralode/train/sweep"
)

// Work does jobs one after the other until the queue is empty and no other worker has a job that could
// come back, and returns how many results it stored. A job whose f fails has a result with its error;
// the next Fill puts it in again. Numbers must be finite. The error is that of the server, of ctx, or
// tells how many jobs failed here. For several jobs at once, call it in several goroutines.
func (q *Queue) Work(ctx context.Context, f func(ctx context.Context, j sweep.Job) (map[string]float64, error)) (results int, err error) {
	bad := 0
	for {
		if err := ctx.Err(); err != nil {
			return results, err
		}
		m, err := q.next(ctx)
		if err != nil {
			return results, err
		}
		if m == nil {
			waiting, working, err := q.Waiting(ctx)
			if err != nil {
				return results, err
			}
			if waiting+working > 0 {
				continue
			}
			if bad > 0 {
				return results, fmt.Errorf("queue: %d jobs failed; the results say why, and filling again tries them again", bad)
			}
			return results, nil
		}
		r, isNew, err := q.do(ctx, m, f)
		if err != nil {
			return results, err
		}
		if isNew {
			results++
			if r.Error != "" {
				bad++
			}
		}
	}
}

// next waits for a job, and returns nil if there is none for a while.
func (q *Queue) next(ctx context.Context) (jetstream.Msg, error) {
	wait, cancel := context.WithTimeout(ctx, min(time.Second/2, q.wait))
	defer cancel()
	m, err := q.consumer.Next(jetstream.FetchContext(wait))
	if err == nil {
		return m, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoMessages) {
		return nil, nil
	}
	return nil, fmt.Errorf("queue: waiting for a job: %w", err)
}

// do does one job, unless it has a result, stores the result, and acknowledges the message.
func (q *Queue) do(ctx context.Context, m jetstream.Msg, f func(ctx context.Context, j sweep.Job) (map[string]float64, error)) (r sweep.Result, isNew bool, err error) {
	meta, err := m.Metadata()
	if err != nil {
		return r, false, fmt.Errorf("queue: %w", err)
	}
	r.Job = string(m.Data())
	k := key(r.Job)
	var old uint64
	e, err := q.results.Get(ctx, k)
	switch {
	case err == nil:
		s, err := decode(e)
		if err != nil {
			return r, false, err
		}
		if s.Error == "" {
			return r, false, q.acknowledge(ctx, m) // its worker was killed before it could
		}
		old = s.revision
	case !errors.Is(err, jetstream.ErrKeyNotFound):
		return r, false, fmt.Errorf("queue: %s: %w", r.Job, err)
	}
	if meta.NumDelivered > uint64(q.tries) {
		r.Error = fmt.Sprintf("%d workers began this job and were killed or cut short; does it need more memory or time than they have?", q.tries)
	} else {
		j, err := sweep.ParseJob(r.Job)
		if err != nil {
			return r, false, err
		}
		began := time.Now()
		stop := q.report(m)
		numbers, err := f(ctx, j)
		stop()
		if ctx.Err() != nil {
			_ = m.Nak() // cut short; if this is lost, AckWait does the same
			return r, false, ctx.Err()
		}
		r.Numbers, r.Seconds = numbers, time.Since(began).Seconds()
		if err != nil {
			r.Numbers, r.Error = nil, err.Error()
		}
	}
	value, err := json.Marshal(r)
	if err != nil {
		return r, false, fmt.Errorf("queue: %s: %w", r.Job, err)
	}
	if old > 0 {
		_, err = q.results.Update(ctx, k, value, old)
	} else {
		_, err = q.results.Create(ctx, k, value)
	}
	isNew = err == nil
	if err != nil && !errors.Is(err, jetstream.ErrKeyExists) && !wrongRevision(err) {
		return r, false, fmt.Errorf("queue: storing the result of %s: %w", r.Job, err)
	}
	return r, isNew, q.acknowledge(ctx, m)
}

// wrongRevision tells whether another worker stored a result meanwhile.
func wrongRevision(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// acknowledge removes a message. If the answer is lost, the job comes back and is found to be done.
func (q *Queue) acknowledge(ctx context.Context, m jetstream.Msg) error {
	if err := m.DoubleAck(ctx); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

// report tells the server, until the returned function is called, that the job is being worked on.
func (q *Queue) report(m jetstream.Msg) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(q.wait / 3)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				_ = m.InProgress() // a lost report is followed by another
			}
		}
	}()
	return func() { close(end); <-ended }
}
