// Where the picture comes from: seed or picture A, what is blended in (B), the class, and StyleGAN3's place.
const WALK = { min: 0, max: 1, step: 0.01, rest: 0, digits: 2 };
const PLACES = {
  x: { min: -0.5, max: 0.5, step: 0.005, rest: 0, digits: 3 },
  y: { min: -0.5, max: 0.5, step: 0.005, rest: 0, digits: 3 },
  turn: { min: -0.5, max: 0.5, step: 0.005, rest: 0, digits: 3 },
};

class SourceLine {
  constructor(place, model, texts, wire) {
    Object.assign(this, { place, model, texts, wire });
    const upper = place.toUpperCase();
    const name = h("span", { className: "smis-turn-letter", title: texts[`source_${place}`] }, upper);
    this.seed = h("input", { type: "text", className: "smis-seed", spellcheck: false, autocomplete: "off" });
    this.seed.title = texts.seed_tooltip;
    this.seed.setAttribute("aria-label", filled(texts.seed, { place: upper }));
    this.seed.inputMode = "decimal";
    this.seed.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.show();
      if (!["ArrowUp", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      wire.ask("step", { place, by: event.key === "ArrowUp" ? 1 : -1 });
    });
    this.seed.addEventListener("change", () => wire.ask("seed", { place, text: this.seed.value.trim() }));
    const dice = button("dice", filled(texts.dice, { place: upper }), () => wire.ask("dice", { place }), "smis-tool smis-dice");
    this.walk = new Slider({ ...WALK, label: filled(texts.walk, { place: upper }), title: texts.walk_tooltip }, texts,
      (value, more) => value === "rest" ? wire.ask("rest", {}, { more }) : wire.ask("walk", { place, value }, { more, key: `walk ${place}` }));
    this.walk.track.dataset.walk = place;
    this.next = h("span", { className: "smis-quiet smis-turn-next" });
    this.label = h("select", { title: texts.class_tooltip, "aria-label": filled(texts.class_of, { place: upper }) });
    this.label.addEventListener("change", () => wire.ask("class", { place, value: +this.label.value }));
    this.element = h("div", { className: "smis-turn-source", role: "group", "aria-label": texts[`source_${place}`] },
      name, this.seed, dice, this.label, this.walk.element, this.next);
  }

  build() {
    const count = this.model.get("layout_of").classes;
    this.label.hidden = count === 0;
    const options = Array.from({ length: count }, (_, index) =>
      h("option", { value: index }, filled(this.texts.class_name, { index })));
    this.label.replaceChildren(...options);
    this.show();
  }

  show() {
    if (!this.wire.quiet) return;
    const source = this.model.get("settings")[this.place];
    const seeded = source !== null && source.seed !== undefined;
    this.element.classList.toggle("smis-found", source !== null && !seeded);
    if (document.activeElement !== this.seed || this.seed.dataset.shown === this.seed.value) {
      this.seed.value = source === null ? "" : seeded ? source.text : source.name;
      this.seed.dataset.shown = this.seed.value;
    }
    this.seed.placeholder = source === null ? this.texts.none : "";
    this.walk.disabled = !seeded;
    this.next.textContent = seeded ? `→ ${source.next}` : "";
    if (seeded && !this.walk.held) this.walk.show(source.fraction);
    if (seeded && source.label !== null) this.label.value = source.label;
    this.label.disabled = !seeded;
  }
}

class Sources {
  constructor(model, texts, wire) {
    Object.assign(this, { model, texts, wire });
    this.lines = ["a", "b"].map((place) => new SourceLine(place, model, texts, wire));
    const swap = button("swap", texts.swap, () => wire.ask("swap"));
    this.sliders = Object.entries(PLACES).map(([name, spec]) => {
      const slider = new Slider({ ...spec, label: texts[`place_${name}`] }, texts, (value, more) =>
        value === "rest" ? wire.ask("rest", {}, { more }) : wire.ask("place", { name, value }, { more, key: `place ${name}` }));
      slider.track.dataset.place = name;
      return [name, slider];
    });
    this.places = h("div", { className: "smis-turn-places" }, ...this.sliders.map(([name, slider]) =>
      h("div", { className: "smis-turn-place" }, h("span", { className: "smis-quiet" }, texts[`place_${name}`]), slider.element)));
    const both = h("div", { className: "smis-turn-both" }, ...this.lines.map((line) => line.element));
    this.element = h("div", { className: "smis-turn-sources" }, both, swap);
  }

  build() {
    this.places.hidden = !this.model.get("layout_of").places;
    for (const line of this.lines) line.build();
    this.show();
  }

  show() {
    for (const line of this.lines) line.show();
    const placement = this.model.get("settings").placement;
    for (const [name, slider] of this.sliders) if (!slider.held && this.wire.quiet) slider.show(placement[name]);
  }
}
