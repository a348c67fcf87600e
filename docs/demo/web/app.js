"use strict";
// The page. State in, pictures out; all numbers come from the engine.

const $ = (id) => document.getElementById(id);
const SECONDS = 30, PER_SECOND = 40, TOP = 8, COUNT = 200;
const SYSTEMS = {
  truth: { name: "pendulum", colour: "truth" },
  node: { name: "velocity network", colour: "node" },
  hnn: { name: "energy network", colour: "hnn" },
  mine: { name: "yours", colour: "mine" },
};
const state = {
  q: 2, p: 0, shown: "hnn", playing: true, time: 0, swarm: null, last: 0, fieldStale: true, staticStale: true,
  curves: {}, mine: null, measured: null, losses: [], floor: 0, training: false, frames: 0, work: [], intervals: [],
};
window.demo = state; // for the curious, and for tests

let engine, worker;
const wrap = (q) => q - 2 * Math.PI * Math.round(q / (2 * Math.PI));
const energyOf = (q, p) => p * p / 2 + engine.gravity * (1 - Math.cos(q));
const names = () => Object.keys(SYSTEMS).filter((n) => n !== "mine" || state.mine);
const planeFrame = (canvas) => new Frame(canvas, { xlo: -Math.PI, xhi: Math.PI, ylo: -TOP, yhi: TOP, left: 46, bottom: 38 });

function solve() {
  for (const name of names()) {
    try {
      state.curves[name] = engine.trajectory(name, state.q, state.p, SECONDS, SECONDS * PER_SECOND);
    } catch (err) {
      state.curves[name] = new Float64Array(0);
    }
  }
  state.staticStale = true;
  legend();
  $("plane").setAttribute("aria-valuetext", `angle ${state.q.toFixed(2)} radians, momentum ${state.p.toFixed(2)}`);
}

function legend() {
  const start = energyOf(state.q, state.p);
  $("legend").replaceChildren(...names().map((name) => {
    const z = state.curves[name], n = z.length;
    const li = document.createElement("li"), i = document.createElement("i"), span = document.createElement("span"), small = document.createElement("small");
    i.style.background = css(SYSTEMS[name].colour);
    span.textContent = SYSTEMS[name].name;
    const end = n ? energyOf(z[n - 2], z[n - 1]) : NaN;
    small.textContent = name === "truth" ? `${start.toFixed(1)} J, kept` : `${start.toFixed(1)} → ${n < 2 * SECONDS * PER_SECOND ? "∞" : end.toFixed(1)} J`;
    li.append(i, span, small);
    return li;
  }));
}

