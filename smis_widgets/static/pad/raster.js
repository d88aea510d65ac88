// Which pixels an operation covers: docs/drawing.md in JavaScript. The kernel computes the same pixels in Python, so
// everything here is an integer below 2^53 and every quotient is rounded down.

const UNIT = 16;
const NO_PIXEL = { top: 0, left: 0, bottom: 0, right: 0, mask: new Uint8Array(0) };

function div(a, b) {
  return Math.floor(a / b);
}

function ceil(a, b) {
  return -Math.floor(-a / b);
}

function isqrt(n) {
  return Math.floor(Math.sqrt(n));
}

const DRAWN_HERE = new Set(["stroke", "polygon", "rectangle", "ellipse", "landmark"]);

// `operation`: tool (of `DRAWN_HERE`), points [[x, y], …], sizes and brush of a stroke; at and size of a landmark.
// Returns a rectangle of the map and, row by row, which of its pixels are covered.
function rasterise(operation, height, width) {
  if (operation.tool === "landmark") {
    const { at, size } = operation;
    return rasterise({ tool: "stroke", points: [at], sizes: [size], brush: "round" }, height, width);
  }
  const { points } = operation;
  const stroke = operation.tool === "stroke";
  let [lowX, lowY, highX, highY] = [Infinity, Infinity, -Infinity, -Infinity];
  points.forEach(([x, y], place) => {
    const margin = stroke ? div(operation.sizes[place], 2) + UNIT : 0;
    lowX = Math.min(lowX, x - margin);
    lowY = Math.min(lowY, y - margin);
    highX = Math.max(highX, x + margin);
    highY = Math.max(highY, y + margin);
  });
  const box = {
    top: Math.max(div(lowY, UNIT), 0),
    left: Math.max(div(lowX, UNIT), 0),
    bottom: Math.min(div(highY, UNIT) + 1, height),
    right: Math.min(div(highX, UNIT) + 1, width),
  };
  if (box.top >= box.bottom || box.left >= box.right) return NO_PIXEL;
  box.mask = new Uint8Array((box.bottom - box.top) * (box.right - box.left));
  if (stroke) sweep(operation, box);
  else if (operation.tool === "polygon") wind(points, box);
  else if (operation.tool === "rectangle") box.mask.fill(1);
  else bulge(points, box);
  return box;
}

function span(box, row, from, beyond) {
  if (row < box.top || row >= box.bottom) return;
  const left = Math.max(from, box.left);
  const right = Math.min(beyond, box.right);
  if (left >= right) return;
  const start = (row - box.top) * (box.right - box.left) - box.left;
  box.mask.fill(1, start + left, start + right);
}

function sweep({ points, sizes, brush }, box) {
  const path = [];
  points.forEach(([x, y], place) => {
    const last = path[path.length - 1];
    const size = sizes[place];
    if (!last || last[0] !== x || last[1] !== y || last[2] !== size) path.push([x, y, size]);
  });
  const segment = brush === "square" ? squareSegment : roundSegment;
  const rows = new Rows(box);
  if (path.length === 1) segment(path[0], path[0], rows);
  for (let place = 1; place < path.length; place++) segment(path[place - 1], path[place], rows);
}

// In each row a segment covers one span, from the smallest column to the largest.
class Rows {
  constructor(box) {
    this.box = box;
    this.least = new Float64Array(box.bottom - box.top).fill(Infinity);
    this.most = new Float64Array(box.bottom - box.top).fill(-Infinity);
    this.first = Infinity;
    this.last = -Infinity;
  }

  add(row, from, beyond) {
    if (row < this.box.top || row >= this.box.bottom) return;
    const place = row - this.box.top;
    if (from < this.least[place]) this.least[place] = from;
    if (beyond > this.most[place]) this.most[place] = beyond;
    if (row < this.first) this.first = row;
    if (row > this.last) this.last = row;
  }

  flush() {
    for (let row = this.first; row <= this.last; row++) {
      const place = row - this.box.top;
      span(this.box, row, this.least[place], this.most[place]);
      this.least[place] = Infinity;
      this.most[place] = -Infinity;
    }
    this.first = Infinity;
    this.last = -Infinity;
  }
}

