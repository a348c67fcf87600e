"""PyTorch on the networks of examples/mnist: the time of training steps, on random images.

usage: torch_mnist.py [-threads n] [-channels n] [-batch n] [-steps n] [-network ode|resnet] [-adjoint] [-seconds s]

The ODE is solved by torchdiffeq's rk4 in so many steps, and differentiated through the
solver, or with -adjoint by odeint_adjoint. A step is forward and backward pass and Adam.
Prints one line of JSON: milliseconds of a step, the shortest and the median, and seconds
of an epoch of 55 000 images by the shortest. Ends with status 3 if torch or torchdiffeq
cannot be imported.
"""
import argparse
import json
import statistics
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("-threads", type=int, default=2)
parser.add_argument("-channels", type=int, default=64)
parser.add_argument("-batch", type=int, default=50)
parser.add_argument("-steps", type=int, default=2)
parser.add_argument("-network", default="ode")
parser.add_argument("-adjoint", action="store_true")
parser.add_argument("-seconds", type=float, default=30)
args = parser.parse_args()
try:
    import torch
    import torchdiffeq
    from torch import nn
except ImportError as e:
    print(f"{e}; pip install torch torchdiffeq", file=sys.stderr)
    sys.exit(3)
torch.set_num_threads(args.threads)
torch.manual_seed(1)
odeint = torchdiffeq.odeint_adjoint if args.adjoint else torchdiffeq.odeint


def norm(c):
    return nn.GroupNorm(32 if c >= 64 else max(1, c // 4), c)


class Dynamics(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norms = nn.ModuleList(norm(c) for _ in range(3))
        self.convs = nn.ModuleList(nn.Conv2d(c + 1, c, 3, 1, 1) for _ in range(2))

    def forward(self, t, y):
        for n, conv in zip(self.norms, self.convs):
            y = torch.relu(n(y))
            y = conv(torch.cat([torch.ones_like(y[:, :1]) * t, y], 1))
        return self.norms[2](y)


class ODE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.f = Dynamics(c)
        self.t = torch.tensor([0.0, 1.0])

    def forward(self, y):
        return odeint(self.f, y, self.t, method="rk4", options=dict(step_size=1 / args.steps))[1]


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.f = nn.Sequential(norm(c), nn.ReLU(), nn.Conv2d(c, c, 3, 1, 1), norm(c), nn.ReLU(), nn.Conv2d(c, c, 3, 1, 1))

    def forward(self, y):
        return y + self.f(y)


c = args.channels
middle = [ODE(c)] if args.network == "ode" else [Residual(c) for _ in range(6)]
model = nn.Sequential(
    nn.Conv2d(1, c, 3, 1), norm(c), nn.ReLU(), nn.Conv2d(c, c, 4, 2, 1), norm(c), nn.ReLU(), nn.Conv2d(c, c, 4, 2, 1),
    *middle, norm(c), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 10),
)
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
images, labels = torch.randn(args.batch, 1, 28, 28), torch.randint(0, 10, (args.batch,))


def step():
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


for _ in range(3):
    step()
times, began = [], time.perf_counter()
while len(times) < 10 or time.perf_counter() - began < args.seconds:
    start = time.perf_counter()
    loss = step()
    times.append(time.perf_counter() - start)
print(json.dumps(dict(
    program="torch", network=args.network, channels=c, batch=args.batch, steps=args.steps, threads=args.threads, adjoint=args.adjoint,
    step_ms=min(times) * 1e3, step_median_ms=statistics.median(times) * 1e3, epoch_s=min(times) * 55000 / args.batch,
    parameters=sum(p.numel() for p in model.parameters()), versions=f"torch {torch.__version__.split('+')[0]}",
)), flush=True)