// drawField draws the arrows, and the lines of equal energy of systems that have one.
function drawField() {
  state.fieldStale = false;
  const f = planeFrame($("field"));
  f.clear();
  f.axes("angle q (rad)", "momentum p (kg·m²/s)", { xticks: [[-Math.PI, "−π"], [-Math.PI / 2, "−π/2"], [0, "0"], [Math.PI / 2, "π/2"], [Math.PI, "π"]] });
  if (state.shown !== "node" && !(state.shown === "mine" && state.mine.kind === "node")) {
    const n = 64, m = 64, xs = [], ys = [], z = new Float64Array(2 * n * m);
    for (let i = 0; i < n; i++) xs.push(-Math.PI + 2 * Math.PI * i / (n - 1));
    for (let j = 0; j < m; j++) ys.push(-TOP + 2 * TOP * j / (m - 1));
    for (let j = 0; j < m; j++) for (let i = 0; i < n; i++) { z[2 * (j * n + i)] = xs[i]; z[2 * (j * n + i) + 1] = ys[j]; }
    const h = engine.learned(state.shown, z);
    f.inside(() => contour(f, n, m, h, xs, ys, Array.from({ length: 14 }, (_, i) => (i + 0.5) * engine.gravity / 3), css("level")));
  }
  const cols = Math.max(9, Math.round(f.w / 44)), rows = Math.max(9, Math.round(f.h / 40));
  const z = new Float64Array(2 * cols * rows);
  for (let j = 0; j < rows; j++) for (let i = 0; i < cols; i++) {
    z[2 * (j * cols + i)] = -Math.PI + 2 * Math.PI * (i + 0.5) / cols;
    z[2 * (j * cols + i) + 1] = -TOP + 2 * TOP * (j + 0.5) / rows;
  }
  const d = engine.slopes(state.shown, z);
  const c = f.c;
  c.strokeStyle = c.fillStyle = css("arrow");
  for (let i = 0; i < z.length; i += 2) {
    const dx = d[i] / (2 * Math.PI) * f.w, dy = -d[i + 1] / (2 * TOP) * f.h, size = Math.hypot(dx, dy);
    if (!(size > 0)) continue;
    const long = 5 + 20 * size / (size + 250), ux = dx / size, uy = dy / size, x = f.x(z[i]) - ux * long / 2, y = f.y(z[i + 1]) - uy * long / 2;
    c.lineWidth = 1.2;
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x + ux * long, y + uy * long);
    c.moveTo(x + ux * long - 5 * ux - 3 * uy, y + uy * long - 5 * uy + 3 * ux);
    c.lineTo(x + ux * long, y + uy * long);
    c.lineTo(x + ux * long - 5 * ux + 3 * uy, y + uy * long - 5 * uy - 3 * ux);
    c.stroke();
  }
  if (state.shown === "mine" && state.measured) {
    f.inside(() => { for (let i = 0; i < state.measured.length; i += 2) f.dot(wrap(state.measured[i]), state.measured[i + 1], 1.7, css("mine")); });
  }
  const what = { truth: "The pendulum itself.", hnn: "The energy network and its lines of equal energy: states move along them.", node: "The velocity network: arrows alone, no energy that they would keep.", mine: "Your network, and as dots what was measured." };
  $("caption").textContent = what[state.shown] + " Drag the ring, or use the arrow keys.";
}

const at = (name) => {
  const z = state.curves[name], i = 2 * Math.floor(state.time * PER_SECOND);
  return z && i + 1 < z.length ? [z[i], z[i + 1]] : null;
};

function drawPlane() {
  const f = planeFrame($("plane"));
  f.clear();
  f.inside(() => {
    for (const name of state.swarm ? [] : names()) {
      const z = state.curves[name], points = new Float64Array(z.length);
      for (let i = 0; i < z.length; i += 2) { points[i] = wrap(z[i]); points[i + 1] = z[i + 1]; }
      f.path(points, css(SYSTEMS[name].colour), { jump: 3, width: name === "truth" ? 2.6 : 1.1 });
    }
    for (const name of names()) { const z = at(name); if (z) f.dot(wrap(z[0]), z[1], 5, css(SYSTEMS[name].colour), css("card")); }
    f.dot(wrap(state.q), state.p, 9, "transparent", css("ink"));
  });
}

function drawSwing() {
  const { c, width, height } = fit($("swing"));
  c.clearRect(0, 0, width, height);
  const x = width / 2, y = height / 2, rod = height / 2 - 14;
  c.lineCap = "round";
  for (const name of names()) {
    const z = at(name);
    if (!z) continue;
    const bx = x + rod * Math.sin(z[0]), by = y + rod * Math.cos(z[0]);
    c.strokeStyle = c.fillStyle = css(SYSTEMS[name].colour);
    c.lineWidth = 3;
    c.globalAlpha = name === "truth" ? 1 : 0.8;
    c.beginPath(); c.moveTo(x, y); c.lineTo(bx, by); c.stroke();
    c.beginPath(); c.arc(bx, by, 10, 0, 2 * Math.PI); c.fill();
  }
  c.globalAlpha = 1;
  c.fillStyle = css("ink");
  c.beginPath(); c.arc(x, y, 4, 0, 2 * Math.PI); c.fill();
}

