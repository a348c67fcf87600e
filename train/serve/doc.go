// Package serve answers HTTP requests with predictions of a trained model:
// [Handler] those of a train.Model; [Service] those of a forecast model, with a
// page to try it, health, metrics and a description in OpenAPI.
package serve
