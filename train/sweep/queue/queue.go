package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/neuralode/neuralode/train/sweep"
)

// Options configure a queue. They take effect when it is first opened and are changed by later calls
// with other ones; all workers should be given the same.
type Options struct {
	// AckWait is how long a worker may be silent before its job goes to another one. A worker that
	// lives reports three times in that time, however long its job takes. 0 means 30 s.
	AckWait time.Duration
	// Tries is how many workers a job may be given to; if none of them finishes it, because it was
	// killed or cut short, the result is an error: a job may need more memory than there is. 0
	// means 10.
	Tries int
	// Replicas is how many servers of a NATS cluster keep jobs and results. 0 means 1.
	Replicas int
}

// Queue is a sweep on a NATS server. It may be used by several goroutines at once.
type Queue struct {
	js       jetstream.JetStream
	jobs     jetstream.Stream
	consumer jetstream.Consumer
	results  jetstream.KeyValue
	subject  string // of a job, without its key
	wait     time.Duration
	tries    int
}

// ErrUsage is matched by errors about names and options of a queue.
var ErrUsage = errors.New("queue: wrong usage")

// Open returns the queue of a name, letters, digits, "-" and "_", and makes it on the server if it is
// not there. The server must have JetStream (nats-server -js).
func Open(ctx context.Context, nc *nats.Conn, name string, o Options) (*Queue, error) {
	if !plain(name) {
		return nil, fmt.Errorf("%w: name %q; use letters, digits, - and _", ErrUsage, name)
	}
	if o.AckWait < 0 || o.Tries < 0 || o.Replicas < 0 {
		return nil, fmt.Errorf("%w: AckWait %v, Tries %d and Replicas %d must not be negative", ErrUsage, o.AckWait, o.Tries, o.Replicas)
	}
	if o.AckWait == 0 {
		o.AckWait = 30 * time.Second
	}
	if o.Tries == 0 {
		o.Tries = 10
	}
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	q := &Queue{js: js, subject: "neuralode.sweep." + name + ".", wait: o.AckWait, tries: o.Tries}
	q.jobs, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:                 "sweep_" + name + "_jobs",
		Subjects:             []string{q.subject + "*"},
		Retention:            jetstream.WorkQueuePolicy,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		MaxMsgsPerSubject:    1,
		Duplicates:           2 * time.Minute,
		Replicas:             o.Replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("queue: the stream of jobs: %w; the server needs JetStream (nats-server -js)", err)
	}
	q.consumer, err = q.jobs.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       "workers",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       o.AckWait,
		MaxAckPending: -1,
	})
	if err != nil {
		return nil, fmt.Errorf("queue: the consumer of jobs: %w", err)
	}
	q.results, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:   "sweep_" + name + "_results",
		Replicas: o.Replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("queue: the bucket of results: %w", err)
	}
	return q, nil
}

func plain(name string) bool {
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return name != ""
}

// key is what a job is known by on the server, where names have fewer letters.
func key(job string) string {
	sum := sha256.Sum256([]byte(job))
	return hex.EncodeToString(sum[:16])
}

// stored is a result and its revision in the bucket.
type stored struct {
	sweep.Result
	revision uint64
}

func (q *Queue) all(ctx context.Context) (map[string]stored, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := q.results.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("queue: reading results: %w", err)
	}
	defer w.Stop()
	out := map[string]stored{}
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				return nil, fmt.Errorf("queue: reading results: the connection ended")
			case e == nil:
				return out, nil // all that was there
			}
			s, err := decode(e)
			if err != nil {
				return nil, err
			}
			out[e.Key()] = s
		}
	}
}

func decode(e jetstream.KeyValueEntry) (stored, error) {
	s := stored{revision: e.Revision()}
	if err := json.Unmarshal(e.Value(), &s.Result); err != nil {
		return s, fmt.Errorf("queue: the result under %s: %w", e.Key(), err)
	}
	return s, nil
}

// Results returns every result so far, in no order.
func (q *Queue) Results(ctx context.Context) ([]sweep.Result, error) {
	all, err := q.all(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]sweep.Result, 0, len(all))
	for _, s := range all {
		out = append(out, s.Result)
	}
	return out, nil
}

// Waiting returns how many jobs no worker has, and how many are being worked on.
func (q *Queue) Waiting(ctx context.Context) (waiting, working int, err error) {
	info, err := q.consumer.Info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("queue: %w", err)
	}
	return int(info.NumPending), info.NumAckPending, nil
}

// Delete removes the queue with its jobs and results from the server.
func (q *Queue) Delete(ctx context.Context) error {
	return errors.Join(
		q.js.DeleteStream(ctx, q.jobs.CachedInfo().Config.Name),
		q.js.DeleteKeyValue(ctx, q.results.Bucket()))
}
