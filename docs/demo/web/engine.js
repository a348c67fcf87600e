"use strict";
// Starts the engine, Go compiled to WebAssembly, in a page or a worker.

// loadEngine fetches and compiles engine.wasm.gz; progress gets the share that has come.
async function loadEngine(progress) {
  const answer = await fetch("engine.wasm.gz");
  if (!answer.ok) throw new Error(`engine.wasm.gz: ${answer.status} ${answer.statusText}`);
  const total = Number(answer.headers.get("Content-Length"));
  let come = 0;
  const counted = new TransformStream({
    transform(chunk, out) {
      come += chunk.byteLength;
      if (total) progress(come / total);
      out.enqueue(chunk);
    },
  });
  const unpacked = answer.body.pipeThrough(counted).pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compileStreaming(new Response(unpacked, { headers: { "Content-Type": "application/wasm" } }));
}

// startEngine runs a compiled engine and returns its functions, which throw what goes wrong.
async function startEngine(module) {
  const go = new Go();
  const ready = new Promise((resolve) => { globalThis.neuralodeReady = resolve; });
  const instance = await WebAssembly.instantiate(module, go.importObject);
  go.run(instance);
  await ready;
  const engine = {};
  for (const [name, f] of Object.entries(globalThis.neuralode)) {
    engine[name] = typeof f !== "function" ? f : (...args) => {
      const result = f(...args);
      if (result && result.error) throw new Error(result.error);
      return result;
    };
  }
  return engine;
}
