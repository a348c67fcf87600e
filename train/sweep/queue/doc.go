// Package queue is a sweep whose jobs wait in a queue of NATS JetStream, for workers that come and go:
// spot instances, a cluster shared with others, several sites. It is a module of its own, so that
// whoever does not use it does not get NATS.
//
// Where [sweep.Run] gives each process a fixed part of the grid, here a worker takes the next job when
// it is free, so that slow jobs and slow machines cost nothing, and a job whose worker is killed goes
// to another one. [Open] makes, once, a stream with work-queue retention for the jobs and a bucket of
// keys and values for the results; [Queue.Fill] puts the jobs of a grid in, [Queue.Work] does them,
// and [Queue.Results] has what [sweep.Tabulate] makes a table of.
//
// # What is promised
//
// Every job gets exactly one result, however often workers are killed or cut off: a message is removed
// only when it was acknowledged, which a worker does after the result is stored, and a result is
// stored only if there is none. A job may be computed more than once: its worker was killed before the
// result was stored, or was out of reach for longer than [Options.AckWait].
//
// Filling is idempotent. A job that waits or is being worked on is not put in a second time, by
// message id and because a subject has room for one message; one with a result is left out; one whose
// result is an error is tried again.
package queue
