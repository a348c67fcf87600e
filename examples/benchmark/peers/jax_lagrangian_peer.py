"""JAX on the accelerations of a Lagrangian network, with the numbers of BenchmarkLagrangian
of package hnn: L(q, v) is a 4-64-64-1 network of softplus, the accelerations come from
jax.hessian and a linear solve, jitted.

usage: jax_lagrangian_peer.py [-threads n] [-dtype float64|float32] [-seconds s]

Prints what jax_peer.py prints; loss is the sum of the values, dtheta and dy0 are the
norms of the vector-Jacobian product with the state as cotangent. Ends with status 3 if
JAX cannot be imported.
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
parser.add_argument("-seconds", type=float, default=2)
args = parser.parse_args()

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=" + (
    "false intra_op_parallelism_threads=1" if args.threads == 1 else f"true intra_op_parallelism_threads={args.threads}"
)
try:
    import jax
    import jax.numpy as jnp
    import numpy as np
except ImportError as e:
    print(f"{e}; pip install jax", file=sys.stderr)
    sys.exit(3)
jax.config.update("jax_enable_x64", args.dtype == "float64")


def formula(rows, cols, s):
    i, j = np.arange(rows)[:, None], np.arange(cols)[None]
    return jnp.asarray(np.sin(1 + 12.9898 * i + 78.233 * j + s), dtype=args.dtype)


def lagrangian(q, v, p):
    y = jnp.concatenate([q, v])
    for w, b in p[:-1]:
        y = jax.nn.softplus(y @ w + b)
    w, b = p[-1]
    return (y @ w + b)[0]


def accelerations(z, p):
    q, v = z[:2], z[2:]
    grad_v = jax.grad(lagrangian, 1)
    mass = jax.hessian(lagrangian, 1)(q, v, p)
    _, along = jax.jvp(lambda q: grad_v(q, v, p), (q,), (v,))
    return jnp.concatenate([v, jnp.linalg.solve(mass, jax.grad(lagrangian)(q, v, p) - along)])


field = jax.vmap(accelerations, (0, None))


def shortest(fn):
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
    return best, compiled, result


def norm(tree):
    return math.sqrt(sum(float((x**2).sum()) for x in jax.tree_util.tree_leaves(tree)))


sizes = (4, 64, 64, 1)
params = [(1.5 / math.sqrt(m) * formula(m, n, 2 * k), 0.1 * formula(1, n, 2 * k + 1)[0])
          for k, (m, n) in enumerate(zip(sizes, sizes[1:]))]
value = jax.jit(field)


@jax.jit
def products(z, p, cotangent):
    y, pull = jax.vjp(field, z, p)
    return y, pull(cotangent)


for batch in (1, 256):
    z = formula(batch, 4, 9)
    for name, fn in (("value", lambda: value(z, params)), ("vjp", lambda: products(z, params, z))):
        best, compiled, result = shortest(fn)
        out = dict(program="jax", workload=f"L{batch}", dtype=args.dtype, threads=args.threads, ms=best * 1e3,
                   compile_s=compiled, versions=f"jax {jax.__version__}")
        out["pass"] = name
        if name == "vjp":
            y, (dz, dp) = result
            out.update(loss=float(y.sum()), dtheta=norm(dp), dy0=norm(dz))
        else:
            out.update(loss=float(result.sum()))
        print(json.dumps(out), flush=True)
