// Package modelfile reads and writes the one file of a trained model: its numbers by name
// and a description in JSON.
//
// The format is safetensors (https://huggingface.co/docs/safetensors): eight bytes that
// count the header, a header in JSON, raw little-endian data. PyTorch, JAX, numpy and
// Rust read it. The description, the kind of model and a checksum are in its
// __metadata__. [ReadNPZ] and [WriteNPZ] do the same with numpy's archives.
//
// What the package promises:
//
//   - [Write] leaves the old file or the new one, never a part of one, whatever moment the
//     process is killed at or the power fails. It replaces the file by one rename.
//   - [Read] returns what was written, bit for bit, or an *[Error]. No input makes it panic,
//     or allocate more than a constant times the input's own length; every
//     size is checked against the length of the file before memory is asked for.
//     None of that depends on the checksum.
//   - NaN and infinite numbers are refused, when writing as when reading, unless
//     [Options.AllowNonFinite] is set.
package modelfile
