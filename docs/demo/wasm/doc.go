// Command wasm is the demonstration's engine in the browser: it puts an object
// neuralode in the global scope of a page or a worker, whose functions take and
// return Float64Arrays. What they return as "error" engine.js throws.
package main
