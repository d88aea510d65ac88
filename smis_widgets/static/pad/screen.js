// Shows a sheet of class indices on a canvas at the screen's own resolution: sharp at every zoom, and no more work
// than there are pixels on the screen, however large the mask is.

const PAPER = 255;
const TILE = 8;

// Eight marks that differ in shape alone, for those who do not tell the colours apart: 1 where a class is darker.
const MARKS = [
  () => 0,
  (x, y) => +((x + y) % 8 < 2),
  (x, y) => +((x - y + 64) % 8 < 2),
  (x, y) => +(y % 4 === 0),
  (x, y) => +(x % 4 === 0),
  (x, y) => +(x % 4 < 2 && y % 4 < 2),
  (x, y) => +((x + y) % 8 === 0 || (x - y + 64) % 8 === 0),
  (x, y) => +(x % 8 === 0 || y % 8 === 0),
];

class Lens {
  // Where the sheet lies on the stage: `zoom` 1 shows all of it, (x, y) is its top left corner in CSS pixels.
  constructor() {
    Object.assign(this, { zoom: 1, x: 0, y: 0, stage: 1, side: 1 });
  }

  get scale() {
    return (this.stage / this.side) * this.zoom;
  }

  toMap(x, y) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  toStage(x, y) {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  // The point under the pointer stays under it.
  zoomAt(x, y, factor) {
    const most = Math.max(1, (this.side * 32) / this.stage);
    const zoom = Math.min(Math.max(this.zoom * factor, 1), most);
    const ratio = zoom / this.zoom;
    this.x = x - (x - this.x) * ratio;
    this.y = y - (y - this.y) * ratio;
    this.zoom = zoom;
    this.hold();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.hold();
  }

  // Moves the sheet until a place of it is at least `rim` from the stage's edges; returns whether it had to.
  reveal(x, y, rim) {
    const { stage } = this;
    const [dx, dy] = this.toStage(x, y).map((at) => clamped(at, rim, stage - rim) - at);
    const [fromX, fromY] = [this.x, this.y];
    this.pan(dx, dy);
    return this.x !== fromX || this.y !== fromY;
  }

  fit() {
    Object.assign(this, { zoom: 1, x: 0, y: 0 });
  }

  // The sheet always covers the stage.
  hold() {
    const least = this.stage * (1 - this.zoom);
    this.x = Math.min(0, Math.max(this.x, least));
    this.y = Math.min(0, Math.max(this.y, least));
  }
}

class Screen {
  constructor(canvas, lens) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.lens = lens;
    this.ratio = 1;
    this.plain = new Uint32Array(256);
    this.marked = new Uint32Array(256);
    this.lines = new Uint32Array(256);
    this.marks = new Uint8Array(256 * TILE * TILE);
    this.look = {};
    this.ghost = null;
    this.reach = 1;
  }

  resize(stage, ratio) {
    const pixels = Math.max(1, Math.round(stage * ratio));
    if (this.canvas.width !== pixels) this.canvas.width = this.canvas.height = pixels;
    this.ratio = pixels / stage;
    this.reach = Math.max(1, Math.round(ratio));
    this.lens.stage = stage;
    this.lens.hold();
  }

  dress(palette, look, opacity) {
    this.look = look;
    const alpha = Math.round(255 * opacity);
    for (const table of [this.plain, this.marked, this.lines]) table.fill(0);
    palette.forEach(({ index, colour: [r, g, b] }, place) => {
      const dark = 0.299 * r + 0.587 * g + 0.114 * b < 110;
      const shade = (level) => Math.round(dark ? level + (255 - level) * 0.45 : level * 0.55);
      this.plain[index] = pack(r, g, b, alpha);
      this.marked[index] = pack(shade(r), shade(g), shade(b), alpha);
      this.lines[index] = pack(r, g, b, 255);
      const mark = MARKS[place % MARKS.length];
      for (let y = 0; y < TILE; y++)
        for (let x = 0; x < TILE; x++) this.marks[index * 64 + y * TILE + x] = look.patterns ? mark(x, y) : 0;
    });
  }

