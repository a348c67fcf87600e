// Package export writes a trained model for other programs: as ONNX, which runs nearly everywhere
// (onnxruntime in Python, C++, Java, browsers), and as Go source without dependencies.
//
// What is written is the model in the units of the data, its scaler included: the vector field
// ([ONNXField]), a solve with steps of fixed size ([ONNXSolve]), or both in one Go file ([GoSource]). The
// numbers have the model's type, float32 or float64.
//
// Any module can be written whose samples do not depend on each other, Hamiltonian fields and others
// with derivatives inside too: what is written is the list of steps that the compiler makes of it
// ([graph.List]). What has no such list is refused by name, with a *graph.RefusedError.
//
// Weights alone are in the file of a model already, which is in the format of safetensors; see
// train/modelfile, which writes .npz too.
package export
