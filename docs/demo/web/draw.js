"use strict";
// Canvases that know the units of what they show.

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

// fit gives a canvas the resolution of the screen and returns its context, in CSS pixels.
function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { c, width, height };
}

// niceTicks are about n round numbers from lo to hi.
function niceTicks(lo, hi, n) {
  const rough = (hi - lo) / n, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  const ticks = [];
  for (let v = Math.ceil(lo / step - 1e-9) * step; v <= hi + 1e-9 * step; v += step) ticks.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return ticks;
}

const label = (v) => String(Number(v.toPrecision(6))).replace("-", "−");

// frame is the area of a plot with its axes: x and y map data to pixels.
class Frame {
  constructor(canvas, o) {
    Object.assign(this, { xlo: 0, xhi: 1, ylo: 0, yhi: 1, left: 46, right: 10, top: 10, bottom: 36 }, o);
    Object.assign(this, fit(canvas));
    this.w = this.width - this.left - this.right;
    this.h = this.height - this.top - this.bottom;
  }
  x(v) { return this.left + (v - this.xlo) / (this.xhi - this.xlo) * this.w; }
  y(v) {
    const f = this.log ? Math.log10 : (a) => a;
    return this.top + (1 - (f(v) - f(this.ylo)) / (f(this.yhi) - f(this.ylo))) * this.h;
  }
  // back are the data at a pixel of a linear plot.
  back(px, py) {
    return [this.xlo + (px - this.left) / this.w * (this.xhi - this.xlo), this.ylo + (1 - (py - this.top) / this.h) * (this.yhi - this.ylo)];
  }
  clear() { this.c.clearRect(0, 0, this.width, this.height); }
  // inside draws clipped to the area.
  inside(draw) {
    const c = this.c;
    c.save();
    c.beginPath();
    c.rect(this.left, this.top, this.w, this.h);
    c.clip();
    draw(c);
    c.restore();
  }
  axes(xlabel, ylabel, o = {}) {
    const c = this.c;
    c.font = "12px system-ui, 'DejaVu Sans', sans-serif";
    c.fillStyle = css("soft");
    c.strokeStyle = css("line");
    c.lineWidth = 1;
    const xticks = o.xticks || niceTicks(this.xlo, this.xhi, Math.max(3, Math.floor(this.w / 90))).map((v) => [v, label(v)]);
    let yticks = o.yticks || (this.log
      ? Array.from({ length: Math.round(Math.log10(this.yhi / this.ylo)) + 1 }, (_, i) => 10 ** (Math.round(Math.log10(this.ylo)) + i)).map((v) => [v, "10" + superscript(Math.round(Math.log10(v)))])
      : niceTicks(this.ylo, this.yhi, Math.max(3, Math.floor(this.h / 30))).map((v) => [v, label(v)]));
    c.textAlign = "center";
    c.textBaseline = "top";
    for (const [v, text] of xticks) {
      line(c, this.x(v), this.top, this.x(v), this.top + this.h);
      c.fillText(text, this.x(v), this.top + this.h + 4);
    }
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const [v, text] of yticks) {
      line(c, this.left, this.y(v), this.left + this.w, this.y(v));
      c.fillText(text, this.left - 5, this.y(v));
    }
    c.textAlign = "center";
    c.textBaseline = "bottom";
    c.fillText(xlabel, this.left + this.w / 2, this.height - 1);
    c.save();
    c.translate(11, this.top + this.h / 2);
    c.rotate(-Math.PI / 2);
    c.textBaseline = "middle";
    c.fillText(ylabel, 0, 0);
    c.restore();
  }
  // path draws points (x0, y0, x1, y1, …), lifting the pen where x jumps by more than jump or a value is missing.
  path(points, colour, o = {}) {
    const c = this.c;
    c.strokeStyle = colour;
    c.lineWidth = o.width || 1.8;
    c.globalAlpha = o.alpha || 1;
    c.setLineDash(o.dash || []);
    c.beginPath();
    let last = NaN;
    for (let i = 0; i < points.length; i += 2) {
      const a = points[i], b = points[i + 1];
      if (!Number.isFinite(a) || !Number.isFinite(b)) { last = NaN; continue; }
      if (Number.isNaN(last) || Math.abs(a - last) > (o.jump || Infinity)) c.moveTo(this.x(a), this.y(b));
      else c.lineTo(this.x(a), this.y(b));
      last = a;
    }
    c.stroke();
    c.setLineDash([]);
    c.globalAlpha = 1;
  }
  dot(a, b, radius, colour, ring) {
    const c = this.c;
    c.beginPath();
    c.arc(this.x(a), this.y(b), radius, 0, 2 * Math.PI);
    c.fillStyle = colour;
    c.fill();
    if (ring) { c.strokeStyle = ring; c.lineWidth = 2; c.stroke(); }
  }
}

const superscript = (n) => String(n).replace(/./g, (d) => ({ "-": "⁻" })[d] || "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);

function line(c, x0, y0, x1, y1) {
  c.beginPath();
  c.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
  c.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  c.stroke();
}

// contour draws the lines of equal value of a grid (marching squares): value(i, j) at x(i), y(j).
function contour(f, n, m, values, xs, ys, levels, colour) {
  const c = f.c;
  c.strokeStyle = colour;
  c.lineWidth = 1;
  c.beginPath();
  for (const level of levels) {
    for (let j = 0; j + 1 < m; j++) {
      for (let i = 0; i + 1 < n; i++) {
        const v = [values[j * n + i], values[j * n + i + 1], values[(j + 1) * n + i + 1], values[(j + 1) * n + i]];
        const px = [xs[i], xs[i + 1], xs[i + 1], xs[i]], py = [ys[j], ys[j], ys[j + 1], ys[j + 1]];
        const cuts = [];
        for (let k = 0; k < 4; k++) {
          const l = (k + 1) % 4;
          if ((v[k] < level) !== (v[l] < level)) {
            const s = (level - v[k]) / (v[l] - v[k]);
            cuts.push(f.x(px[k] + s * (px[l] - px[k])), f.y(py[k] + s * (py[l] - py[k])));
          }
        }
        for (let k = 0; k + 3 < cuts.length; k += 4) { c.moveTo(cuts[k], cuts[k + 1]); c.lineTo(cuts[k + 2], cuts[k + 3]); }
      }
    }
  }
  c.stroke();
}
