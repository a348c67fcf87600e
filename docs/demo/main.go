// Command demo builds the demonstration in the browser and serves it on this
// machine: a pendulum, learned as an energy and as a vector field. Run it in a
// checkout: go run ./docs/demo.
package main

import (
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"mime"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

func main() {
	out := flag.String("out", filepath.Join("out", "demo"), "folder for the page, which any web server can serve")
	addr := flag.String("addr", "127.0.0.1:8077", "address to serve on; port 0 takes a free one")
	only := flag.Bool("build", false, "build only, do not serve")
	flag.Parse()
	if err := build(*out); err != nil {
		log.Fatal(err)
	}
	if *only {
		return
	}
	if err := serve(*out, *addr); err != nil {
		log.Fatal(err)
	}
}

// build writes the page to a folder: the files of web, Go's wasm_exec.js and the engine, packed.
func build(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	root, err := goTool(nil, "env", "GOROOT")
	if err != nil {
		return err
	}
	glue, err := os.ReadFile(filepath.Join(root, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return fmt.Errorf("wasm_exec.js, which is in lib/wasm of a Go distribution: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "wasm_exec.js"), glue, 0o666); err != nil {
		return err
	}
	err = fs.WalkDir(web, "web", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := web.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, d.Name()), data, 0o666)
	})
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "neuralode-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	wasm := filepath.Join(tmp, "engine.wasm")
	if _, err := goTool([]string{"GOOS=js", "GOARCH=wasm"}, "build", "-trimpath", "-ldflags=-s -w", "-o", wasm, "github.com/neuralode/neuralode/docs/demo/wasm"); err != nil {
		return err
	}
	raw, err := os.Open(wasm)
	if err != nil {
		return err
	}
	defer raw.Close()
	packed, err := os.Create(filepath.Join(dir, "engine.wasm.gz"))
	if err != nil {
		return err
	}
	defer packed.Close()
	z, err := gzip.NewWriterLevel(packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	n, err := io.Copy(z, raw)
	if err = errors.Join(err, z.Close()); err != nil {
		return err
	}
	info, err := packed.Stat()
	if err != nil {
		return err
	}
	fmt.Printf("%s: %.1f MB of WebAssembly, %.1f MB packed\n", packed.Name(), float64(n)/1e6, float64(info.Size())/1e6)
	return nil
}

// goTool runs the go command and returns what it prints.
func goTool(env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s, in %s: %w; run it in a checkout", strings.Join(args, " "), must(os.Getwd()), err)
	}
	return strings.TrimSpace(string(text)), nil
}

func must(dir string, err error) string {
	if err != nil {
		return err.Error()
	}
	return dir
}

// serve serves a folder until Ctrl-C.
func serve(dir, addr string) error {
	// The page unpacks the engine itself, so that the simplest web servers do.
	if err := mime.AddExtensionType(".gz", "application/octet-stream"); err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with -addr", err)
	}
	fmt.Printf("http://%s/ shows the demonstration; Ctrl-C ends\n", l.Addr())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	server := &http.Server{Handler: http.FileServer(http.Dir(dir)), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
