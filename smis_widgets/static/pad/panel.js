// Palette, tools and options around the stage. They show the model's traits and change them, nothing else; what they
// ask of the kernel goes through `act`.

Object.assign(PATHS, {
  brush: "M13 2l1 1-6.5 7.5-2-2zM5 9.5l2 2c-.5 2-2 3-5 3 1-1 .5-2.5 1-3.500s1-1.500 2-1.500z",
  eraser: "M9 2.500l4.500 4.500-6 6.500H4L1.500 11zM5.500 6.500l4.500 4.500",
  line: "M2.500 13.500l11-11",
  polyline: "M1.500 13l4-7 4 4 5-8",
  polygon: "M8 1.500l6.500 5-2.500 8h-8l-2.500-8z",
  lasso: "M8 2c4 0 6.500 1.800 6.500 4S12 10 8 10 1.500 8.200 1.500 6 4 2 8 2zM5 9.500c-1.500 1 1 2 0 4.500",
  rectangle: "M2 3.500h12v9H2z",
  ellipse: "M8 3c3.600 0 6.500 2.200 6.500 5s-2.900 5-6.500 5-6.500-2.200-6.500-5S4.400 3 8 3z",
  fill: "M7 2l6 6-5.500 5.500L2 8zM2 8h11M14.500 10.500c.8 1.300.8 2.500 0 3-.8-.5-.8-1.700 0-3z",
  wand: "M2 14l8-8M11 1.500v3M9.500 3h3M14 6.500v2M13 7.500h2M6 2.500v2M5 3.500h2",
  point: "M8 14.500C5 11 3.500 8.500 3.500 6a4.500 4.500 0 019 0c0 2.500-1.500 5-4.500 8.500zM8 4.500v3M6.500 6h3",
  pick: "M9.500 4l2.500 2.500M8.500 5l2.500 2.500-5.500 5.500-3 .500.500-3zM10 4l2-2c1-1 3 1 2 2l-2 2",
  move: "M8 1.500v13M1.500 8h13M6 3.500l2-2 2 2M6 12.500l2 2 2-2M3.500 6l-2 2 2 2M12.500 6l2 2-2 2",
  mirror: "M8 1.500v13M6 4v8L1.500 12zM10 4v8l4.500 0z",
  clear: "M2.500 4h11M6 4V2h4v2M4 4l.7 10h6.600L12 4M6.700 6.500v5M9.300 6.500v5",
  load: "M1.500 13V3h4.500l1.500 2h5v2M1.500 13l2.500-6h11l-2.500 6z",
  view: "M1 8c2-3.300 4.300-5 7-5s5 1.700 7 5c-2 3.300-4.300 5-7 5s-5-1.700-7-5zM8 6a2 2 0 110 4 2 2 0 010-4z",
  help: "M5.500 5.500a2.500 2.500 0 115 0c0 1.800-2.500 2-2.500 4M8 12.200v.300",
  round: "M8 3a5 5 0 110 10A5 5 0 018 3z",
  square: "M3 3h10v10H3z",
  pressure: "M2 13c4 0 8-2 12-10M2 13c4 1 9-1 12-10",
  edit: "M11 2.500L13.500 5 6 12.500l-3.500 1 1-3.500z",
  up: "M3.500 10L8 5.500l4.500 4.500",
  down: "M3.500 6L8 10.500 12.500 6",
  merge: "M3 2.500c0 5 5 4 5 8M13 2.500c0 5-5 4-5 8v3.500M6 12l2 2 2-2",
});


const padButton = (name, title, act, kind = "smis-icon") => button(name, title, act, `smis-button ${kind}`);

function slider(text, { min, max, step = 1, show }, read, write) {
  const input = h("input", { type: "range", min, max, step, "aria-label": text.name, title: text.title });
  const value = h("output", { className: "smis-value" });
  const first = read();
  const refresh = () => {
    input.value = read();
    value.textContent = show(read());
    input.setAttribute("aria-valuetext", show(read()));
    reset.disabled = read() === first;
  };
  const reset = padButton("undo", text.reset, () => (write(first), refresh()), "smis-reset");
  input.addEventListener("input", () => (write(Number(input.value)), refresh()));
  const row = h("label", { className: "smis-slide", title: text.title }, h("span", { className: "smis-name" }, text.name));
  row.append(input, value);
  const whole = h("div", { className: "smis-row" }, row, reset);
  return Object.assign(whole, { refresh });
}

function press(element, on) {
  element.classList.toggle("smis-on", on);
  element.setAttribute("aria-pressed", on);
}

