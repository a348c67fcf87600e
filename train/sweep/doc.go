// Package sweep runs one program at many settings on any batch system: a [Grid] of settings, a
// [Shard] of it for each process, and a folder of JSON lines with the results.
//
// Nothing coordinates the processes but the folder. Each appends to a file of its own, one line as
// soon as a job is done, and begins by reading what is there: a sweep that was interrupted goes on
// where it was, with any number of shards, and one that is complete does nothing.
//
// The numbers of a shard come from a flag, or from what SLURM's job arrays, Kubernetes's indexed jobs
// and mpirun tell their processes; see [ShardOf].
package sweep
