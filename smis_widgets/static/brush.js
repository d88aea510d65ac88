// A region painted over a picture. The region is the page's while a stroke lasts; the kernel gets it as it grows and
// keeps it, for undo and for other views.
const EVERY_MS = 80;
// What lies under it stays visible: the style makes it translucent.
const INK = [124, 92, 255];
const GUARD = "data-lm-suppress-shortcuts";

class Brush {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.id = `brush-${Math.random().toString(36).slice(2)}`;
    this.last = null;
    this.sent = 0;
    this.controller = new AbortController();
    el.classList.add("smis-panel", "smis-brush");
    el.tabIndex = 0;
    el.setAttribute(GUARD, "true");
    el.setAttribute("role", "img");
    this.image = el.appendChild(document.createElement("img"));
    this.image.draggable = false;
    this.image.alt = "";
    this.canvas = el.appendChild(document.createElement("canvas"));
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.ring = el.appendChild(document.createElement("div"));
    this.ring.className = "smis-brush-ring";
    this.listen();
    this.showPicture();
    this.showRegion();
  }

  get(name) {
    return this.model.get(name);
  }

  listen() {
    const { signal } = this.controller;
    const on = (name, act) => this.el.addEventListener(name, (event) => act(event), { signal });
    on("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      this.el.focus({ preventScroll: true });
      try {
        this.el.setPointerCapture(event.pointerId);
      } catch {
        // Events that a script makes belong to no pointer.
      }
      this.last = this.at(event);
      this.draw(this.last);
    });
    on("pointermove", (event) => {
      this.follow(event);
      if (!this.last) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.draw(this.at(each));
      this.draw(this.at(event));
      if (performance.now() - this.sent > EVERY_MS) this.send(false);
    });
    const end = () => {
      if (!this.last) return;
      this.last = null;
      this.send(true);
    };
    on("pointerup", end);
    on("pointercancel", end);
    on("pointerleave", () => (this.ring.hidden = true));
    on("keydown", (event) => this.key(event));
    const changes = { data: () => this.showPicture(), region: () => this.showRegion(), alt: () => this.showPicture() };
    for (const [name, act] of Object.entries(changes)) this.model.on(`change:${name}`, act);
    signal.addEventListener("abort", () => {
      for (const [name, act] of Object.entries(changes)) this.model.off(`change:${name}`, act);
    });
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const side = this.get("side");
    return [((event.clientX - box.left) / box.width) * side, ((event.clientY - box.top) / box.height) * side];
  }

  follow(event) {
    const box = this.canvas.getBoundingClientRect();
    const wide = (this.get("size") / this.get("side")) * box.width;
    Object.assign(this.ring.style, {
      width: `${wide}px`,
      height: `${wide}px`,
      left: `${event.clientX - box.left - wide / 2}px`,
      top: `${event.clientY - box.top - wide / 2}px`,
    });
    this.ring.hidden = false;
  }

  draw(to) {
    const { pen } = this;
    pen.globalCompositeOperation = this.get("erasing") ? "destination-out" : "source-over";
    pen.strokeStyle = `rgb(${INK})`;
    pen.lineWidth = this.get("size");
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...this.last);
    // A line of no length is not drawn.
    pen.lineTo(to[0] + 0.01, to[1]);
    pen.stroke();
    this.last = to;
  }

  send(settled) {
    const side = this.get("side");
    const pixels = this.pen.getImageData(0, 0, side, side).data;
    const region = new Uint8Array(side * side);
    for (let place = 0; place < region.length; place++) region[place] = pixels[4 * place + 3] > 127 ? 255 : 0;
    this.sent = performance.now();
    this.model.send({ painted: this.id, settled }, undefined, [region.buffer]);
  }

  key(event) {
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (control && key === "z") this.model.send({ undo: event.shiftKey ? 1 : -1 });
    else if (control && key === "y") this.model.send({ undo: 1 });
    else if (!control && (key === "[" || key === "]")) this.resize(key === "]" ? 1.25 : 0.8);
    else if (!control && key === "e") this.set("erasing", !this.get("erasing"));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  resize(factor) {
    const side = this.get("side");
    this.set("size", Math.round(Math.min(side / 2, Math.max(2, this.get("size") * factor))));
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  showPicture() {
    const data = this.get("data");
    const before = this.url;
    this.url = URL.createObjectURL(new Blob([data], { type: "image/png" }));
    this.image.src = this.url;
    if (before) URL.revokeObjectURL(before);
    this.el.setAttribute("aria-label", this.get("alt"));
  }

  showRegion() {
    // What was painted here is here already, and the hand may be further by now.
    if (this.last || this.get("author") === this.id) return;
    const side = this.get("side");
    const region = this.get("region");
    this.canvas.width = this.canvas.height = side;
    const pixels = this.pen.createImageData(side, side);
    for (let place = 0; place < side * side; place++) pixels.data.set([...INK, region.getUint8(place)], 4 * place);
    this.pen.putImageData(pixels, 0, 0);
  }

  leave() {
    this.controller.abort();
    if (this.url) URL.revokeObjectURL(this.url);
  }
}

function render({ model, el }) {
  const brush = new Brush(model, el);
  el.dataset.ready = brush.id;
  return () => brush.leave();
}

export default { render };
