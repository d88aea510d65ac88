// One row a layer, foldable in groups, with a column of sliders for everything that is being turned.
const COLUMNS = {
  strength: { min: -4, max: 4, step: 0.05, rest: 0, digits: 2 },
  psi: { min: -0.5, max: 1.5, step: 0.01, rest: 1, digits: 2 },
  blend: { min: 0, max: 1, step: 0.01, rest: 0, digits: 2 },
  noise: { min: 0, max: 3, step: 0.02, rest: 1, digits: 2 },
};
// What follows the slider in the hand may lag behind it: every line that is painted delays the picture.
const FOLLOW_MS = 80;

const put = (element, name, value) => element[name] === value || (element[name] = value);
const columnOf = (key) => ({ kind: key.split(":")[0], name: key.slice(key.indexOf(":") + 1) });

class Rows {
  constructor(model, texts, wire) {
    Object.assign(this, { model, texts, wire, folded: new Set(["middle", "fine"]), lines: [] });
    this.element = h("div", { className: "smis-turn-table", role: "group", "aria-label": texts.layers });
  }

  // Build everything anew: another generator, other columns.
  build() {
    const { rows, groups } = this.model.get("layout_of");
    this.columns = this.model.get("columns");
    this.element.style.setProperty("--smis-columns", this.columns.length);
    const head = h("div", { className: "smis-turn-line smis-turn-head" }, h("span"));
    for (const key of this.columns) head.append(h("span", { title: this.#hint(key) }, this.#title(key)));
    this.lines = [];
    const all = this.#line(rows.map((row) => row.index), h("span", {}, this.texts.all), "smis-turn-all");
    this.element.replaceChildren(head, all);
    for (const group of groups) {
      const label = h("button", { type: "button", className: "smis-fold-button" },
        h("i", { className: "smis-arrow" }), h("b", {}, group.label), h("span", { className: "smis-quiet" }, group.range));
      const line = this.#line(group.rows, label, "smis-turn-group", group.label);
      const inside = h("div", { className: "smis-turn-inside" });
      for (const index of group.rows) {
        const row = rows.find((each) => each.index === index);
        const name = h("span", { className: "smis-turn-name", title: row.name },
          h("span", { className: "smis-quiet" }, `${row.resolution}`), row.short);
        inside.append(this.#line([index], name, "", row.name));
      }
      const fold = () => {
        inside.hidden = this.folded.has(group.name);
        label.setAttribute("aria-expanded", !inside.hidden);
      };
      label.addEventListener("click", () => {
        if (!this.folded.delete(group.name)) this.folded.add(group.name);
        fold();
        this.show();
      });
      fold();
      this.element.append(line, inside);
    }
    this.show();
  }

  #title(key) {
    const { kind, name } = columnOf(key);
    return kind === "strength" ? name : this.texts[kind];
  }

  #hint(key) {
    const { kind, name } = columnOf(key);
    return filled(this.texts[`${kind}_tooltip`], { name });
  }

  #line(rows, label, kind, where = this.texts.all) {
    const line = h("div", { className: `smis-turn-line ${kind}`, role: "group", "aria-label": where }, label);
    const cells = this.columns.map((key) => {
      const spec = { ...COLUMNS[columnOf(key).kind], label: `${this.#title(key)}, ${where}`, title: this.#hint(key) };
      const slider = new Slider(spec, this.texts, (value, more) => this.#turn(rows, key, value, more));
      slider.track.dataset.column = key;
      slider.track.dataset.rows = rows.join(" ");
      line.append(slider.element);
      return { key, slider };
    });
    const names = filled("{where}", { where });
    const tool = (name, act) =>
      button(name, filled(this.texts[name], { where: names }), () => this.wire.ask(act, { rows }), `smis-tool smis-turn-${name}`);
    const lock = button("lock", filled(this.texts.lock, { where: names }), () =>
      this.wire.ask("lock", { rows, on: !this.#locked(rows) }), "smis-tool smis-turn-lock");
    const tools = { reset: tool("reset", "reset"), only: rows.length < this.#count ? tool("only", "only") : null, lock };
    const more = h("div", { className: "smis-turn-more" }, tools.only, tools.lock);
    line.append(h("div", { className: "smis-turn-tools" }, more, tools.reset));
    this.lines.push({ rows, line, cells, tools });
    return line;
  }

  get #count() {
    return this.model.get("layout_of").rows.length;
  }

  #locked(rows) {
    const locked = this.model.get("settings").locked;
    return rows.every((row) => locked.includes(row));
  }

  #turn(rows, key, value, more) {
    if (value === "rest") return this.wire.ask("rest", {}, { more });
    this.wire.ask("set", { rows, column: key, value }, { more, key: `${rows}/${key}` });
    // Rows and groups follow the hand without waiting for the kernel.
    if (more) this.#follow((row, each) => (each === key && rows.includes(row) && !this.#locked([row]) ? value : null));
  }

  #follow(ahead) {
    this.ahead = ahead;
    this.following ??= setTimeout(() => {
      this.following = null;
      // What the kernel has answered is newer than what the hand did.
      if (!this.wire.quiet) this.#paint(this.ahead);
    }, FOLLOW_MS);
  }

  #value(row, key) {
    const { kind, name } = columnOf(key);
    const edit = this.model.get("settings").edit[row] ?? {};
    return (kind === "strength" ? edit.strengths?.[name] : edit[kind]) ?? COLUMNS[kind].rest;
  }

  #able(row, key) {
    const { kind, name } = columnOf(key);
    const layout = this.model.get("layout_of");
    if (kind === "noise") return layout.rows[row].noise;
    if (kind === "blend") return this.model.get("settings").b !== null;
    return kind !== "strength" || (this.model.get("turnable")[name] ?? []).includes(row);
  }

  // Show what the kernel knows, where the hand is not ahead of it.
  show() {
    if (this.wire.quiet) this.#paint(() => null);
  }

  #paint(ahead) {
    for (const { rows, line, cells, tools } of this.lines) {
      if (line.parentElement.hidden) continue;
      const locked = this.#locked(rows);
      line.classList.toggle("smis-locked", locked);
      put(tools.lock, "ariaPressed", `${locked}`);
      let changed = false;
      for (const { key, slider } of cells) {
        const able = rows.filter((row) => this.#able(row, key));
        const values = able.map((row) => ahead(row, key) ?? this.#value(row, key));
        slider.disabled = able.length === 0 || locked;
        const rest = COLUMNS[columnOf(key).kind].rest;
        const mean = values.reduce((sum, each) => sum + each, 0) / (values.length || 1);
        const mixed = values.some((each) => each !== values[0]);
        changed ||= values.some((each) => each !== rest);
        if (!slider.held) slider.show(values.length ? (mixed ? mean : values[0]) : rest, mixed);
      }
      const edit = this.model.get("settings").edit;
      put(tools.reset, "disabled", locked || !(changed || rows.some((row) => Object.keys(edit[row] ?? {}).length)));
    }
  }
}
