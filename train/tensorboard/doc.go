// Package tensorboard writes what happens in a training to event files, which TensorBoard shows while it
// goes on:
//
//	w, err := tensorboard.Create("out/events/run1")
//	…
//	report, err := train.Fit(ctx, model, data, train.Options[float64]{Steps: 1000, Hook: w.Hook(nil)})
//	err = w.Close()
//
//	tensorboard --logdir out/events
//
// A file is a series of records (TFRecord: length, checksum, data, checksum), each an Event message of
// protocol buffers. One folder is one run; a folder of folders is a comparison.
package tensorboard
