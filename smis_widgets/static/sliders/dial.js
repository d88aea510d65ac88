// Pairs of directions that span a circle, such as a hue's cosine and sine, turned as one. The circle begins at the top
// and runs clockwise.
const DEGREE = 1 / 360;

class Dial {
  constructor(name, hue, texts, act) {
    Object.assign(this, { name, act, turns: 0, held: false });
    this.later = framed(() => this.#paint());
    this.hand = h("i", { className: "smis-dial-hand" });
    this.disc = h("div", { className: "smis-dial", role: "slider", tabIndex: 0, title: filled(texts.dial_tooltip, { name }) }, this.hand);
    this.disc.classList.toggle("smis-dial-hue", hue);
    this.disc.dataset.circle = name;
    this.disc.setAttribute("aria-label", name);
    this.disc.setAttribute("aria-valuemin", 0);
    this.disc.setAttribute("aria-valuemax", 359);
    this.angle = h("span", { className: "smis-quiet" });
    this.element = h("div", { className: "smis-dial-cell" }, this.disc, h("span", {}, name), this.angle);
    const { disc } = this;
    disc.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      disc.focus();
      disc.setPointerCapture(event.pointerId);
      this.held = true;
      this.#point(event);
    });
    disc.addEventListener(MOVED, (event) => this.held && this.#point(event));
    disc.addEventListener("lostpointercapture", () => {
      this.held = false;
      this.#settle();
    });
    disc.addEventListener("dblclick", () => this.act(null, false));
    disc.addEventListener("keydown", (event) => this.#key(event));
    disc.addEventListener("keyup", () => this.held || this.#settle());
    disc.addEventListener("blur", () => this.#settle());
    this.show(0);
  }

  show(turns) {
    this.turns = turns;
    this.#paint();
  }

  #paint() {
    const { turns } = this;
    if (this.shown === turns) return;
    this.shown = turns;
    const degrees = Math.round(turns * 360) % 360;
    this.hand.style.transform = `rotate(${degrees}deg)`;
    this.angle.textContent = `${degrees}°`;
    this.disc.setAttribute("aria-valuenow", degrees);
    this.disc.setAttribute("aria-valuetext", `${degrees}°`);
  }

  // Turns are kept to whole degrees.
  #give(turns) {
    const near = (((Math.round(turns / DEGREE) % 360) + 360) % 360) * DEGREE;
    if (near === this.turns && this.dirty) return;
    Object.assign(this, { turns: near, dirty: true });
    this.later();
    this.act(near, true);
  }

  #settle() {
    if (!this.dirty) return;
    this.dirty = false;
    this.act(this.turns, false);
  }

  #point(event) {
    const box = this.disc.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    if (Math.hypot(x, y) > 3) this.#give(Math.atan2(x, -y) / (2 * Math.PI));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = (event.shiftKey ? 30 : 5) * DEGREE;
    const steps = { ArrowRight: by, ArrowUp: by, ArrowLeft: -by, ArrowDown: -by };
    if (event.key in steps) this.#give(this.turns + steps[event.key]);
    else if (["Delete", "Backspace"].includes(event.key)) this.act(null, false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

class Dials {
  constructor(model, texts, wire) {
    Object.assign(this, { model, texts, wire, dials: new Map() });
    this.element = h("div", { className: "smis-dials", role: "group", "aria-label": texts.dials });
  }

  build() {
    const wanted = Object.entries(this.model.get("dials"));
    this.element.hidden = wanted.length === 0;
    this.dials = new Map(wanted.map(([circle, { hue }]) => [circle, new Dial(circle, hue, this.texts, (value, more) =>
      this.wire.ask("dial", { circle, value }, { more, key: `dial ${circle}` }))]));
    this.element.replaceChildren(...[...this.dials.values()].map((dial) => dial.element));
    this.show();
  }

  show() {
    const wanted = this.model.get("dials");
    if (Object.keys(wanted).join("\n") !== [...this.dials.keys()].join("\n")) return void this.build();
    if (!this.wire.quiet) return;
    for (const [circle, dial] of this.dials) if (!dial.dirty) dial.show(wanted[circle].turns);
  }
}