function roundSegment([x0, y0, s0], [x1, y1, s1], rows) {
  const step = Math.max(8, div(Math.min(s0, s1), 32));
  const count = Math.max(1, ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)), step));
  const between = (from, to, at) => from + div(2 * at * (to - from) + count, 2 * count);
  for (let at = 0; at <= count; at++) {
    const [x, y, size] = [between(x0, x1, at), between(y0, y1, at), between(s0, s1, at)];
    const column = div(x, UNIT);
    rows.add(div(y, UNIT), column, column + 1);
    if (size <= UNIT) continue;
    const first = Math.max(ceil(2 * y - size - 16, 32), rows.box.top);
    const last = Math.min(div(2 * y + size - 16, 32), rows.box.bottom - 1);
    for (let row = first; row <= last; row++) {
      const rise = 32 * row + 16 - 2 * y;
      const half = isqrt(size * size - rise * rise);
      rows.add(row, ceil(2 * x - half - 16, 32), div(2 * x + half - 16, 32) + 1);
    }
  }
  rows.flush();
}

function squareSegment([x0, y0, s0], [x1, y1, s1], rows) {
  const corners = (x, y, size) => [
    [2 * x - size, 2 * y - size],
    [2 * x - size, 2 * y + size],
    [2 * x + size, 2 * y - size],
    [2 * x + size, 2 * y + size],
  ];
  const from = corners(x0, y0, Math.max(s0, UNIT));
  const to = corners(x1, y1, Math.max(s1, UNIT));
  const edges = [[from[0], from[1]], [from[2], from[3]], [to[0], to[1]], [to[2], to[3]]];
  for (let corner = 0; corner < 4; corner++) edges.push([from[corner], to[corner]]);
  for (const [a, b] of edges) crossings(a, b, rows.box, 32, (row, column) => rows.add(row, column, column));
  rows.flush();
}

// Calls `found` with each row whose middle an edge crosses, the first column right of it, and the edge's direction.
function crossings(a, b, box, unit, found) {
  if (a[1] === b[1]) return;
  const down = a[1] < b[1];
  const [[xa, ya], [xb, yb]] = down ? [a, b] : [b, a];
  const half = unit / 2;
  const first = Math.max(div(ya - half, unit) + 1, box.top);
  const last = Math.min(div(yb - half, unit), box.bottom - 1);
  for (let row = first; row <= last; row++) {
    const across = (xa - half) * (yb - ya) + (unit * row + half - ya) * (xb - xa);
    found(row, div(across, unit * (yb - ya)) + 1, down ? 1 : -1);
  }
}

function wind(points, box) {
  const width = box.right - box.left;
  const turns = new Int16Array((box.bottom - box.top) * (width + 1));
  points.forEach((point, place) => {
    crossings(point, points[(place + 1) % points.length], box, UNIT, (row, column, turn) => {
      const at = Math.min(Math.max(column - box.left, 0), width);
      turns[(row - box.top) * (width + 1) + at] += turn;
    });
  });
  for (let row = 0, at = 0; row < box.bottom - box.top; row++)
    for (let column = 0, winding = 0; column < width; column++, at++) {
      winding += turns[row * (width + 1) + column];
      box.mask[at] = +(winding !== 0);
    }
}

function bulge([[xa, ya], [xb, yb]], box) {
  const [c0, c1] = [div(Math.min(xa, xb), UNIT), div(Math.max(xa, xb), UNIT)];
  const [r0, r1] = [div(Math.min(ya, yb), UNIT), div(Math.max(ya, yb), UNIT)];
  const [wide, high] = [c1 - c0 + 1, r1 - r0 + 1];
  for (let row = box.top; row < box.bottom; row++) {
    const rise = 2 * row - r0 - r1;
    const half = div(wide * isqrt((high * high - rise * rise) * 65536), 256 * high);
    span(box, row, ceil(c0 + c1 - half, 2), div(c0 + c1 + half, 2) + 1);
  }
}
