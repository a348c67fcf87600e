package queue_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/neuralode/neuralode/train/sweep"
	"github.com/neuralode/neuralode/train/sweep/queue"
)

// Every worker runs the same program: it fills the queue, which only the first one does in effect, and
// works until nothing is left. Here the server is in the process; nats-server -js is one elsewhere.
func Example() {
	dir, err := os.MkdirTemp("", "queue")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true})
	if err != nil {
		log.Fatal(err)
	}
	s.Start()
	defer s.Shutdown()
	s.ReadyForConnections(10 * time.Second)

	ctx := context.Background()
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	q, err := queue.Open(ctx, nc, "squares", queue.Options{})
	if err != nil {
		log.Fatal(err)
	}
	grid, err := sweep.ParseGrid("x=1..5")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := q.Fill(ctx, grid); err != nil {
		log.Fatal(err)
	}
	n, err := q.Work(ctx, func(_ context.Context, j sweep.Job) (map[string]float64, error) {
		x, err := strconv.ParseFloat(j.Get("x"), 64)
		return map[string]float64{"square": x * x}, err
	})
	if err != nil {
		log.Fatal(err)
	}
	results, err := q.Results(ctx)
	if err != nil {
		log.Fatal(err)
	}
	table := sweep.Tabulate(grid, results)
	fmt.Println(n, "jobs,", table.Missing, "missing:", table.Rows)
	// Output: 5 jobs, 0 missing: [[1] [4] [9] [16] [25]]
}
