// Neuralode fits Neural ODEs to tables of measurements and predicts with them.
//
//	neuralode fit data.csv
//	neuralode predict out/data/model.safetensors -until 20 -every 0.1
//
// "neuralode help" lists the commands, "neuralode help fit" or "neuralode fit -h" the flags
// of one.
//
// The exit codes are 0 when the job was done, 1 when it failed, 2 when the command was called
// wrongly, and 130 when it was interrupted; what it had by then is written. The message on
// stderr says what was wrong and what to try.
package main
