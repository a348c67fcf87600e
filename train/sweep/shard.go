package sweep

import (
	"fmt"
	"strconv"
	"strings"
)

// Shard is one process's part of a sweep: jobs Index, Index + Count, Index + 2·Count and so on, which
// spreads the slow ones.
type Shard struct{ Index, Count int }

// ShardOf reads "i/n", with i from 0. If that is empty, the environment tells: SLURM_ARRAY_TASK_ID,
// _MIN and _COUNT; JOB_COMPLETION_INDEX, with JOB_COMPLETIONS, which a manifest must set, since
// Kubernetes does not; OMPI_COMM_WORLD_RANK and _SIZE of Open MPI; or PMI_RANK and _SIZE of MPICH.
// Without any, all jobs are one shard. getenv is os.Getenv.
func ShardOf(flag string, getenv func(string) string) (Shard, error) {
	if flag != "" {
		i, n, ok := strings.Cut(flag, "/")
		if !ok {
			return Shard{}, fmt.Errorf("%w: shard %q; write i/n with i from 0 to n−1", ErrUsage, flag)
		}
		return shard("the shard", i, n, "0")
	}
	for _, e := range []struct{ index, count, first string }{
		{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"},
		{"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", ""},
		{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", ""},
		{"PMI_RANK", "PMI_SIZE", ""},
	} {
		if i := getenv(e.index); i != "" {
			first := "0"
			if e.first != "" && getenv(e.first) != "" {
				first = getenv(e.first)
			}
			return shard(e.index+" and "+e.count, i, getenv(e.count), first)
		}
	}
	return Shard{0, 1}, nil
}

func shard(what, index, count, first string) (Shard, error) {
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(count)
	f, err3 := strconv.Atoi(first)
	if err1 != nil || err2 != nil || err3 != nil || i < f || i-f >= n {
		return Shard{}, fmt.Errorf("%w: %s say %q of %q, from %s; indices must follow each other", ErrUsage, what, index, count, first)
	}
	return Shard{i - f, n}, nil
}
