// The pad's front end as one view of it: what it shows, and what it does with pointers, keys and files.

class PadView {
  constructor(model, el) {
    const { sheet, wire } = DESKS.get(model.get("pad"));
    const control = new AbortController();
    Object.assign(this, { model, el, sheet, wire, control, signal: control.signal });
    this.texts = model.get("texts");
    this.get = (name) => model.get(name);
    this.#build();
    this.#follow();
    this.#attach();
  }

  close() {
    this.control.abort();
    this.tools.cancel();
    this.sheet.watchers.delete(this.inked);
    for (const [name, act] of this.heard) this.model.off(name, act);
    this.sizes.disconnect();
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  #build() {
    const { model, texts, el, sheet, wire } = this;
    const act = {
      choose: (index) => this.choose(index),
      protect: (index) => this.#protect(index),
      palette: (what, values) => wire.ask("palette", { what, values }),
      tool: (name) => this.tool(name),
      edit: (what) => this.#edit(what),
      save: (format) => wire.ask("save", { format }),
      open: (purpose) => this.#open(purpose),
      help: () => this.#help(),
      fit: () => (this.lens.fit(), this.#viewed()),
    };
    this.lens = new Lens();
    this.palette = new PaletteList(model, texts, act);
    this.desk = new Desk(model, texts, act);
    this.ink = h("canvas", { className: "smis-ink" });
    this.over = h("canvas", { className: "smis-over" });
    this.readout = h("div", { className: "smis-readout", hidden: true });
    this.live = h("div", { className: "smis-live", role: "status", "aria-live": "polite" });
    this.sheetOfKeys = keySheet(model, texts, () => this.#help());
    const name = { role: "application", "aria-label": texts.canvas, "aria-roledescription": texts.canvas_role };
    this.surface = h("div", { className: "smis-surface", tabIndex: 0, ...name }, this.ink, this.over, this.readout);
    this.stage = h("div", { className: "smis-pad-stage" }, this.surface, this.sheetOfKeys);
    el.classList.add("smis-front");
    el.replaceChildren(this.palette.element, this.stage, this.desk.element, this.live);
    this.screen = new Screen(this.ink, this.lens);
    this.tools = new Tools({
      sheet,
      wire,
      lens: this.lens,
      get: this.get,
      choose: (index) => this.choose(index),
      tool: (next) => this.tool(next),
      refresh: () => this.overlay?.refresh(),
    });
    this.overlay = new Overlay(this.over, this.lens, this.tools, this.get);
    this.hand = new Hand(this.surface, this.lens, this.#listener(), () => this.#settings(), this.signal);
    // For tests and for tools of other people: what is shown, settled and under way.
    this.surface.smis = { sheet, wire, lens: this.lens, tools: this.tools, overlay: this.overlay, model };
  }

  #listener() {
    const { tools } = this;
    return {
      down: (point) => (this.#show(point), (this.overlay.cross = null), tools.down(point)),
      move: (points, event) => (tools.move(points, event), this.#show(points[points.length - 1])),
      up: (point, event) => tools.up(point, event),
      cancel: () => tools.cancel(),
      hover: (point) => (tools.hover(point), this.#show(point)),
      leave: () => (tools.leave(), (this.readout.hidden = true)),
      size: (way) => this.#resize(way),
      viewed: () => this.#viewed(),
    };
  }

  #settings() {
    return { diameter: this.get("brush_size"), pressure: this.get("pressure") };
  }

  // What the model says shows, whoever changed it.
  #follow() {
    const { model, sheet } = this;
    this.inked = (rect) => this.#paint(rect);
    sheet.watchers.add(this.inked);
    this.heard = [];
    const on = (names, act) => {
      for (const name of names) {
        model.on(`change:${name}`, act);
        this.heard.push([`change:${name}`, act]);
      }
    };
    on(["palette"], () => (this.palette.show(), this.#dress()));
    on(["label", "protected"], () => (this.palette.choose(), this.overlay.refresh(), this.#speak()));
    on(["tool"], () => (this.tools.cancel(), this.#speak()));
    on(["look", "opacity", "has_picture"], () => this.#dress());
    on(["landmarks", "brush_size", "brush_shape"], () => this.overlay.refresh());
    const shown = ["tool", "palette", "brush_size", "brush_shape", "pressure", "gap", "edges", "over", "opacity", "look"];
    on([...shown, "can_undo", "can_redo", "has_picture", "has_previous", "folder"], () => this.desk.show());
    on(["ghost"], () => this.#ghost());
    this.sizes = new ResizeObserver(() => this.#fitStage());
    this.sizes.observe(this.surface);
    this.#ghost();
    this.#dress();
    this.#fitStage();
  }

  #fitStage() {
    const stage = this.surface.clientWidth;
    if (!stage) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 3);
    this.screen.resize(stage, ratio);
    this.overlay.resize(stage, ratio);
    this.#viewed();
  }

  async #ghost() {
    const bytes = this.get("ghost");
    this.screen.ghost = bytes?.byteLength ? await unpack(bytes, true) : null;
    this.#paint(null);
  }

  #dress() {
    const look = this.get("look");
    const hidden = look.hover && !this.within;
    const opacity = this.get("has_picture") ? this.get("opacity") : 1;
    this.screen.dress(this.get("palette"), look, hidden ? 0 : opacity);
    this.el.parentElement?.style.setProperty("--pad-light", `brightness(${look.brightness}) contrast(${look.contrast})`);
    this.ink.style.opacity = hidden ? 0 : 1;
    this.#paint(null);
    this.overlay.refresh();
  }

  #paint(rect) {
    const { sheet, lens } = this;
    if (!sheet.side) return;
    if (lens.side !== sheet.side) {
      lens.side = sheet.side;
      lens.fit();
      rect = null;
      this.overlay.refresh();
    }
    const ghost = this.screen.ghost;
    if (ghost && ghost.length !== sheet.shown.length) this.screen.ghost = null;
    this.screen.paint(sheet.shown, rect);
    clearTimeout(this.counting);
    this.counting = setTimeout(() => !this.signal.aborted && this.palette.count(sheet.counts()), 400);
  }

  #viewed() {
    const { lens } = this;
    this.desk.zoom.textContent = `${Math.round(100 * lens.zoom)}%`;
    const place = `translate(${(100 * lens.x) / lens.stage}%, ${(100 * lens.y) / lens.stage}%) scale(${lens.zoom})`;
    this.el.parentElement?.style.setProperty("--pad-place", place);
    this.surface.classList.toggle("smis-zoomed", lens.zoom > 1);
    this.#paint(null);
    this.overlay.refresh();
  }

  #show({ x, y }) {
    const index = this.sheet.at([x, y]);
    this.readout.hidden = index === null;
    if (index === null) return;
    const name = this.get("palette").find((each) => each.index === index)?.name ?? this.texts.unpainted;
    this.readout.textContent = `${name}  ${div(x, UNIT)}, ${div(y, UNIT)}`;
  }

  // Changes

  #edit(what) {
    if (what === "undo" || what === "redo") this.wire.act(what);
    else this.wire.operate({ tool: what });
    this.live.textContent = this.texts[what].split(":")[0];
  }

  choose(index) {
    this.set("label", index);
    if (["eraser", "pick"].includes(this.get("tool"))) this.set("tool", "brush");
  }

  tool(name) {
    if (this.tools.busy && name !== this.get("tool")) this.tools.finish();
    this.set("tool", name);
  }

  #protect(index) {
    const kept = this.get("protected");
    this.set("protected", kept.includes(index) ? kept.filter((each) => each !== index) : [...kept, index]);
  }

  #resize(way) {
    if (this.tools.scale(way)) return;
    const size = this.get("brush_size");
    const [least, most] = this.get("sizes");
    this.set("brush_size", Math.min(Math.max(size + way * Math.max(1, Math.floor(size / 6)), least), most));
    if (this.tools.pen) this.tools.pen = { ...this.tools.pen, size: this.get("brush_size") * UNIT };
  }

  #speak() {
    const { index } = this.get("palette").find((each) => each.index === this.get("label")) ?? {};
    const name = this.get("palette").find((each) => each.index === index)?.name ?? "";
    this.live.textContent = `${this.texts[this.get("tool")].split(":")[0]}, ${name}`;
  }

  #help() {
    const { sheetOfKeys } = this;
    sheetOfKeys.fill();
    sheetOfKeys.hidden = !sheetOfKeys.hidden;
    press(this.desk.help, !sheetOfKeys.hidden);
  }

