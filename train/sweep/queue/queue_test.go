package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/neuralode/neuralode/train/sweep"
)

// start runs a server in this process, with its files in a folder of the test.
func start(t testing.TB) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	return s.ClientURL()
}

func dial(t testing.TB, url, name string, o Options) *Queue {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	q, err := Open(t.Context(), nc, name, o)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func grid(t testing.TB, s string) sweep.Grid {
	t.Helper()
	g, err := sweep.ParseGrid(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func number(j sweep.Job) map[string]float64 {
	a, _ := strconv.ParseFloat(j.Get("a"), 64)
	b, _ := strconv.ParseFloat(j.Get("b"), 64)
	return map[string]float64{"loss": a + b/1000}
}

// complete fails the test unless every job of the grid has exactly one result, and the right one.
func complete(t *testing.T, q *Queue, g sweep.Grid) {
	t.Helper()
	all, err := q.Results(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, r := range all {
		count[r.Job]++
		j, err := sweep.ParseJob(r.Job)
		if err != nil || r.Error != "" || !maps.Equal(r.Numbers, number(j)) {
			t.Errorf("%+v, %v", r, err)
		}
	}
	for i := range g.Len() {
		if n := count[g.Job(i).String()]; n != 1 {
			t.Errorf("%s has %d results", g.Job(i), n)
		}
	}
	if len(all) != g.Len() {
		t.Errorf("%d results of %d jobs", len(all), g.Len())
	}
	if waiting, working, err := q.Waiting(t.Context()); err != nil || waiting+working != 0 {
		t.Errorf("%d jobs wait and %d are worked on, %v", waiting, working, err)
	}
	if m := sweep.Tabulate(g, all); m.Missing != 0 || m.Failed != 0 {
		t.Errorf("%d missing, %d failed", m.Missing, m.Failed)
	}
}

// TestMain turns this program into a worker when a test asks for one.
func TestMain(m *testing.M) {
	url := os.Getenv("QUEUE_TEST_SERVER")
	if url == "" {
		os.Exit(m.Run())
	}
	err := func() error {
		nc, err := nats.Connect(url)
		if err != nil {
			return err
		}
		q, err := Open(context.Background(), nc, "killed", killed)
		if err != nil {
			return err
		}
		log, err := os.OpenFile(os.Getenv("QUEUE_TEST_LOG"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
		if err != nil {
			return err
		}
		_, err = q.Work(context.Background(), func(_ context.Context, j sweep.Job) (map[string]float64, error) {
			fmt.Fprintln(log, j)
			time.Sleep(time.Duration(rand.IntN(4000)) * time.Microsecond)
			return number(j), nil
		})
		return err
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

var killed = Options{AckWait: 300 * time.Millisecond, Tries: 50}

// A thousand jobs, three processes, one of which is killed every 60 ms and replaced: every job has one
// result, and nothing is left in the queue.
func TestKilledWorkers(t *testing.T) {
	url, log := start(t), filepath.Join(t.TempDir(), "log")
	q, g := dial(t, url, "killed", killed), grid(t, "a=1..100 b=1..10")
	if n, err := q.Fill(t.Context(), g); n != 1000 || err != nil {
		t.Fatalf("%d jobs, %v", n, err)
	}
	type worker struct {
		cmd  *exec.Cmd
		ends chan error
	}
	begin := func() worker {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "QUEUE_TEST_SERVER="+url, "QUEUE_TEST_LOG="+log)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w := worker{cmd, make(chan error, 1)}
		go func() { w.ends <- cmd.Wait() }()
		return w
	}
	workers := []worker{begin(), begin(), begin()}
	kills, r := 0, rand.New(rand.NewPCG(1, 2))
	for kills < 15 {
		time.Sleep(60 * time.Millisecond)
		i := r.IntN(len(workers))
		if err := workers[i].cmd.Process.Kill(); err != nil {
			break // it found the queue empty
		}
		if err := <-workers[i].ends; err == nil {
			break
		}
		kills++
		workers[i] = begin()
	}
	for _, w := range workers {
		select {
		case err := <-w.ends:
			if err != nil && kills > 0 && !strings.Contains(err.Error(), "killed") {
				t.Error(err)
			}
		case <-time.After(60 * time.Second):
			t.Fatal("the workers do not end")
		}
	}
	if _, err := q.Work(t.Context(), func(_ context.Context, j sweep.Job) (map[string]float64, error) { return number(j), nil }); err != nil {
		t.Fatal(err)
	}
	done, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills; %d computations of 1000 jobs", kills, strings.Count(string(done), "\n"))
	if kills < 3 {
		t.Errorf("only %d workers were killed", kills)
	}
	complete(t, q, g)
}

// Eight goroutines that lose their jobs without a word one time in five, and fill the queue again now
// and then: the same.
func TestLostJobs(t *testing.T) {
	url := start(t)
	o := Options{AckWait: 200 * time.Millisecond, Tries: 1000}
	g := grid(t, "a=1..100 b=1..10")
	var (
		wait  sync.WaitGroup
		lost  atomic.Int64
		fresh atomic.Int64
	)
	for w := range 8 {
		q := dial(t, url, "lost", o)
		wait.Add(1)
		go func() {
			defer wait.Done()
			r := rand.New(rand.NewPCG(3, uint64(w)))
			if _, err := q.Fill(t.Context(), g); err != nil {
				t.Error(err)
				return
			}
			for {
				// A worker that takes a job and vanishes never acknowledges it.
				if r.IntN(8) == 0 {
					if m, err := q.next(t.Context()); err != nil {
						t.Error(err)
						return
					} else if m != nil {
						lost.Add(1)
						continue
					}
				}
				m, err := q.next(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if m == nil {
					waiting, working, err := q.Waiting(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					if waiting+working == 0 {
						return
					}
					continue
				}
				_, isNew, err := q.do(t.Context(), m, func(_ context.Context, j sweep.Job) (map[string]float64, error) { return number(j), nil })
				if err != nil {
					t.Error(err)
					return
				}
				if isNew {
					fresh.Add(1)
				}
				if r.IntN(200) == 0 {
					if _, err := q.Fill(t.Context(), g); err != nil {
						t.Error(err)
					}
				}
			}
		}()
	}
	wait.Wait()
	if fresh.Load() != 1000 || lost.Load() < 50 {
		t.Errorf("%d results stored, %d jobs lost", fresh.Load(), lost.Load())
	}
	complete(t, dial(t, url, "lost", o), g)
}

// A job whose worker died after storing the result and before the acknowledgement is not computed again.
func TestStoredIsNotComputedAgain(t *testing.T) {
	q, g := dial(t, start(t), "stored", Options{AckWait: 200 * time.Millisecond}), grid(t, "a=1 b=1")
	if n, err := q.Fill(t.Context(), g); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	m, err := q.next(t.Context())
	if m == nil || err != nil {
		t.Fatal(m, err)
	}
	value := `{"job":"a=1 b=1","numbers":{"loss":1.001},"seconds":1}`
	if _, err := q.results.Create(t.Context(), key("a=1 b=1"), []byte(value)); err != nil {
		t.Fatal(err)
	}
	n, err := q.Work(t.Context(), func(context.Context, sweep.Job) (map[string]float64, error) {
		t.Error("computed again")
		return nil, nil
	})
	if n != 0 || err != nil {
		t.Error(n, err)
	}
	complete(t, q, g)
	if n, err := q.Fill(t.Context(), g); n != 0 || err != nil {
		t.Errorf("a job that is done is put in: %d, %v", n, err)
	}
}

// A job that takes longer than AckWait stays with its worker.
func TestLongJob(t *testing.T) {
	q, g := dial(t, start(t), "long", Options{AckWait: 300 * time.Millisecond}), grid(t, "a=1 b=1")
	if _, err := q.Fill(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	var runs atomic.Int64
	for range 2 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			_, err := q.Work(t.Context(), func(_ context.Context, j sweep.Job) (map[string]float64, error) {
				runs.Add(1)
				time.Sleep(time.Second)
				return number(j), nil
			})
			if err != nil {
				t.Error(err)
			}
		}()
	}
	wait.Wait()
	if runs.Load() != 1 {
		t.Errorf("computed %d times", runs.Load())
	}
	complete(t, q, g)
}

// A failure is a result; the next Fill, at once, tries the job again, and its success takes the place.
func TestFailedAreTriedAgain(t *testing.T) {
	q, g := dial(t, start(t), "failed", Options{}), grid(t, "a=1..3 b=1")
	fail := true
	f := func(_ context.Context, j sweep.Job) (map[string]float64, error) {
		if j.Get("a") == "2" && fail {
			return nil, errors.New("diverged")
		}
		return number(j), nil
	}
	for round := range 3 {
		n, err := q.Fill(t.Context(), g)
		if want := []int{3, 1, 1}[round]; n != want || err != nil {
			t.Errorf("round %d put in %d jobs, want %d, %v", round, n, want, err)
		}
		fail = round < 2
		n, err = q.Work(t.Context(), f)
		if want := []int{3, 1, 1}[round]; n != want || (err != nil) != fail {
			t.Errorf("round %d did %d jobs, want %d, %v", round, n, want, err)
		}
	}
	complete(t, q, g)
	if err := q.Delete(t.Context()); err != nil {
		t.Error(err)
	}
}

// A job that kills whoever takes it ends as an error instead of going round for ever.
func TestDeadlyJob(t *testing.T) {
	q, g := dial(t, start(t), "deadly", Options{AckWait: 100 * time.Millisecond, Tries: 2}), grid(t, "a=1..2 b=1")
	if _, err := q.Fill(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	deadly := g.Job(0).String()
	for taken := 0; taken < 2; {
		m, err := q.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case m == nil:
		case string(m.Data()) == deadly:
			taken++
		default:
			if _, _, err := q.do(t.Context(), m, func(_ context.Context, j sweep.Job) (map[string]float64, error) { return number(j), nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := q.Work(t.Context(), func(_ context.Context, j sweep.Job) (map[string]float64, error) { return number(j), nil }); err == nil {
		t.Error("the error does not show")
	}
	all, err := q.Results(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if (r.Error != "") != (r.Job == deadly) {
			t.Errorf("%+v", r)
		}
	}
}

// A cancelled worker gives its job back at once.
func TestCancelledGivesBack(t *testing.T) {
	q, g := dial(t, start(t), "cancel", Options{AckWait: time.Hour}), grid(t, "a=1 b=1")
	if _, err := q.Fill(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := q.Work(ctx, func(context.Context, sweep.Job) (map[string]float64, error) { cancel(); return nil, nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if n, err := q.Work(ctx, func(_ context.Context, j sweep.Job) (map[string]float64, error) { return number(j), nil }); n != 1 || err != nil {
		t.Error(n, err)
	}
	complete(t, q, g)
}

func TestUsage(t *testing.T) {
	for _, name := range []string{"", "a.b", "a b", "ä", "a>"} {
		if _, err := Open(t.Context(), nil, name, Options{}); !errors.Is(err, ErrUsage) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := Open(t.Context(), nil, "a", Options{Tries: -1}); !errors.Is(err, ErrUsage) {
		t.Error(err)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := Open(t.Context(), nc, "a", Options{}); err == nil || !strings.Contains(err.Error(), "JetStream") {
		t.Errorf("a server without JetStream: %v", err)
	}
}

// A worker that was cut off, and whose job another one finished meanwhile, does not replace the result.
func TestFirstResultStays(t *testing.T) {
	q, g := dial(t, start(t), "first", Options{}), grid(t, "a=1 b=1")
	if _, err := q.Fill(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	n, err := q.Work(t.Context(), func(ctx context.Context, j sweep.Job) (map[string]float64, error) {
		_, err := q.results.Create(ctx, key(j.String()), []byte(`{"job":"a=1 b=1","numbers":{"loss":1.001},"seconds":1}`))
		return map[string]float64{"loss": 5}, err
	})
	if n != 0 || err != nil {
		t.Errorf("%d results stored, %v", n, err)
	}
	complete(t, q, g)
}
