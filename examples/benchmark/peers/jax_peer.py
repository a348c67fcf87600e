"""JAX and diffrax on the workloads of examples/benchmark, with the same numbers.

usage: jax_peer.py [-threads n] [-dtype float64|float32] [-only W1,H64] [-kinds scan,adaptive,backsolve] [-seconds s]

Prints one JSON object a line: program, workload, dtype, pass, the shortest mean time of
a call over 5 ms of calls (processor time with one thread) in milliseconds, the time to
compile in seconds, and loss and norms of the gradient for comparison. Ends with status 3 if JAX or diffrax
cannot be imported.
"""
import argparse
import json
import math
import os
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("-threads", type=int, default=1)
parser.add_argument("-dtype", default="float64")
parser.add_argument("-only", default="")
parser.add_argument("-kinds", default="scan,adaptive,backsolve")
parser.add_argument("-seconds", type=float, default=2)
args = parser.parse_args()

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=" + (
    "false intra_op_parallelism_threads=1" if args.threads == 1 else f"true intra_op_parallelism_threads={args.threads}"
)
try:
    import diffrax as dfx
    import jax
    import jax.numpy as jnp
except ImportError as e:
    print(f"{e}; pip install jax diffrax", file=sys.stderr)
    sys.exit(3)
jax.config.update("jax_enable_x64", args.dtype == "float64")

WORKLOADS = {
    "W1": (1, 2, 64, 2), "W2": (64, 2, 64, 2), "W3": (1024, 2, 64, 2), "W4": (256, 64, 256, 64),
    "H1": (1, 4, 64, 1), "H64": (64, 4, 64, 1), "H1024": (1024, 4, 64, 1),
}


def formula(rows, cols, s):
    import numpy as np

    i, j = np.arange(rows)[:, None], np.arange(cols)[None]
    return jnp.asarray(np.sin(1 + 12.9898 * i + 78.233 * j + s), dtype=args.dtype)


def net(y, p):
    w1, b1, w2, b2 = p
    return jnp.tanh(y @ w1 + b1) @ w2 + b2


def field(y, p):
    return net(y, p)


def hamiltonian(y, p):
    g = jax.grad(lambda z: net(z, p).sum())(y)
    n = y.shape[1] // 2
    return jnp.concatenate([g[:, n:], -g[:, :n]], axis=1)


def report(program, workload, pass_, fn):
    began = time.perf_counter()
    jax.block_until_ready(fn())
    compiled = time.perf_counter() - began
    clock = time.process_time if args.threads == 1 else time.perf_counter
    best, batches, began = math.inf, 0, time.perf_counter()
    while batches < 3 or time.perf_counter() - began < args.seconds:
        calls, start = 0, clock()
        while calls == 0 or clock() - start < min(0.005, args.seconds):
            result = jax.block_until_ready(fn())
            calls += 1
        best = min(best, (clock() - start) / calls)
        batches += 1
    out = dict(program=program, workload=workload, dtype=args.dtype, threads=args.threads, ms=best * 1e3,
               compile_s=compiled, versions=f"jax {jax.__version__}, diffrax {dfx.__version__}")
    out["pass"] = pass_
    if isinstance(result, tuple):
        loss, (gp, gy) = result
        out.update(loss=float(loss), dtheta=math.sqrt(sum(float((x**2).sum()) for x in gp)), dy0=math.sqrt(float((gy**2).sum())))
    else:
        out.update(loss=float(result))
    print(json.dumps(out), flush=True)


for name, (batch, n, h, m) in WORKLOADS.items():
    if args.only and name not in args.only.split(","):
        continue
    f = hamiltonian if name[0] == "H" else field
    p = (0.8 / math.sqrt(n) * formula(n, h, 1), 0.1 * formula(1, h, 2)[0], 0.8 / math.sqrt(h) * formula(h, m, 3), 0.1 * formula(1, m, 4)[0])
    y0 = 1 + 0.3 * formula(batch, n, 5)

    def scan(p, y0):
        dt = 0.1

        def step(y, _):
            k1 = f(y, p)
            k2 = f(y + 0.5 * dt * k1, p)
            k3 = f(y + 0.5 * dt * k2, p)
            k4 = f(y + dt * k3, p)
            return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        y, _ = jax.lax.scan(step, y0, None, length=100)
        return (y**2).mean()

    def diffrax_loss(adjoint):
        def loss(p, y0):
            sol = dfx.diffeqsolve(
                dfx.ODETerm(lambda t, y, p: f(y, p)), dfx.Tsit5(), 0.0, 10.0, None, y0, p,
                saveat=dfx.SaveAt(ts=jnp.linspace(0, 10, 101)), stepsize_controller=dfx.PIDController(1e-6, 1e-6),
                adjoint=adjoint, max_steps=4096)
            return (sol.ys**2).mean()

        return loss

    def grad(loss):
        return jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))

    kinds = args.kinds.split(",")
    if "scan" in kinds:
        fwd, g = jax.jit(scan), grad(scan)
        report("jax scan", name, "rk4 forward", lambda: fwd(p, y0))
        report("jax scan", name, "rk4 gradient", lambda: g(p, y0))
    if "adaptive" in kinds and name[0] == "W":
        loss = diffrax_loss(dfx.RecursiveCheckpointAdjoint())
        fwd, g = jax.jit(loss), grad(loss)
        report("diffrax", name, "tsit5 forward", lambda: fwd(p, y0))
        report("diffrax", name, "tsit5 gradient", lambda: g(p, y0))
    if "backsolve" in kinds and name[0] == "W":
        g = grad(diffrax_loss(dfx.BacksolveAdjoint()))
        report("diffrax", name, "tsit5 backsolve", lambda: g(p, y0))
