"""Runs ONNX models on the inputs of cases.json and writes their outputs to outputs.json."""
import json
import pathlib
import sys

import numpy as np
import onnxruntime

folder = pathlib.Path(sys.argv[1])
try:
    import onnx
except ImportError:
    onnx = None
results = {}
for case in json.loads((folder / "cases.json").read_text()):
    path = str(folder / case["file"])
    if onnx is not None:
        onnx.checker.check_model(onnx.load(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    kinds = {"tensor(float)": np.float32, "tensor(double)": np.float64}
    feed = {i.name: np.array(case["inputs"][i.name]["data"], kinds[i.type]).reshape(case["inputs"][i.name]["shape"]) for i in session.get_inputs()}
    (out,) = session.run(None, feed)
    results[case["file"]] = {"shape": out.shape, "type": str(out.dtype), "data": [float(v) for v in out.ravel()]}
(folder / "outputs.json").write_text(json.dumps(results))
