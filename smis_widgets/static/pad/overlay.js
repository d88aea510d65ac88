// What lies over the mask and is no part of it: brush outline, corners, a selection, numbers, the grid.

const DARK = "rgba(18, 18, 28, 0.92)";
const LIGHT = "rgba(255, 255, 255, 0.95)";
const GRID_PIXELS = 12;

class Overlay {
  constructor(canvas, lens, tools, get) {
    Object.assign(this, { canvas, lens, tools, get });
    this.context = canvas.getContext("2d");
    this.due = false;
    this.cross = null;
  }

  resize(stage, ratio) {
    const pixels = Math.max(1, Math.round(stage * ratio));
    if (this.canvas.width !== pixels) this.canvas.width = this.canvas.height = pixels;
    this.ratio = pixels / stage;
  }

  refresh() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.#draw();
    });
  }

  #draw() {
    const { context, lens } = this;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, lens.stage, lens.stage);
    if (this.get("look").grid) this.#grid();
    this.#landmarks();
    if (this.tools.selection) this.#selection(this.tools.selection);
    this.#path();
    if (this.tools.pen) this.#cursor(this.tools.pen);
    if (this.cross) this.#crosshair(this.cross);
  }

  #place({ x, y }) {
    return this.lens.toStage(x / UNIT, y / UNIT);
  }

  #twice(path) {
    const { context } = this;
    for (const [colour, width] of [[LIGHT, 3], [DARK, 1]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke(path);
    }
  }

  #grid() {
    const { context, lens } = this;
    let step = 1;
    while (step * lens.scale < GRID_PIXELS) step *= 2;
    const [left, top] = lens.toMap(0, 0).map((at) => Math.ceil(at / step) * step);
    const path = new Path2D();
    for (let at = left; at * lens.scale + lens.x < lens.stage; at += step) {
      const x = Math.round(at * lens.scale + lens.x) + 0.5;
      path.moveTo(x, 0);
      path.lineTo(x, lens.stage);
    }
    for (let at = top; at * lens.scale + lens.y < lens.stage; at += step) {
      const y = Math.round(at * lens.scale + lens.y) + 0.5;
      path.moveTo(0, y);
      path.lineTo(lens.stage, y);
    }
    context.lineWidth = 1;
    context.strokeStyle = "rgba(90, 90, 110, 0.35)";
    context.stroke(path);
  }

  #landmarks() {
    const { context } = this;
    context.font = "600 11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const { number, at, index } of this.get("landmarks")) {
      if (this.tools.sheet.at(at) !== index) continue;
      const [x, y] = this.#place({ x: at[0], y: at[1] });
      const disc = new Path2D();
      disc.arc(x, y - 14, 8, 0, 7);
      context.fillStyle = DARK;
      context.fill(disc);
      context.fillStyle = LIGHT;
      context.fillText(String(number), x, y - 13.5);
    }
  }

  #selection({ region, box }) {
    const { context, lens } = this;
    const [left, top] = lens.toStage(box.left, box.top);
    const [right, bottom] = lens.toStage(box.right, box.bottom);
    this.picture ??= new WeakMap();
    if (!this.picture.has(region)) this.picture.set(region, this.#cutout(region));
    context.imageSmoothingEnabled = false;
    context.globalAlpha = 0.85;
    context.drawImage(this.picture.get(region), left, top, right - left, bottom - top);
    context.globalAlpha = 1;
    const frame = new Path2D();
    frame.rect(left, top, right - left, bottom - top);
    for (const x of [left, right]) for (const y of [top, bottom]) frame.rect(x - 3.5, y - 3.5, 7, 7);
    this.#twice(frame);
  }

  #cutout({ top, left, bottom, right, seen, index }) {
    const { side } = this.lens;
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: right - left, height: bottom - top });
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const [r, g, b] = this.get("palette").find((each) => each.index === index)?.colour ?? [0, 0, 0];
    const pixels = new Uint32Array(image.data.buffer);
    for (let row = top, at = 0; row < bottom; row++)
      for (let column = left; column < right; column++, at++)
        if (seen[row * side + column]) pixels[at] = pack(r, g, b, 255);
    context.putImageData(image, 0, 0);
    return canvas;
  }

  // Corners set so far, and the line to the pointer.
  #path() {
    const { tools, context } = this;
    const freehand = tools.name === "lasso" || tools.name === "copy";
    const points = freehand ? (tools.track ?? []) : tools.name === "polygon" || tools.name === "polyline" ? tools.vertices : [];
    if (!points.length) return;
    const path = new Path2D();
    points.forEach((point, place) => path[place ? "lineTo" : "moveTo"](...this.#place(point)));
    if (!freehand && tools.pen) path.lineTo(...this.#place(tools.pen));
    if (tools.name === "polygon" || freehand) {
      context.fillStyle = "rgba(128, 110, 230, 0.25)";
      context.fill(path);
    }
    if (tools.name !== "polyline") this.#twice(path);
    if (freehand) return;
    const dots = new Path2D();
    for (const point of points) {
      const [x, y] = this.#place(point);
      dots.rect(x - 3, y - 3, 6, 6);
    }
    this.#twice(dots);
  }

  #cursor(point) {
    if (!["brush", "eraser", "line", "polyline", "point"].includes(this.tools.name)) return;
    const [x, y] = this.#place(point);
    const radius = Math.max(((point.size / UNIT) * this.lens.scale) / 2, 2);
    const path = new Path2D();
    if (this.get("brush_shape") === "square" && this.tools.name !== "point") path.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    else path.arc(x, y, radius, 0, 7);
    this.#twice(path);
  }

  // The keyboard's own pointer.
  #crosshair(point) {
    const [x, y] = this.#place(point);
    const path = new Path2D();
    for (const way of [-1, 1]) {
      path.moveTo(x + 4 * way, y);
      path.lineTo(x + 12 * way, y);
      path.moveTo(x, y + 4 * way);
      path.lineTo(x, y + 12 * way);
    }
    this.#twice(path);
  }
}
