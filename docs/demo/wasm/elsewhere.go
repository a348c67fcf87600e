//go:build !(js && wasm)

package main

import "log"

func main() {
	log.Fatal("this program runs in a browser: go run ./docs/demo builds and serves it")
}
