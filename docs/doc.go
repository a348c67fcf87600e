// Package docs has the documentation, in Markdown; the pictures and numbers that programs make are made
// again by go generate.
package docs

//go:generate go run ./gallery ..
//go:generate go generate ./demo/...
