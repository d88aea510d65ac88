// The mask as the browser shows it: what the kernel has settled, and over it what was drawn and not yet answered.

function hull(a, b) {
  if (!b || b.top >= b.bottom) return a;
  if (!a || a.top >= a.bottom) return b;
  return {
    top: Math.min(a.top, b.top),
    left: Math.min(a.left, b.left),
    bottom: Math.max(a.bottom, b.bottom),
    right: Math.max(a.right, b.right),
  };
}

function cut(a, b) {
  const rect = {
    top: Math.max(a.top, b.top),
    left: Math.max(a.left, b.left),
    bottom: Math.min(a.bottom, b.bottom),
    right: Math.min(a.right, b.right),
  };
  return rect.top < rect.bottom && rect.left < rect.right ? rect : null;
}

class Sheet {
  constructor() {
    this.side = 0;
    this.settled = new Uint8Array(0);
    this.shown = new Uint8Array(0);
    this.pending = new Map();
    this.draft = null;
    this.stale = null;
    this.watchers = new Set();
  }

  get whole() {
    return { top: 0, left: 0, bottom: this.side, right: this.side };
  }

  // The kernel's whole map.
  reset(side, indices) {
    if (side !== this.side) this.shown = new Uint8Array(side * side);
    this.side = side;
    this.settled = indices;
    this.#later(this.whole);
  }

  // The kernel's answer for a rectangle.
  settle(rect, indices) {
    const width = rect.right - rect.left;
    for (let row = rect.top, at = 0; row < rect.bottom; row++, at += width)
      this.settled.set(indices.subarray(at, at + width), row * this.side + rect.left);
    this.#later(rect);
  }

  // Draws at once; `number` says with which message it travels, null that it is only a draft.
  ink(operation, number) {
    const raster = rasterise(operation, this.side, this.side);
    const piece = { raster, index: operation.index, allowed: allowance(operation) };
    if (number === null) {
      const before = this.draft?.raster;
      this.draft = piece;
      if (before) this.#rebuild(hull(before, raster));
      else this.#apply(piece, this.whole);
    } else {
      this.pending.set(number, [...(this.pending.get(number) ?? []), piece]);
      this.#apply(piece, this.whole);
    }
    this.#tell(raster);
  }

  dropDraft() {
    const raster = this.draft?.raster;
    this.draft = null;
    if (!raster) return;
    this.#rebuild(raster);
    this.#tell(raster);
  }

  // What travels with these messages is settled, or taken back: in both cases the kernel's map says what is there.
  forget(matches) {
    for (const [number, pieces] of this.pending) {
      if (!matches(number)) continue;
      this.pending.delete(number);
      for (const { raster } of pieces) this.#later(raster);
    }
  }

  at([x, y]) {
    const [column, row] = [div(x, UNIT), div(y, UNIT)];
    const inside = column >= 0 && row >= 0 && column < this.side && row < this.side;
    return inside ? this.shown[row * this.side + column] : null;
  }

  counts() {
    const { shown } = this;
    const counts = new Uint32Array(256);
    for (let at = 0; at < shown.length; at++) counts[shown[at]]++;
    return counts;
  }

  // The connected pixels of one class around a pixel, as the kernel would take them: a rectangle and a mask.
  region([x, y]) {
    const { side, shown } = this;
    const index = this.at([x, y]);
    if (index === null || index === PAPER) return null;
    const seen = new Uint8Array(side * side);
    let [top, left, bottom, right] = [side, side, 0, 0];
    const queue = [div(y, UNIT) * side + div(x, UNIT)];
    // The first pixel of each run beside a run: a row of a map is looked at as a whole.
    const visit = (row, from, beyond) => {
      if (row < 0 || row >= side) return;
      let within = false;
      for (let at = row * side + from; at < row * side + beyond; at++) {
        const open = shown[at] === index && !seen[at];
        if (open && !within) queue.push(at);
        within = open;
      }
    };
    while (queue.length) {
      const at = queue.pop();
      if (seen[at]) continue;
      const row = div(at, side);
      let [from, beyond] = [at, at + 1];
      while (from > row * side && shown[from - 1] === index) from--;
      while (beyond < (row + 1) * side && shown[beyond] === index) beyond++;
      seen.fill(1, from, beyond);
      [from, beyond] = [from - row * side, beyond - row * side];
      [top, left, bottom, right] = [Math.min(top, row), Math.min(left, from), Math.max(bottom, row + 1), Math.max(right, beyond)];
      visit(row - 1, from, beyond);
      visit(row + 1, from, beyond);
    }
    return { top, left, bottom, right, index, seen };
  }

  // Everything that has come from the kernel shows now; otherwise it does with the next frame.
  refresh() {
    const rect = this.stale && cut(this.stale, this.whole);
    this.stale = null;
    if (!rect) return;
    this.#rebuild(rect);
    this.#tell(rect);
  }

  #later(rect) {
    if (rect.top >= rect.bottom) return;
    if (!this.stale) requestAnimationFrame(() => this.refresh());
    this.stale = hull(this.stale, rect);
  }

  #rebuild(rect) {
    const { side, shown, settled } = this;
    for (let row = rect.top; row < rect.bottom; row++) {
      const from = row * side + rect.left;
      shown.set(settled.subarray(from, row * side + rect.right), from);
    }
    for (const pieces of this.pending.values()) for (const piece of pieces) this.#apply(piece, rect);
    if (this.draft) this.#apply(this.draft, rect);
  }

  #apply({ raster, index, allowed }, clip) {
    const rect = cut(raster, clip);
    if (!rect) return;
    const { side, shown } = this;
    const { mask } = raster;
    const width = raster.right - raster.left;
    for (let row = rect.top; row < rect.bottom; row++) {
      let from = (row - raster.top) * width + rect.left - raster.left;
      const beyond = row * side + rect.right;
      for (let at = row * side + rect.left; at < beyond; at++, from++)
        if (mask[from] && allowed[shown[at]]) shown[at] = index;
    }
  }

  #tell(rect) {
    for (const watcher of this.watchers) watcher(rect);
  }
}

function allowance({ only, protect }) {
  const allowed = new Uint8Array(256).fill(only ? 0 : 1);
  for (const index of only ?? []) allowed[index] = 1;
  for (const index of protect ?? []) allowed[index] = 0;
  return allowed;
}
