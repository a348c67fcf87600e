"""Reads a model with PyPI's safetensors and numpy and writes it again with them.

python roundtrip.py FOLDER, which holds in.safetensors and in.npz; makes out.safetensors and
out.npz. The test TestPython runs it where the variable PYTHON names an interpreter
that has both packages.
"""
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

folder = sys.argv[1]
with safe_open(folder + "/in.safetensors", framework="numpy") as f:
    metadata = f.metadata()
    tensors = {name: f.get_tensor(name) for name in f.keys()}
with np.load(folder + "/in.npz", allow_pickle=False) as z:
    arrays = {name: z[name] for name in z.files if not name.endswith(".json")}
assert arrays.keys() == tensors.keys(), (arrays.keys(), tensors.keys())
for name, a in arrays.items():
    b = tensors[name]
    assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes(), name
assert metadata["neuralode.kind"] == "test 1" and metadata["format"] == "pt", metadata
save_file(tensors, folder + "/out.safetensors", metadata={"format": "np"})
np.savez_compressed(folder + "/out.npz", **{k: np.array(v, order="F") for k, v in arrays.items()})