// curve draws a function of the states against time.
function drawCurves(canvas, ylabel, lo, hi, value, o) {
  const f = new Frame(canvas, { xhi: SECONDS, ylo: lo, yhi: hi });
  f.clear();
  f.axes("time (s)", ylabel, o);
  f.inside((c) => {
    for (const name of names()) {
      const z = state.curves[name], points = new Float64Array(z.length);
      let last = NaN;
      for (let i = 0; i < z.length; i += 2) {
        let v = value(z[i], z[i + 1]);
        points[i] = i / 2 / PER_SECOND;
        points[i + 1] = o && o.wrapped && Math.abs(v - last) > 3 ? NaN : v;
        last = v;
      }
      f.path(points, css(SYSTEMS[name].colour), { width: name === "truth" ? 2.6 : 1.5 });
    }
  });
  return f;
}

let energyFrame, angleFrame;
const stills = { energy: document.createElement("canvas"), angle: document.createElement("canvas") };

// drawTimes draws the curves when they have changed, and the moment over a copy of them.
function drawTimes() {
  if (state.staticStale) {
    let top = 4;
    for (const name of names()) { const z = state.curves[name]; for (let i = 0; i < z.length; i += 2) top = Math.max(top, Math.min(80, energyOf(z[i], z[i + 1]))); }
    energyFrame = drawCurves($("energy"), "energy (J)", 0, top * 1.1, energyOf);
    angleFrame = drawCurves($("angle"), "angle (rad)", -Math.PI, Math.PI, (q) => wrap(q), { wrapped: true, yticks: [[-Math.PI, "−π"], [0, "0"], [Math.PI, "π"]] });
    for (const id of ["energy", "angle"]) {
      stills[id].width = $(id).width; stills[id].height = $(id).height;
      stills[id].getContext("2d").drawImage($(id), 0, 0);
    }
    state.staticStale = false;
  }
  for (const [id, f] of [["energy", energyFrame], ["angle", angleFrame]]) {
    const c = f.c;
    c.save();
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, $(id).width, $(id).height);
    c.drawImage(stills[id], 0, 0);
    c.restore();
    c.strokeStyle = css("ink");
    c.lineWidth = 1;
    line(c, f.x(state.time), f.top, f.x(state.time), f.top + f.h);
  }
}

// The swarm: many pendulums that follow the arrows, and leave trails.
function startSwarm() {
  const z = new Float64Array(2 * COUNT);
  for (let i = 0; i < COUNT; i++) {
    const e = engine.highest * (i + 0.5) / COUNT, phase = 2.39996 * i; // the golden angle
    z[2 * i] = 2 * Math.asin(Math.min(1, Math.sqrt(e / 2 / engine.gravity)) * Math.cos(phase));
    z[2 * i + 1] = Math.sqrt(2 * Math.max(0, e - engine.gravity * (1 - Math.cos(z[2 * i])))) * Math.sign(Math.sin(phase));
  }
  state.swarm = z;
}

function moveSwarm(dt) {
  const z = state.swarm, before = Float64Array.from(z);
  engine.step(state.shown, z, dt);
  const f = planeFrame($("trails")), c = f.c;
  c.globalCompositeOperation = "destination-out";
  c.fillStyle = "rgba(0,0,0,0.07)";
  c.fillRect(0, 0, f.width, f.height);
  c.globalCompositeOperation = "source-over";
  c.strokeStyle = css(SYSTEMS[state.shown].colour);
  c.lineWidth = 1.8;
  f.inside(() => {
    c.beginPath();
    for (let i = 0; i < z.length; i += 2) {
      const a = wrap(before[i]), b = wrap(z[i]);
      if (Math.abs(a - b) < 3) { c.moveTo(f.x(a), f.y(before[i + 1])); c.lineTo(f.x(b), f.y(z[i + 1])); }
    }
    c.stroke();
  });
}

function clearTrails() { const f = planeFrame($("trails")); f.clear(); }

