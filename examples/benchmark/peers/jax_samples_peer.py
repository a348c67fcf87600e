"""diffrax under jax.vmap on the samples of examples/benchmark (samples.go), each with its own
steps and end: V256 are 256 van der Pol oscillators, N256 256 networks 8-64-8.

usage: jax_samples_peer.py [-threads n] [-seconds s]

Prints what jax_peer.py prints; loss is the mean square of the first components at the ends. Ends with
status 3 if JAX or diffrax cannot be imported.
"""
import argparse
import json
import math
import os
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("-threads", type=int, default=1)
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
    import numpy as np
except ImportError as e:
    print(f"{e}; pip install jax diffrax", file=sys.stderr)
    sys.exit(3)
jax.config.update("jax_enable_x64", True)


def formula(rows, cols, s):
    i, j = np.arange(rows)[:, None], np.arange(cols)[None]
    return jnp.asarray(np.sin(1 + 12.9898 * i + 78.233 * j + s))


def solver(f):
    def one(y0, end, arg):
        sol = dfx.diffeqsolve(dfx.ODETerm(f), dfx.Tsit5(), 0.0, end, None, y0, arg, saveat=dfx.SaveAt(t1=True),
                              stepsize_controller=dfx.PIDController(1e-6, 1e-6), max_steps=100_000)
        return sol.ys[-1]

    return jax.jit(jax.vmap(one))


n = 256
mu = 1 + 49 * jnp.arange(n) / (n - 1)
p = (0.8 / math.sqrt(8) * formula(8, 64, 1), 0.1 * formula(1, 64, 2)[0], 0.1 * formula(64, 8, 3), 0.1 * formula(1, 8, 4)[0])
oscillator = solver(lambda t, y, mu: jnp.stack([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]))
network = solver(lambda t, y, _: jnp.tanh(y @ p[0] + p[1]) @ p[2] + p[3])
work = {
    "V256": (oscillator, jnp.tile(jnp.array([2.0, 0.0]), (n, 1)), jnp.full(n, 20.0), mu),
    "N256": (network, 1 + 0.3 * formula(n, 8, 5), 1 + 9 * jnp.asarray(np.arange(n) * 37 % n) / (n - 1), mu),
}
for name, (solve, y0, end, arg) in work.items():
    began = time.perf_counter()
    jax.block_until_ready(solve(y0, end, arg))
    compiled = time.perf_counter() - began
    clock = time.process_time if args.threads == 1 else time.perf_counter
    best, batches, began = math.inf, 0, time.perf_counter()
    while batches < 3 or time.perf_counter() - began < args.seconds:
        calls, start = 0, clock()
        while calls == 0 or clock() - start < min(0.005, args.seconds):
            result = jax.block_until_ready(solve(y0, end, arg))
            calls += 1
        best = min(best, (clock() - start) / calls)
        batches += 1
    out = dict(program="diffrax vmap", workload=name, threads=args.threads, ms=best * 1e3, compile_s=compiled,
               versions=f"jax {jax.__version__}, diffrax {dfx.__version__}", loss=float((result[:, 0] ** 2).mean()))
    out["pass"] = "samples"
    print(json.dumps(out), flush=True)