// The classes: choose, protect, and in editing mode everything else.
class PaletteList {
  constructor(model, texts, act) {
    Object.assign(this, { model, texts, act, editing: false, counts: null });
    this.list = h("div", { className: "smis-classes", role: "radiogroup", "aria-label": texts.palette });
    this.edit = padButton("edit", texts.edit_palette, () => this.#toggle());
    this.foot = h("div", { className: "smis-palette-foot" });
    this.element = h("div", { className: "smis-palette" }, this.list, this.foot);
    this.show();
  }

  #toggle() {
    this.editing = !this.editing;
    this.element.classList.toggle("smis-editing", this.editing);
    this.show();
  }

  show() {
    const classes = this.model.get("palette");
    this.rows = new Map(classes.map((each, place) => [each.index, this.#row(each, place, classes)]));
    this.list.replaceChildren(...this.rows.values());
    this.foot.replaceChildren(this.edit, ...(this.editing ? this.#presets() : []));
    press(this.edit, this.editing);
    this.choose();
    if (this.counts) this.count(this.counts);
  }

  choose() {
    const [label, kept] = [this.model.get("label"), this.model.get("protected")];
    for (const [index, row] of this.rows) {
      row.pick.classList.toggle("smis-on", index === label);
      row.pick.setAttribute("aria-checked", index === label);
      row.pick.tabIndex = index === label ? 0 : -1;
      if (row.lock) press(row.lock, kept.includes(index));
      row.classList.toggle("smis-kept", kept.includes(index));
    }
  }

  // How many pixels each class has.
  count(counts) {
    this.counts = counts;
    const all = counts.reduce((sum, each) => sum + each, 0) || 1;
    for (const [index, row] of this.rows) {
      const share = (100 * counts[index]) / all;
      const text = this.texts.pixels.replace("{count}", counts[index].toLocaleString()).replace("{share}", share.toFixed(1));
      row.pick.title = `${row.hint}\n${text}`;
      if (row.amount) row.amount.textContent = counts[index].toLocaleString();
    }
  }

  #row(each, place, classes) {
    const { texts } = this;
    const [r, g, b] = each.colour;
    const swatch = h("span", { className: "smis-swatch" });
    swatch.style.background = `rgb(${r}, ${g}, ${b})`;
    const hint = each.hint;
    const choose = () => {
      this.act.choose(each.index);
    };
    if (this.editing) return this.#editor(each, place, classes, swatch, choose, hint);
    const key = each.key ? h("kbd", {}, each.key) : null;
    const name = h("span", { className: "smis-class-name" }, each.name);
    const pick = h("button", { type: "button", className: "smis-class", role: "radio", "aria-label": each.name }, swatch, name, key);
    pick.addEventListener("click", choose);
    pick.addEventListener("keydown", (event) => this.#step(event, place, classes));
    const lock = padButton("lock", texts.protect.replace("{name}", each.name), () => this.act.protect(each.index), "smis-lock");
    const row = h("div", { className: "smis-class-row" }, pick, lock);
    return Object.assign(row, { pick, lock, hint });
  }

  #step(event, place, classes) {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const next = classes[(place + way + classes.length) % classes.length];
    this.act.choose(next.index);
    this.rows.get(next.index).pick.focus();
  }

  #editor(each, place, classes, swatch, choose, hint) {
    const { texts } = this;
    const edit = (what, values) => this.act.palette(what, { index: each.index, ...values });
    const hex = "#" + each.colour.map((level) => level.toString(16).padStart(2, "0")).join("");
    const colour = h("input", { type: "color", value: hex, title: texts.recolour, "aria-label": texts.recolour });
    colour.addEventListener("change", () => {
      const value = parseInt(colour.value.slice(1), 16);
      edit("recolour", { colour: [value >> 16, (value >> 8) & 255, value & 255] });
    });
    const name = h("input", { type: "text", value: each.name, maxLength: 60, title: texts.rename, "aria-label": texts.rename });
    name.addEventListener("change", () => name.value !== each.name && edit("rename", { name: name.value }));
    const others = classes.filter(({ index }) => index !== each.index);
    const options = others.map(({ index, name }) => h("option", { value: index }, name));
    const merge = h("select", { title: texts.merge, "aria-label": texts.merge }, h("option", { value: "" }, "⇒"), ...options);
    merge.addEventListener("change", () => merge.value !== "" && edit("merge", { into: Number(merge.value) }));
    const amount = h("span", { className: "smis-amount" });
    const pick = h("button", { type: "button", className: "smis-class", role: "radio", "aria-label": each.name }, amount);
    pick.addEventListener("click", choose);
    const up = padButton("up", texts.move_up, () => edit("reorder", { place: place - 1 }), "smis-tiny");
    const down = padButton("down", texts.move_down, () => edit("reorder", { place: place + 1 }), "smis-tiny");
    up.disabled = place === 0;
    down.disabled = place === classes.length - 1;
    const remove = padButton("clear", texts.delete_class.replace("{name}", each.name), () => edit("delete", {}), "smis-tiny");
    remove.disabled = classes.length === 1;
    const row = h("div", { className: "smis-class-row" }, colour, name, pick, merge, up, down, remove);
    return Object.assign(row, { pick, amount, hint });
  }

  #presets() {
    const { texts } = this;
    const add = padButton("add", texts.add_class, () => this.act.palette("add", {}));
    const names = this.model.get("presets");
    const options = names.map((name) => h("option", { value: name }, name));
    const preset = h("select", { title: texts.preset, "aria-label": texts.preset }, h("option", { value: "" }, texts.presets), ...options);
    preset.addEventListener("change", () => preset.value && this.act.palette("preset", { name: preset.value }));
    const read = padButton("load", texts.import_colours, () => this.act.open("palette"));
    return [add, preset, read];
  }
}

// Tools, edits, files, and the options of the chosen tool.
class Desk {
  constructor(model, texts, act) {
    Object.assign(this, { model, texts, act });
    const keys = model.get("tools");
    const hinted = (name) => texts[name] + (keys[name] ? ` (${keys[name].toUpperCase()})` : "");
    this.tools = {};
    const group = (...names) => {
      const buttons = names.map((name) => (this.tools[name] = padButton(name, hinted(name), () => act.tool(name))));
      return h("div", { className: "smis-group", role: "group" }, ...buttons);
    };
    const does = (name, run = () => act.edit(name)) => (this[name] = padButton(name, texts[name], run));
    const edits = ["undo", "redo", "clear", "mirror"].map((name) => does(name));
    const files = [does("load", () => act.open("mask")), does("save", () => this.#unfold("files"))];
    const shows = [does("view", () => this.#unfold("looks")), does("help", act.help)];
    const rows = [edits, files, shows].map((each) => h("div", { className: "smis-group", role: "group" }, ...each));
    this.bar = h(
      "div",
      { className: "smis-bar", role: "toolbar", "aria-label": texts.tools },
      group("brush", "eraser"),
      group("line", "polyline", "polygon", "lasso", "rectangle", "ellipse"),
      group("fill", "wand", "pick"),
      group("point", "move", "copy"),
      ...rows,
    );
    this.options = h("div", { className: "smis-options" });
    this.files = this.#files();
    this.looks = this.#looks();
    this.element = h("div", { className: "smis-desk" }, this.bar, this.options, this.files, this.looks);
    this.#make();
    this.show();
  }

  #set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  #slide(name, limits) {
    const text = { name: this.texts[name], title: this.texts[`${name}_tooltip`], reset: this.texts.reset };
    return slider(text, limits, () => this.model.get(name), (value) => this.#set(name, value));
  }

  #make() {
    const { model, texts } = this;
    const toggle = (name, symbol, read, write) => {
      const made = padButton(symbol, texts[name], () => write(!read()));
      return Object.assign(made, { refresh: () => press(made, read()) });
    };
    const pixels = (value) => `${value} px`;
    const [least, most] = model.get("sizes");
    this.parts = {
      brush_size: this.#slide("brush_size", { min: least, max: most, show: pixels }),
      square: toggle(
        "square",
        "square",
        () => model.get("brush_shape") === "square",
        (on) => this.#set("brush_shape", on ? "square" : "round"),
      ),
      pressure: toggle("pressure", "pressure", () => model.get("pressure"), (on) => this.#set("pressure", on)),
      gap: this.#slide("gap", { min: 0, max: 16, show: pixels }),
      edges: this.#slide("edges", { min: 0, max: 255, show: String }),
      opacity: this.#slide("opacity", { min: 0, max: 1, step: 0.05, show: (value) => `${Math.round(100 * value)}%` }),
    };
    this.over = h("select", { title: texts.over_tooltip, "aria-label": texts.over });
    this.over.addEventListener("change", () => this.#set("over", Number(this.over.value)));
    this.overRow = h("label", { className: "smis-row smis-over-row" }, h("span", { className: "smis-name" }, texts.over), this.over);
    const small = h("div", { className: "smis-group" }, this.parts.square, this.parts.pressure);
    this.small = small;
    this.options.append(this.parts.brush_size, small, this.parts.gap, this.parts.edges, this.overRow, this.parts.opacity);
  }

  #files() {
    const { texts, act } = this;
    const formats = ["indexed", "rgb", "npz", "svg"];
    const buttons = formats.map((name) => {
      const run = () => act.save(name);
      return h("button", { type: "button", className: "smis-button smis-word", title: texts[`save_${name}_tooltip`], on: { click: run } }, texts[`save_${name}`]);
    });
    return h("div", { className: "smis-fold", hidden: true }, ...buttons);
  }

  #looks() {
    const { texts, model } = this;
    const set = (name, value) => this.#set("look", { ...model.get("look"), [name]: value });
    this.ticks = ["outlines", "hover", "grid", "patterns", "ghost"].map((name) => {
      const tick = h("input", { type: "checkbox" });
      tick.addEventListener("change", () => set(name, tick.checked));
      const row = h("label", { className: "smis-tick", title: texts[`${name}_tooltip`] }, tick, texts[name]);
      return Object.assign(row, { refresh: () => (tick.checked = Boolean(model.get("look")[name])) });
    });
    const percent = { min: 0.2, max: 3, step: 0.05, show: (value) => `${Math.round(100 * value)}%` };
    this.lights = ["brightness", "contrast"].map((name) => {
      const text = { name: texts[name], title: texts[`${name}_tooltip`], reset: texts.reset };
      return slider(text, percent, () => model.get("look")[name], (value) => set(name, value));
    });
    this.zoom = h("output", { className: "smis-value" });
    const fit = padButton("fit", texts.fit, () => this.act.fit());
    const lens = h("div", { className: "smis-row" }, h("span", { className: "smis-name" }, texts.zoom), this.zoom, fit);
    return h("div", { className: "smis-fold", hidden: true }, ...this.ticks, ...this.lights, lens);
  }

  #unfold(name) {
    this[name].hidden = !this[name].hidden;
    press({ files: this.save, looks: this.view }[name], !this[name].hidden);
  }

  show() {
    const { model, texts } = this;
    const tool = model.get("tool");
    for (const [name, made] of Object.entries(this.tools)) press(made, name === tool);
    this.undo.disabled = !model.get("can_undo");
    this.redo.disabled = !model.get("can_redo");
    this.copy_ready = model.get("has_previous");
    this.tools.copy.disabled = !this.copy_ready;
    this.tools.wand.disabled = !model.get("has_picture");
    this.save.title = texts.save_mask.replace("{folder}", model.get("folder"));
    const inks = ["brush", "eraser", "line", "polyline", "copy"].includes(tool);
    const shows = {
      brush_size: inks || tool === "point",
      gap: tool === "fill",
      edges: tool === "wand",
      opacity: model.get("has_picture"),
    };
    for (const [name, on] of Object.entries(shows)) this.parts[name].hidden = !on;
    this.small.hidden = !inks;
    this.overRow.hidden = ["pick", "move", "point"].includes(tool);
    for (const part of [...Object.values(this.parts), ...this.ticks, ...this.lights]) part.refresh();
    const classes = model.get("palette").map(({ index, name }) => h("option", { value: index }, name));
    const everything = h("option", { value: -1 }, texts.everything);
    this.over.replaceChildren(everything, h("option", { value: PAPER }, texts.unpainted), ...classes);
    this.over.value = model.get("over");
  }
}

// All keys, in sight: nothing is to be guessed.
function keySheet(model, texts, close) {
  const sheet = h("div", { className: "smis-keys", hidden: true, role: "region", "aria-label": texts.keys });
  const fill = () => {
    const tools = Object.entries(model.get("tools")).map(([name, key]) => [key.toUpperCase(), texts[name].split(":")[0]]);
    const classes = model.get("palette").flatMap(({ key, name }) => (key ? [[key.toUpperCase(), name]] : []));
    const table = (title, rows) => {
      const lines = rows.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)]);
      return h("section", {}, h("h4", {}, title), h("dl", {}, ...lines));
    };
    const shut = h("button", { type: "button", className: "smis-button smis-word", on: { click: close } }, texts.close);
    sheet.replaceChildren(
      h("div", { className: "smis-keys-columns" }, table(texts.tools, tools), table(texts.palette, classes), table(texts.canvas, model.get("gestures"))),
      shut,
    );
  };
  return Object.assign(sheet, { fill });
}