  // Paints what shows of a rectangle of the sheet, or everything.
  paint(indices, rect = null) {
    const { side, x, y, scale } = this.lens;
    const size = this.canvas.width;
    const step = scale * this.ratio;
    const [left, top] = [x * this.ratio, y * this.ratio];
    let box = [0, 0, size, size];
    if (rect) {
      const near = (at, from) => Math.floor(at * step + from) - 1 - this.reach;
      const far = (at, from) => Math.ceil(at * step + from) + 1 + this.reach;
      box = [near(rect.left, left), near(rect.top, top), far(rect.right, left), far(rect.bottom, top)];
      box = box.map((at) => Math.min(Math.max(at, 0), size));
    }
    const [fromX, fromY, toX, toY] = box;
    if (toX <= fromX || toY <= fromY || indices.length !== side * side) return;
    const image = this.context.createImageData(toX - fromX, toY - fromY);
    const pixels = new Uint32Array(image.data.buffer);
    const place = (at, from) => Math.min(Math.max(Math.floor((at + 0.5 - from) / step), 0), side - 1);
    // Outlines look at their neighbours, beyond the rectangle too: the tables begin `reach` pixels before it.
    const { reach } = this;
    const table = (from, to, origin) =>
      Int32Array.from({ length: to - from + 2 * reach }, (_, at) => place(from + at - reach, origin));
    const columns = table(fromX, toX, left);
    const rows = table(fromY, toY, top).map((row) => row * side);
    if (this.look.outlines) this.#outlines(pixels, indices, columns, rows);
    else this.#areas(pixels, indices, columns, rows, fromX, fromY);
    if (this.ghost && this.look.ghost) this.#ghost(pixels, columns, rows, fromX, fromY);
    this.context.putImageData(image, fromX, fromY);
  }

  #areas(pixels, indices, columns, rows, fromX, fromY) {
    const { plain, marked, marks, reach } = this;
    const [width, height] = [columns.length - 2 * reach, rows.length - 2 * reach];
    const grain = this.look.patterns ? 1 / this.ratio : 0;
    for (let j = 0, at = 0; j < height; j++) {
      const row = rows[j + reach];
      const line = (((fromY + j) * grain) & 7) * TILE;
      for (let i = 0; i < width; i++, at++) {
        const index = indices[row + columns[i + reach]];
        if (grain && marks[index * 64 + line + (((fromX + i) * grain) & 7)]) pixels[at] = marked[index];
        else pixels[at] = plain[index];
      }
    }
  }

  #outlines(pixels, indices, columns, rows) {
    const { lines, reach } = this;
    const [width, height] = [columns.length - 2 * reach, rows.length - 2 * reach];
    for (let j = 0, at = 0; j < height; j++) {
      const [above, row, below] = [rows[j], rows[j + reach], rows[j + 2 * reach]];
      for (let i = 0; i < width; i++, at++) {
        const column = columns[i + reach];
        const index = indices[row + column];
        const edge =
          index !== indices[row + columns[i + 2 * reach]] ||
          index !== indices[row + columns[i]] ||
          index !== indices[below + column] ||
          index !== indices[above + column];
        if (edge) pixels[at] = lines[index];
      }
    }
  }

  // The outlines of what the picture shows, dashed, over what is drawn.
  #ghost(pixels, columns, rows, fromX, fromY) {
    const { ghost, lines, reach } = this;
    const [width, height] = [columns.length - 2 * reach, rows.length - 2 * reach];
    for (let j = 0, at = 0; j < height; j++) {
      const [row, below] = [rows[j + reach], rows[j + 2 * reach]];
      for (let i = 0; i < width; i++, at++) {
        const column = columns[i + reach];
        const index = ghost[row + column];
        const beside = ghost[row + columns[i + 2 * reach]];
        const under = ghost[below + column];
        if (index === beside && index === under) continue;
        const dash = ((fromX + i + fromY + j) >> 2) & 1;
        pixels[at] = dash ? 0xffffffff : lines[index === PAPER ? (beside === PAPER ? under : beside) : index];
      }
    }
  }
}

function pack(r, g, b, a) {
  return ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