  // Files

  #open(purpose) {
    const input = h("input", { type: "file", accept: purpose === "mask" ? ".png,.npz,.svg,.json" : "image/*" });
    input.addEventListener("change", () => input.files.length && this.#deliver(input.files[0], purpose));
    input.click();
  }

  #deliver(file, purpose) {
    sendFile(file, (content, buffers) => this.wire.ask("file", { ...content, purpose }, buffers));
  }

  #attach() {
    const { surface, stage, signal } = this;
    const on = (target, name, act, options) => target.addEventListener(name, act, { signal, ...options });
    const pictures = (items) => [...(items ?? [])].filter(({ kind, type }) => kind === "file" && /image|zip|octet|json|^$/.test(type));
    on(stage, "dragover", (event) => {
      event.preventDefault();
      event.stopPropagation();
      stage.classList.add("smis-drop");
    });
    on(stage, "dragleave", () => stage.classList.remove("smis-drop"));
    on(stage, "drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      stage.classList.remove("smis-drop");
      const [item] = pictures(event.dataTransfer?.items);
      if (item) this.#deliver(item.getAsFile(), "any");
    });
    on(surface, "paste", (event) => {
      const [item] = pictures(event.clipboardData?.items);
      if (!item) return;
      event.preventDefault();
      event.stopPropagation();
      this.#deliver(item.getAsFile(), "any");
    });
    const within = (inside) => () => {
      this.within = inside;
      if (this.get("look").hover) this.#dress();
    };
    on(surface, "dblclick", () => this.tools.vertices.length && this.tools.finish());
    on(stage, "pointerenter", within(true));
    on(stage, "pointerleave", within(false));
    this.#guard();
  }

  // Keys pressed inside belong to the pad, or to the studio around it; elsewhere they are the notebook's.
  #guard() {
    if (this.signal.aborted) return;
    const root = this.el.closest(".smis-studio") ?? this.el.closest(".smis-pad");
    if (!root) return void requestAnimationFrame(() => this.#guard());
    this.#viewed();
    this.#dress();
    const act = {
      edit: (what) => this.#edit(what),
      help: () => this.#help(),
      resize: (way) => this.#resize(way),
      viewed: () => this.#viewed(),
      show: (point) => this.#show(point),
    };
    this.keys = new Keys(this, act, root);
  }
}

function render({ model, el }) {
  const view = new PadView(model, el);
  return () => view.close();
}

export default { initialize, render };
