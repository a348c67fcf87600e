// Package artifact writes the files that the example programs leave behind.
// Every write is atomic: a crash leaves the old file or the new one, never
// half of one.
package artifact
