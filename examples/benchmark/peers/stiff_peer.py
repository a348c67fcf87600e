"""SciPy's Radau and BDF and diffrax's Kvaerno5 on the stiff problems of examples/benchmark.

usage: stiff_peer.py [-threads n] [-seconds s]

Prints one JSON object a line: program, workload, the shortest mean time of a call in
milliseconds, accepted steps, evaluations, and the digits (mescd) of the end. Ends with status 3 if
a library cannot be imported.
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
if args.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["OMP_NUM_THREADS"] = "1"
try:
    import diffrax as dfx
    import jax
    import jax.numpy as jnp
    import numpy as np
    import scipy
    from scipy.integrate import solve_ivp
except ImportError as e:
    print(f"{e}; pip install scipy jax diffrax", file=sys.stderr)
    sys.exit(3)
jax.config.update("jax_enable_x64", True)
RTOL = 1e-6


def vdpol(y):
    return y[1], ((1 - y[0] * y[0]) * y[1] - y[0]) / 1e-6


def rober(y):
    a, b, c = 0.04 * y[0], 3e7 * y[1] * y[1], 1e4 * y[1] * y[2]
    return c - a, a - b - c, b


def orego(y):
    return (77.27 * (y[1] + y[0] * (1 - 8.375e-6 * y[0] - y[1])), (y[2] - (1 + y[0]) * y[1]) / 77.27, 0.161 * (y[0] - y[2]))


def hires(y):
    d6 = 280 * y[5] * y[7] - 1.81 * y[6]
    return (
        -1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007, 1.71 * y[0] - 8.75 * y[1],
        -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4], 8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3],
        -1.745 * y[4] + 0.43 * y[5] + 0.43 * y[6],
        -280 * y[5] * y[7] + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6], d6, -d6)


PROBLEMS = [
    ("VDPOL", 2.0, 1e-6, [2.0, 0.0], [1.706167732170483, -0.8928097010247975], vdpol),
    ("ROBER", 100.0, 1e-10, [1.0, 0.0, 0.0], [0.6172348823960878, 6.153591274639123e-6, 0.3827589640126376], rober),
    ("OREGO", 360.0, 1e-6, [1.0, 2.0, 3.0], [1.000814870318523, 1228.178521549917, 132.0554942846706], orego),
    ("HIRES", 321.8122, 1e-10, [1.0, 0, 0, 0, 0, 0, 0, 0.0057],
     [7.371312573325668e-4, 1.442485726316185e-4, 5.888729740967575e-5, 1.175651343283149e-3,
      2.386356198831331e-3, 6.238968252742796e-3, 2.849998395185769e-3, 2.850001604814231e-3], hires),
]


def measure(fn):
    clock = time.process_time if args.threads == 1 else time.perf_counter
    fn()
    best, batches, began = math.inf, 0, time.perf_counter()
    while batches < 3 or time.perf_counter() - began < args.seconds:
        calls, start = 0, clock()
        while calls == 0 or clock() - start < min(0.005, args.seconds):
            fn()
            calls += 1
        best = min(best, (clock() - start) / calls)
        batches += 1
    return 1e3 * best


for name, end, atol, y0, want, f in PROBLEMS:

    def report(program, ms, steps, nfe, y, compiled=0.0):
        worst = max(abs(a - w) / (atol / RTOL + abs(w)) for a, w in zip(y, want))
        out = dict(program=program, workload=name, ms=ms, steps=int(steps), nfe=int(nfe), digits=-math.log10(worst), compile_s=compiled,
                   versions=f"scipy {scipy.__version__}, diffrax {dfx.__version__}")
        out["pass"] = "stiff"
        print(json.dumps(out), flush=True)

    for method in "Radau", "BDF":

        def solve():
            return solve_ivp(lambda t, y: f(y), (0, end), y0, method=method, rtol=RTOL, atol=atol)

        sol = solve()
        report("scipy " + method, measure(solve), len(sol.t) - 1, sol.nfev, sol.y[:, -1])

    @jax.jit
    def kvaerno5(y0):
        sol = dfx.diffeqsolve(
            dfx.ODETerm(lambda t, y, _: jnp.stack(f(y))), dfx.Kvaerno5(), 0.0, end, None, y0,
            stepsize_controller=dfx.PIDController(rtol=RTOL, atol=atol), max_steps=100000, saveat=dfx.SaveAt(t1=True), throw=False)
        return sol.ys[-1], sol.stats["num_accepted_steps"]

    start = jnp.array(y0)
    began = time.perf_counter()
    y, steps = jax.block_until_ready(kvaerno5(start))
    compiled = time.perf_counter() - began
    report("diffrax kvaerno5", measure(lambda: jax.block_until_ready(kvaerno5(start))), steps, 0, np.asarray(y), compiled)
