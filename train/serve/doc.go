// Package serve answers HTTP requests with predictions of a trained model: see [Handler].
package serve
