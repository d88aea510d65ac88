// The panel: sources, the columns that are shown, the table of layers; takes files that are dropped.

class Chips {
  constructor(model, texts, wire) {
    Object.assign(this, { model, texts, wire });
    this.element = h("div", { className: "smis-turn-chips", role: "group", "aria-label": texts.columns });
  }

  build() {
    const shown = this.model.get("columns");
    // What a dial turns has a slider only where a program asked for one.
    const dialled = Object.values(this.model.get("dials")).flatMap(({ axes }) => axes);
    const names = Object.keys(this.model.get("turnable")).filter((name) =>
      !dialled.includes(name) || shown.includes(`strength:${name}`));
    const keys = [...names.map((name) => `strength:${name}`), "blend", "psi", "noise"];
    const used = new Set(this.model.get("settings").edit.flatMap((row) => Object.keys(row.strengths ?? {})));
    this.element.replaceChildren(...keys.map((key) => {
      const { kind, name } = columnOf(key);
      const on = shown.includes(key);
      const text = kind === "strength" ? name : this.texts[kind];
      const chip = h("button", { type: "button", className: `smis-chip smis-chip-${kind}` }, text);
      chip.title = filled(this.texts[`${kind}_tooltip`], { name });
      chip.setAttribute("aria-pressed", on);
      chip.classList.toggle("smis-used", !on && used.has(name) && kind === "strength");
      chip.addEventListener("click", () => this.wire.ask("column", { column: key, on: !on }));
      return chip;
    }));
  }
}

// Files dropped anywhere on the widget, or chosen, go to Python, which says what they are.
function takesFiles(root, wire, signal) {
  const take = (file) => file && sendFile(file, (content, buffers) => wire.ask("open", content, { buffers }));
  const over = (event, on) => {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    root.classList.toggle("smis-dropping", on);
  };
  root.addEventListener("dragover", (event) => over(event, true), { signal });
  root.addEventListener("dragleave", (event) => {
    if (!root.contains(event.relatedTarget)) over(event, false);
  }, { signal });
  root.addEventListener("drop", (event) => {
    over(event, false);
    take(event.dataTransfer?.files[0]);
  }, { signal });
  return take;
}

function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const texts = model.get("texts");
  const wire = new Wire(model);
  const [sources, dials, chips, rows] = [Sources, Dials, Chips, Rows].map((Part) => new Part(model, texts, wire));
  el.classList.add("smis-turn-panel");
  el.append(sources.element, sources.places, dials.element, chips.element, rows.element);

  const attach = () => {
    if (signal.aborted) return;
    const root = el.closest(".smis-turn");
    if (!root) return void requestAnimationFrame(attach);
    const take = takesFiles(root, wire, signal);
    root.addEventListener("smis-open", () => {
      const input = h("input", { type: "file", accept: ".png,.safetensors" });
      input.addEventListener("change", () => take(input.files[0]));
      input.click();
    }, { signal });
    const undo = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.target.closest("input, textarea")) return;
      const key = event.key.toLowerCase();
      const act = key === "z" ? (event.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : null;
      if (!act) return;
      event.preventDefault();
      event.stopPropagation();
      wire.ask(act);
    };
    root.addEventListener("keydown", undo, { signal });
  };

  const build = () => [sources, dials, chips, rows].forEach((part) => part.build());
  const show = () => {
    wire.flush();
    sources.show();
    dials.show();
    rows.show();
  };
  // An answer brings settings and what was heard in one message, and each tells of itself.
  let due = false;
  const answered = () => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      if (!signal.aborted) show();
    });
  };
  const heard = {
    "change:layout_of": build, "change:columns": build, "change:turnable": build,
    "change:dials": () => dials.show(), "change:settings": answered, "change:heard": answered,
  };
  for (const [event, act] of Object.entries(heard)) model.on(event, act);
  build();
  attach();
  el.smis = { wire, rows, sources };
  return () => {
    controller.abort();
    for (const [event, act] of Object.entries(heard)) model.off(event, act);
  };
}

export default { render };
