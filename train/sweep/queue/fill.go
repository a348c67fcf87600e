package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/neuralode/neuralode/train/sweep"
)

// perSubject is the server's code for a subject that holds as many messages as it may: the job is in
// the queue already.
const perSubject jetstream.ErrorCode = 10077

// inFlight is how many publications may wait for their receipts.
const inFlight = 256

// Fill puts the jobs of a grid into the queue that are neither there nor done, and returns how many.
// Any number of processes may call it, also while others work.
func (q *Queue) Fill(ctx context.Context, g sweep.Grid) (added int, err error) {
	done, err := q.all(ctx)
	if err != nil {
		return 0, err
	}
	var receipts []jetstream.PubAckFuture
	settle := func(most int) error {
		for len(receipts) > most {
			r := receipts[0]
			receipts = receipts[1:]
			select {
			case <-ctx.Done():
				return ctx.Err()
			case a := <-r.Ok():
				if !a.Duplicate {
					added++
				}
			case err := <-r.Err():
				var api *jetstream.APIError
				if errors.As(err, &api) && api.ErrorCode == perSubject {
					continue
				}
				return fmt.Errorf("queue: putting in %q: %w", r.Msg().Data, err)
			}
		}
		return nil
	}
	for i := range g.Len() {
		job := g.Job(i).String()
		k := key(job)
		s, ok := done[k]
		if ok && s.Error == "" {
			continue
		}
		// The id has the revision of the failure, so that a job can be tried again within the
		// time for which the server knows ids.
		r, err := q.js.PublishAsync(q.subject+k, []byte(job), jetstream.WithMsgID(fmt.Sprintf("%s-%d", k, s.revision)))
		if err != nil {
			return added, fmt.Errorf("queue: putting in %q: %w", job, err)
		}
		receipts = append(receipts, r)
		if err := settle(inFlight); err != nil {
			return added, err
		}
	}
	return added, settle(0)
}