function frame(now) {
  const begin = performance.now();
  const dt = Math.min(0.05, (now - state.last) / 1000);
  if (state.last) state.intervals.push(now - state.last);
  state.last = now;
  if (state.fieldStale) drawField();
  if (state.playing) {
    state.time = (state.time + dt) % SECONDS;
    if (state.swarm) moveSwarm(dt);
  }
  drawPlane();
  drawSwing();
  drawTimes();
  state.frames++;
  state.work.push(performance.now() - begin);
  for (const list of [state.work, state.intervals]) if (list.length > 120) list.shift();
  if (state.swarm && state.frames % 30 === 0) {
    const mean = state.intervals.reduce((a, b) => a + b, 0) / state.intervals.length;
    $("fps").textContent = `${COUNT} pendulums, ${Math.round(1000 / mean)} frames a second`;
  }
  requestAnimationFrame(frame);
}

function drawLoss() {
  const o = { xlo: 0, xhi: Math.max(1, Number($("steps").value)), ylo: 1e-4, yhi: 10, log: true, left: 56, right: 18 };
  let lo = state.floor > 0 ? state.floor : 1e-2, hi = 1;
  for (const l of state.losses) { lo = Math.min(lo, l.loss, l.held); hi = Math.max(hi, Math.min(1e3, l.loss)); }
  o.ylo = 10 ** Math.floor(Math.log10(Math.max(lo, 1e-9))); o.yhi = 10 ** Math.ceil(Math.log10(hi));
  if (state.training || state.losses.length) o.xhi = state.steps;
  const f = new Frame($("loss"), o);
  f.clear();
  f.axes("training step", "mean squared error");
  f.inside(() => {
    if (state.floor > 0) f.path([0, state.floor, o.xhi, state.floor], css("soft"), { dash: [5, 4], width: 1.2 });
    f.path(state.losses.flatMap((l) => [l.step, l.loss]), css("mine"));
    f.path(state.losses.flatMap((l) => [l.step, l.held]), css("mine"), { dash: [2, 3] });
  });
  const keys = [["on the measurements", "mine", []], ["on swings never seen, without noise", "mine", [2, 3]], ["variance of the noise", "soft", [5, 4]]];
  const c = f.c;
  if (!state.losses.length) {
    c.textAlign = "center"; c.textBaseline = "middle"; c.font = "15px system-ui, 'DejaVu Sans', sans-serif"; c.fillStyle = css("soft");
    c.fillText(state.training ? "Measuring …" : "Press Train and watch the arrows above", f.left + f.w / 2, f.top + f.h * 0.6);
  }
  c.textAlign = "left"; c.textBaseline = "middle"; c.font = "12.5px system-ui, 'DejaVu Sans', sans-serif";
  keys.forEach(([text, colour, dash], i) => {
    const y = f.top + 14 + 18 * i, x = f.left + f.w - 250;
    c.strokeStyle = css(colour); c.setLineDash(dash); c.lineWidth = 1.8;
    c.beginPath(); c.moveTo(x, y); c.lineTo(x + 24, y); c.stroke(); c.setLineDash([]);
    c.fillStyle = css("ink"); c.fillText(text, x + 30, y);
  });
}

function show(name) {
  state.shown = name;
  document.querySelector(`input[name=shown][value=${name}]`).checked = true;
  state.fieldStale = true;
  clearTrails();
}

