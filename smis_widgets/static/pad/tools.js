// What each tool does between the pen going down and coming up.

const CLOSE_PIXELS = 9;
const SIDES = ["left", "top", "right", "bottom"];

class Tools {
  // `bench`: sheet, wire, lens, get(trait), choose(index), tool(name), refresh() of the overlay, say(text).
  constructor(bench) {
    Object.assign(this, bench);
    this.track = null;
    this.vertices = [];
    this.selection = null;
    this.pen = null;
  }

  get name() {
    return this.get("tool");
  }

  get busy() {
    return Boolean(this.track || this.vertices.length || this.selection);
  }

  #guards() {
    const over = this.get("over");
    return { only: over < 0 ? null : [over], protect: this.get("protected") };
  }

  #paint(tool, content) {
    const index = this.name === "eraser" ? PAPER : this.get("label");
    return { tool, index, ...this.#guards(), ...content };
  }

  #stroke(points) {
    const corners = points.map(({ x, y }) => [x, y]);
    return this.#paint("stroke", { points: corners, sizes: points.map(({ size }) => size), brush: this.get("brush_shape") });
  }

  down(point) {
    this.pen = point;
    const act = {
      brush: () => this.#inkFrom(point),
      eraser: () => this.#inkFrom(point),
      fill: () => this.wire.operate(this.#paint("bucket", { at: [point.x, point.y], gap: this.get("gap") })),
      wand: () => this.wire.operate(this.#paint("smart_fill", { at: [point.x, point.y], tolerance: this.get("edges") })),
      pick: () => this.#pick(point),
      move: () => this.#grasp(point),
      point: () => this.#landmark(point),
      polyline: () => (this.track = [point]),
      polygon: () => (this.track = [point]),
    }[this.name];
    if (act) act();
    else this.track = [point];
    this.refresh();
  }

  move(points, event) {
    const last = points[points.length - 1];
    this.pen = last;
    const { name, track } = this;
    if (track) {
      if (name === "brush" || name === "eraser") this.wire.extend(points);
      else if (name === "lasso" || name === "copy") track.push(...points);
      else if (name === "move") this.#drag(last);
      else if (name === "point") this.#landmark(last);
      else if (name === "polyline" || name === "polygon") track[0] = last;
      else {
        track[1] = event?.shiftKey ? straight(track[0], last, name) : last;
        this.sheet.ink(this.#shape(track), null);
      }
      this.#sketchPath();
    }
    this.refresh();
  }

  up(point) {
    const { name, track } = this;
    this.track = null;
    if (!track) return this.refresh();
    if (name === "brush" || name === "eraser") {
      if (point) this.wire.extend([point]);
      this.wire.end();
    } else if (name === "line" || name === "rectangle" || name === "ellipse") {
      this.sheet.dropDraft();
      this.wire.operate(this.#shape(track));
    } else if (name === "lasso") this.#close(track, "polygon");
    else if (name === "copy") this.#close(track, "copy");
    else if (name === "point") this.#place(track[0]);
    else if (name === "polyline" || name === "polygon") this.#corner(track[0]);
    this.refresh();
  }

  hover(point) {
    this.pen = point;
    this.#sketchPath();
    this.refresh();
  }

  leave() {
    this.pen = null;
    this.refresh();
  }

  // Takes back what is under way; returns whether anything was.
  cancel() {
    const { busy } = this;
    if (this.track && this.wire.stroke) this.wire.cancel();
    this.track = null;
    this.vertices = [];
    this.selection = null;
    this.sheet.dropDraft();
    this.refresh();
    return busy;
  }

  // Ends a polyline, a polygon or a move.
  finish() {
    if (this.track && this.name !== "move") this.up(null);
    const { name, vertices } = this;
    this.vertices = [];
    this.sheet.dropDraft();
    if (name === "move") this.#drop();
    else if (name === "polyline" && vertices.length) this.wire.operate(this.#stroke(vertices));
    else if (name === "polygon") this.#close(vertices, "polygon");
    this.refresh();
  }

  // Takes back the last corner.
  back() {
    if (!this.vertices.length) return false;
    this.vertices.pop();
    this.sheet.dropDraft();
    this.#sketchPath();
    this.refresh();
    return true;
  }

  #inkFrom(point) {
    this.track = [point];
    this.wire.begin(this.#stroke([]));
    this.wire.extend([point]);
  }

  #pick(point) {
    const index = this.sheet.at([point.x, point.y]);
    if (index === PAPER) this.tool("eraser");
    else if (index !== null) this.choose(index);
  }

  #shape([from, to = from]) {
    if (this.name === "line") return this.#stroke([from, to]);
    return this.#paint(this.name, { points: [[from.x, from.y], [to.x, to.y]] });
  }

  #close(track, tool) {
    const points = track.map(({ x, y }) => [x, y]);
    if (points.length < 3) return;
    if (tool === "polygon") this.wire.operate(this.#paint(tool, { points }));
    else this.wire.operate({ tool, source: "previous", points, ...this.#guards() });
  }

  #corner(point) {
    const [first] = this.vertices;
    const reach = (CLOSE_PIXELS * UNIT) / this.lens.scale;
    const closes = this.vertices.length > 2 && Math.hypot(first.x - point.x, first.y - point.y) < reach;
    if (closes && this.name === "polygon") return this.finish();
    this.vertices.push(point);
    this.#sketchPath();
  }

  // The polyline as it would be with the pointer as its next corner.
  #sketchPath() {
    if (this.name !== "polyline" || !this.vertices.length) return;
    const points = this.pen ? [...this.vertices, this.pen] : this.vertices;
    this.sheet.ink(this.#stroke(points), null);
  }

  #mark(point) {
    return this.#paint("landmark", { at: [point.x, point.y], size: point.size });
  }

  #landmark(point) {
    if (!this.track) {
      // Pressing on a landmark takes hold of it.
      const index = this.sheet.at([point.x, point.y]);
      if (this.get("landmarks").some((each) => each.index === index)) this.choose(index);
    }
    this.track = [point];
    this.sheet.ink(this.#mark(point), null);
  }

  #place(point) {
    this.sheet.dropDraft();
    this.wire.operate(this.#mark(point));
  }

  // Moving: press on a region to take it, drag it or its corners, press beside it to leave it there.
  #grasp(point) {
    const [x, y] = [point.x / UNIT, point.y / UNIT];
    const { selection } = this;
    if (selection) {
      const { box } = selection;
      const reach = CLOSE_PIXELS / this.lens.scale;
      const near = (side) => Math.abs((side === "left" || side === "right" ? x : y) - box[side]) < reach;
      const inside = x > box.left - reach && x < box.right + reach && y > box.top - reach && y < box.bottom + reach;
      const held = inside ? SIDES.filter(near) : [];
      if (inside) return void ((this.track = [point]), (selection.held = held), (selection.start = { ...box }));
      return this.finish();
    }
    const region = this.sheet.region([point.x, point.y]);
    if (!region) return;
    const { top, left, bottom, right } = region;
    const box = { top, left, bottom, right };
    this.selection = { region, at: [point.x, point.y], box, start: { ...box }, held: [] };
    this.track = [point];
  }

  #drag(point) {
    const { selection, track } = this;
    if (!selection) return;
    const [dx, dy] = [Math.round((point.x - track[0].x) / UNIT), Math.round((point.y - track[0].y) / UNIT)];
    const { start, held } = selection;
    const box = { ...start };
    const moved = (side) => (side === "left" || side === "right" ? dx : dy);
    for (const side of held.length ? held : SIDES) box[side] += moved(side);
    if (held.includes("left")) box.left = Math.min(box.left, box.right - 1);
    if (held.includes("right")) box.right = Math.max(box.right, box.left + 1);
    if (held.includes("top")) box.top = Math.min(box.top, box.bottom - 1);
    if (held.includes("bottom")) box.bottom = Math.max(box.bottom, box.top + 1);
    selection.box = box;
  }

  // Moves the selection by whole pixels.
  nudge(dx, dy) {
    if (!this.selection) return false;
    const { box } = this.selection;
    this.selection.box = { top: box.top + dy, bottom: box.bottom + dy, left: box.left + dx, right: box.right + dx };
    this.refresh();
    return true;
  }

  // Makes the selection larger or smaller around its middle.
  scale(way) {
    if (!this.selection) return false;
    const { box } = this.selection;
    const grown = (low, high) => {
      const size = high - low;
      const wanted = Math.max(1, size + way * Math.max(1, div(size, 8)));
      const start = low + div(size - wanted + (size % 2), 2);
      return [start, start + wanted];
    };
    const [[top, bottom], [left, right]] = [grown(box.top, box.bottom), grown(box.left, box.right)];
    this.selection.box = { top, left, bottom, right };
    this.refresh();
    return true;
  }

  #drop() {
    const { selection } = this;
    this.selection = null;
    this.track = null;
    if (!selection) return;
    const { region, box, at } = selection;
    if (["top", "left", "bottom", "right"].every((side) => region[side] === box[side])) return;
    const target = [box.top, box.left, box.bottom, box.right];
    this.wire.operate({ tool: "move", points: [at], target, ...this.#guards() });
  }
}

// Lines at whole eighths of a turn, squares and circles.
function straight(from, to, name) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  if (name !== "line") {
    const side = Math.max(Math.abs(dx), Math.abs(dy));
    return { ...to, x: from.x + (dx < 0 ? -side : side), y: from.y + (dy < 0 ? -side : side) };
  }
  if (Math.abs(dx) > 2 * Math.abs(dy)) return { ...to, y: from.y };
  if (Math.abs(dy) > 2 * Math.abs(dx)) return { ...to, x: from.x };
  const side = Math.round((Math.abs(dx) + Math.abs(dy)) / 2);
  return { ...to, x: from.x + Math.sign(dx) * side, y: from.y + Math.sign(dy) * side };
}
