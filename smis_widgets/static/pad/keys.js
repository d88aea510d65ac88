// What the keys do while the focus is in the pad, and in the studio around it.

const GUARD = "data-lm-suppress-shortcuts";
const TYPING = "input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable=true]";
const RIM = 24;

class Keys {
  // `view`: a PadView; `act`: what it does by itself; keys are heard within `root`.
  constructor(view, act, root) {
    Object.assign(this, { view, act });
    const { signal, surface } = view;
    root.addEventListener("focusin", (event) => event.target.setAttribute(GUARD, "true"), { signal });
    const key = (event) => {
      if (event.target.matches(TYPING)) return;
      const onButton = event.target !== surface && (event.key === " " || event.key === "Enter" || event.key.startsWith("Arrow"));
      if (onButton || !this.#press(event)) return;
      event.preventDefault();
      event.stopPropagation();
    };
    root.addEventListener("keydown", key, { signal, capture: true });
    const lift = (event) => event.key === " " && this.#hold(false);
    root.addEventListener("keyup", lift, { signal, capture: true });
    surface.addEventListener("blur", () => this.#hold(false), { signal });
  }

  #hold(space) {
    this.view.hand.space = space;
    this.view.surface.classList.toggle("smis-panning", space);
  }

  // Does what a key does; returns whether it means anything here.
  #press({ key, ctrlKey, metaKey, shiftKey, altKey }) {
    const { view, act } = this;
    const { tools, lens } = view;
    const lowered = key.toLowerCase();
    if (ctrlKey || metaKey) {
      const what = { z: shiftKey ? "redo" : "undo", y: "redo" }[lowered];
      if (what) act.edit(what);
      return Boolean(what) || (key.length === 1 && !"cvxrlnwt".includes(lowered));
    }
    if (altKey) return false;
    const named = {
      " ": () => this.#hold(true),
      "?": () => act.help(),
      "[": () => act.resize(-1),
      "]": () => act.resize(1),
      "+": () => this.#zoom(1.5),
      "=": () => this.#zoom(1.5),
      "-": () => this.#zoom(1 / 1.5),
      Home: () => (lens.fit(), act.viewed()),
      Escape: () => this.#escape(),
      Backspace: () => tools.back(),
      Delete: () => tools.back(),
      Enter: () => this.#enter(shiftKey),
      ".": () => this.#fade(0.1),
      ",": () => this.#fade(-0.1),
      "#": () => this.#flip("grid"),
      "|": () => this.#flip("outlines"),
      "%": () => this.#flip("patterns"),
    }[key];
    if (named) return named() ?? true;
    if (key.startsWith("Arrow")) return this.#arrow(key, shiftKey ? 10 : 1);
    if (key.length !== 1) return false;
    const label = view.get("palette").find((each) => each.key === key);
    const tool = Object.entries(view.get("tools")).find(([, shortcut]) => shortcut === lowered);
    if (label) view.choose(label.index);
    else if (tool && !view.desk.tools[tool[0]]?.disabled) view.tool(tool[0]);
    return true;
  }

  #escape() {
    const { view } = this;
    if (!view.sheetOfKeys.hidden) return void this.act.help();
    view.hand.release();
    view.overlay.cross = null;
    if (!view.tools.cancel()) view.surface.blur();
  }

  #fade(by) {
    const { view } = this;
    view.set("opacity", Math.round(100 * clamped(view.get("opacity") + by, 0, 1)) / 100);
  }

  #flip(name) {
    const look = this.view.get("look");
    this.view.set("look", { ...look, [name]: !look[name] });
  }

  #zoom(factor) {
    const { lens, tools, overlay } = this.view;
    const pen = tools.pen ?? overlay.cross;
    const at = pen ? lens.toStage(pen.x / UNIT, pen.y / UNIT) : [lens.stage / 2, lens.stage / 2];
    lens.zoomAt(...at, factor);
    this.act.viewed();
  }

  // Without a pointer: arrows move a cross, Enter is the pen.
  #arrow(key, step) {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    const { tools, sheet, overlay, lens } = this.view;
    if (tools.nudge(dx * step, dy * step)) return true;
    const middle = sheet.side * (UNIT / 2);
    const from = overlay.cross ?? tools.pen ?? { x: middle, y: middle };
    const most = sheet.side * UNIT - UNIT / 2;
    const move = (at, by) => Math.min(Math.max((div(at, UNIT) + by * step) * UNIT + UNIT / 2, UNIT / 2), most);
    const cross = { x: move(from.x, dx), y: move(from.y, dy), size: this.view.get("brush_size") * UNIT };
    overlay.cross = cross;
    if (tools.track) tools.move([cross]);
    else tools.hover(cross);
    if (lens.reveal(cross.x / UNIT, cross.y / UNIT, RIM)) this.act.viewed();
    this.act.show(cross);
    return true;
  }

  #enter(finishes) {
    const { tools, overlay } = this.view;
    const { cross } = overlay;
    if (finishes || !cross || tools.selection) return tools.finish();
    if (tools.track) return tools.up(cross);
    tools.down(cross);
    const clicks = ["polygon", "polyline", "fill", "wand", "pick", "point", "move"];
    if (clicks.includes(tools.name)) tools.up(cross);
  }
}
