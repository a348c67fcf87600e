"""torchode on the samples of examples/benchmark (samples.go), each with its own steps and end:
V256 are 256 van der Pol oscillators, N256 256 networks 8-64-8. In eager mode.

usage: torchode_samples_peer.py [-threads n] [-seconds s]

Prints what jax_samples_peer.py prints. Ends with status 3 if PyTorch or torchode cannot be
imported.
"""
import argparse
import json
import math
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("-threads", type=int, default=1)
parser.add_argument("-seconds", type=float, default=2)
args = parser.parse_args()
try:
    import torch
    import torchode as to
except ImportError as e:
    print(f"{e}; pip install torch torchode", file=sys.stderr)
    sys.exit(3)
torch.set_num_threads(max(1, args.threads))
torch.set_default_dtype(torch.float64)


def formula(rows, cols, s):
    i, j = torch.arange(rows)[:, None], torch.arange(cols)[None]
    return torch.sin(1 + 12.9898 * i + 78.233 * j + s)


n = 256
mu = 1 + 49 * torch.arange(n) / (n - 1)
p = (0.8 / math.sqrt(8) * formula(8, 64, 1), 0.1 * formula(1, 64, 2)[0], 0.1 * formula(64, 8, 3), 0.1 * formula(1, 8, 4)[0])


def oscillator(t, y):
    return torch.stack([y[:, 1], mu * (1 - y[:, 0] ** 2) * y[:, 1] - y[:, 0]], dim=1)


def network(t, y):
    return torch.tanh(y @ p[0] + p[1]) @ p[2] + p[3]


def solver(f):
    term = to.ODETerm(f)
    return to.AutoDiffAdjoint(to.Tsit5(term=term), to.IntegralController(atol=1e-6, rtol=1e-6, term=term))


work = {
    "V256": (oscillator, torch.tensor([2.0, 0.0]).repeat(n, 1), torch.full((n,), 20.0)),
    "N256": (network, 1 + 0.3 * formula(n, 8, 5), 1 + 9 * (torch.arange(n) * 37 % n) / (n - 1)),
}
clock = time.process_time if args.threads == 1 else time.perf_counter
with torch.no_grad():
    for name, (f, y0, end) in work.items():
        solve = solver(f)
        problem = to.InitialValueProblem(y0=y0, t_start=torch.zeros(n), t_end=end, t_eval=end[:, None])
        best, batches, began = math.inf, 0, time.perf_counter()
        while batches < 2 or time.perf_counter() - began < args.seconds:
            calls, start = 0, clock()
            while calls == 0 or clock() - start < min(0.005, args.seconds):
                sol = solve.solve(problem)
                calls += 1
            best = min(best, (clock() - start) / calls)
            batches += 1
        assert (sol.status == 0).all(), sol.status
        out = dict(program="torchode", workload=name, threads=args.threads, ms=best * 1e3, compile_s=0,
                   versions=f"torch {torch.__version__}, torchode {to.__version__}", loss=float((sol.ys[:, -1, 0] ** 2).mean()))
        out["pass"] = "samples"
        print(json.dumps(out), flush=True)