function train() {
  const settings = {
    kind: document.querySelector("input[name=kind]:checked").value, width: Number($("width").value), trajectories: Number($("trajectories").value),
    noise: Number($("noise").value), steps: Number($("steps").value), seed: 1 + Math.floor(Math.random() * 1e6),
  };
  Object.assign(state, { losses: [], training: true, steps: settings.steps, floor: settings.noise ** 2 });
  const began = performance.now();
  let lastField = 0;
  $("train").disabled = true;
  $("stop").disabled = false;
  worker.onmessage = (e) => {
    const m = e.data;
    if (m.measured) { state.measured = m.measured; return; }
    if (m.theta) {
      engine.adopt("mine", settings.kind, settings.width, m.theta);
      const first = !state.mine;
      state.mine = settings;
      if (first) $("mineLabel").hidden = false;
      if (!state.losses.length || first) show("mine");
      if (m.done || performance.now() - lastField > 250) {
        lastField = performance.now();
        state.fieldStale = state.fieldStale || state.shown === "mine";
        solve();
      }
    }
    if (m.done) {
      Object.assign(state, { training: false });
      $("train").disabled = false;
      $("stop").disabled = true;
      const l = state.losses.at(-1);
      $("status").textContent = m.error ? `Training ended: ${m.error}` :
        l ? `${l.step} steps in ${((performance.now() - began) / 1000).toFixed(1)} s. Error ${l.loss.toPrecision(2)} on the measurements, ${l.held.toPrecision(2)} on swings never seen. It is the green one in the pictures above.` : "Stopped.";
    } else if (m.step) {
      state.losses.push(m);
      $("status").textContent = `Step ${m.step} of ${settings.steps}: error ${m.loss.toPrecision(2)} on the measurements, ${m.held.toPrecision(2)} on swings never seen.`;
    }
    drawLoss();
  };
  worker.postMessage({ train: settings });
}

function listen() {
  const plane = $("plane");
  const drag = (e) => {
    const box = plane.getBoundingClientRect(), f = planeFrame(plane);
    const [q, p] = f.back(e.clientX - box.left, e.clientY - box.top);
    state.q = Math.max(-3.14, Math.min(3.14, q));
    state.p = Math.max(-TOP, Math.min(TOP, p));
    state.time = 0;
    solve();
  };
  plane.addEventListener("pointerdown", (e) => { plane.setPointerCapture(e.pointerId); plane.classList.add("held"); drag(e); });
  plane.addEventListener("pointermove", (e) => { if (plane.classList.contains("held")) drag(e); });
  for (const end of ["pointerup", "pointercancel"]) plane.addEventListener(end, () => plane.classList.remove("held"));
  plane.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.2], ArrowDown: [0, -0.2] }[e.key];
    if (!step) return;
    e.preventDefault();
    state.q = Math.max(-3.14, Math.min(3.14, state.q + step[0]));
    state.p = Math.max(-TOP, Math.min(TOP, state.p + step[1]));
    state.time = 0;
    solve();
  });
  for (const input of document.querySelectorAll("input[name=shown]")) input.addEventListener("change", () => show(input.value));
  $("swarm").addEventListener("click", () => {
    if (state.swarm) state.swarm = null; else startSwarm();
    $("swarm").setAttribute("aria-pressed", String(Boolean(state.swarm)));
    $("fps").textContent = "";
    clearTrails();
  });
  $("play").addEventListener("click", () => {
    state.playing = !state.playing;
    $("play").textContent = state.playing ? "Pause" : "Play";
    $("play").setAttribute("aria-pressed", String(state.playing));
  });
  $("train").addEventListener("click", train);
  $("stop").addEventListener("click", () => worker.postMessage({ stop: true }));
  const told = { trajectories: (v) => v, noise: (v) => `${Number(v).toFixed(2)} rad`, width: (v) => v, steps: (v) => v };
  for (const [id, text] of Object.entries(told)) {
    const update = () => { $(id + "Out").textContent = text($(id).value); };
    $(id).addEventListener("input", update);
    update();
  }
  const again = () => { state.fieldStale = state.staticStale = true; clearTrails(); drawLoss(); legend(); };
  window.addEventListener("resize", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
}

async function main() {
  try {
    const module = await loadEngine((share) => { $("loadbar").value = share; });
    engine = await startEngine(module);
    worker = new Worker("worker.js");
    worker.onmessage = () => { $("train").disabled = false; state.trainable = true; };
    worker.postMessage({ module });
  } catch (err) {
    $("loadtext").textContent = `The solver did not load: ${err.message || err}`;
    $("loadbar").remove();
    return;
  }
  $("loading").hidden = true;
  $("facts").textContent = `${engine.trajectories} swings of ${engine.span} s, ${engine.samples} states each`;
  listen();
  solve();
  drawLoss();
  state.ready = true;
  requestAnimationFrame(frame);
}

main();
