package dist_test

import (
	"fmt"
	"sync"

	"github.com/neuralode/neuralode/train/dist"
)

// Three ranks add five vectors.
func ExampleReducer() {
	blocks := [][]float64{{1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, 50}}
	var group sync.WaitGroup
	for _, c := range dist.Local(3) {
		group.Go(func() {
			lo, hi := dist.Range(len(blocks), c.Size(), c.Rank())
			sum := make([]float64, 2)
			r := dist.Reducer{Comm: c}
			if err := r.Sum(sum, len(blocks), blocks[lo:hi]); err != nil {
				panic(err)
			}
			if c.Rank() == 0 {
				fmt.Println(sum)
			}
		})
	}
	group.Wait()
	// Output: [15 150]
}
