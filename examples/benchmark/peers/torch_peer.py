"""PyTorch and torchdiffeq on the workloads of examples/benchmark, with the same numbers.

usage: torch_peer.py [-threads n] [-only W1,H64] [-seconds s]

Prints what jax_peer.py prints. Ends with status 3 if torch or torchdiffeq cannot be
imported.
"""
import argparse
import json
import math
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("-threads", type=int, default=1)
parser.add_argument("-only", default="")
parser.add_argument("-seconds", type=float, default=2)
args = parser.parse_args()
try:
    import torch
    import torchdiffeq
except ImportError as e:
    print(f"{e}; pip install torch torchdiffeq", file=sys.stderr)
    sys.exit(3)
torch.set_num_threads(args.threads)
torch.set_default_dtype(torch.float64)

WORKLOADS = {
    "W1": (1, 2, 64, 2), "W2": (64, 2, 64, 2), "W3": (1024, 2, 64, 2), "W4": (256, 64, 256, 64), "H64": (64, 4, 64, 1),
}


def formula(rows, cols, s):
    i, j = torch.arange(rows, dtype=torch.float64)[:, None], torch.arange(cols, dtype=torch.float64)[None]
    return torch.sin(1 + 12.9898 * i + 78.233 * j + s)


class Field(torch.nn.Module):
    def __init__(self, n, h, m, hamiltonian):
        super().__init__()
        self.hamiltonian = hamiltonian
        p = torch.nn.Parameter
        self.w1 = p(0.8 / math.sqrt(n) * formula(n, h, 1))
        self.b1 = p(0.1 * formula(1, h, 2)[0])
        self.w2 = p(0.8 / math.sqrt(h) * formula(h, m, 3))
        self.b2 = p(0.1 * formula(1, m, 4)[0])

    def net(self, y):
        return torch.addmm(self.b2, torch.tanh(torch.addmm(self.b1, y, self.w1)), self.w2)

    def forward(self, t, y):
        if not self.hamiltonian:
            return self.net(y)
        with torch.enable_grad():
            z = y if y.requires_grad else y.detach().requires_grad_()
            (g,) = torch.autograd.grad(self.net(z).sum(), z, create_graph=True)
        n = y.shape[1] // 2
        return torch.cat([g[:, n:], -g[:, :n]], 1)


def report(program, workload, pass_, fn):
    clock = time.process_time if args.threads == 1 else time.perf_counter
    best, batches, began = math.inf, 0, time.perf_counter()
    while batches < 3 or time.perf_counter() - began < args.seconds:
        calls, start = 0, clock()
        while calls == 0 or clock() - start < min(0.005, args.seconds):
            loss, dtheta, dy0 = fn()
            calls += 1
        best = min(best, (clock() - start) / calls)
        batches += 1
    out = dict(program=program, workload=workload, dtype="float64", threads=args.threads, ms=best * 1e3, compile_s=0,
               loss=loss, dtheta=dtheta, dy0=dy0, versions=f"torch {torch.__version__}, torchdiffeq {torchdiffeq.__version__}")
    out["pass"] = pass_
    print(json.dumps(out), flush=True)


for name, (batch, n, h, m) in WORKLOADS.items():
    if args.only and name not in args.only.split(","):
        continue
    f = Field(n, h, m, name[0] == "H")
    y0 = (1 + 0.3 * formula(batch, n, 5)).requires_grad_()
    steps = torch.linspace(0, 10, 101)

    def gradient(solve, last, **options):
        f.zero_grad()
        y0.grad = None
        y = solve(f, y0, steps, **options)
        loss = ((y[-1] if last else y) ** 2).mean()
        loss.backward()
        norms = math.sqrt(sum(float((p.grad**2).sum()) for p in f.parameters() if p.grad is not None)), float((y0.grad**2).sum()) ** 0.5
        return (float(loss), *norms)

    through = torchdiffeq.odeint
    # torchdiffeq's "rk4" is the 3/8 rule, another method of the same order and cost.
    report("torchdiffeq", name, "rk4 3/8 gradient", lambda: gradient(through, True, method="rk4"))
    if name[0] == "W":
        report("torchdiffeq", name, "dopri5 gradient", lambda: gradient(through, False, method="dopri5", rtol=1e-6, atol=1e-6))
        report("torchdiffeq", name, "dopri5 adjoint", lambda: gradient(torchdiffeq.odeint_adjoint, False, method="dopri5", rtol=1e-6, atol=1e-6))
