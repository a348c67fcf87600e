"use strict";
// Trains in a thread of its own. Messages in: {module}, {train: settings}, {stop: true};
// out: {ready}, {measured}, {step, loss, held, theta, floor}, {done, theta, error}.
importScripts("wasm_exec.js", "engine.js");

let engine;
onmessage = async (e) => {
  try {
    if (e.data.module) {
      engine = await startEngine(e.data.module);
      postMessage({ ready: true });
    } else if (e.data.train) {
      postMessage({ measured: engine.measure(e.data.train) });
      engine.train(e.data.train,
        (step, loss, held, theta, floor) => postMessage({ step, loss, held, theta, floor }),
        (error, theta) => postMessage({ done: true, error, theta }));
    } else if (e.data.stop) {
      engine.stop();
    }
  } catch (err) {
    postMessage({ done: true, error: String(err.message || err) });
  }
};
