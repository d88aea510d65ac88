// A slider that fills from where it rests, with its value beside it, which can be typed.
const HELD_MS = 300;
// Keys pressed in a row are one change.
const KEYED_MS = 600;
// A page holds pointermove back until its next frame, and pointerrawupdate not; some browsers, and pages without a
// secure connection, have only the former.
const MOVED = "onpointerrawupdate" in window ? "pointerrawupdate" : "pointermove";

// A mouse moves up to a thousand times a second: what is asked for within a frame is done once, as it was asked last.
function framed(act) {
  let wanted = null;
  return (...content) => {
    if (wanted === null) {
      requestAnimationFrame(() => {
        const last = wanted;
        wanted = null;
        act(...last);
      });
    }
    wanted = content;
  };
}

class Slider {
  // `spec`: label, min, max, step, rest, digits; `act(value, more)` is told of every change, `more` while the hand is
  // still at it, and of "rest" when a hand that holds on does not move.
  constructor(spec, texts, act) {
    Object.assign(this, { spec, act, held: false, dirty: false, value: spec.rest, mixed: false });
    this.later = framed(() => this.#paint());
    this.fill = h("div", { className: "smis-fill" });
    this.thumb = h("div", { className: "smis-thumb" });
    this.track = h("div", { className: "smis-slider", role: "slider", tabIndex: 0, title: spec.title ?? spec.label });
    this.track.append(h("div", { className: "smis-groove" }), this.fill, this.thumb);
    this.track.setAttribute("aria-label", spec.label);
    this.typed = h("input", { className: "smis-typed", type: "text", tabIndex: -1, spellcheck: false, autocomplete: "off" });
    this.typed.inputMode = "decimal";
    this.typed.setAttribute("aria-label", filled(texts.typed, { name: spec.label }));
    this.element = h("div", { className: "smis-turn-cell" }, this.track, this.typed);
    this.#listen();
    this.show(spec.rest);
  }

  #listen() {
    const { track, typed } = this;
    track.addEventListener("pointerdown", (event) => this.#down(event));
    track.addEventListener(MOVED, (event) => this.#move(event));
    track.addEventListener("lostpointercapture", () => this.#up());
    track.addEventListener("dblclick", () => this.#give(this.spec.rest, false));
    track.addEventListener("keydown", (event) => this.#key(event));
    track.addEventListener("keyup", () => {
      if (!this.dirty || this.held) return;
      this.act("rest", true);
      this.keyed = setTimeout(() => this.#settle(), KEYED_MS);
    });
    track.addEventListener("blur", () => this.#settle());
    typed.addEventListener("focus", () => typed.select());
    typed.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") typed.value = this.#text();
      if (event.key === "Enter" || event.key === "Escape") track.focus();
    });
    typed.addEventListener("blur", () => {
      typed.value = this.#text();
    });
    typed.addEventListener("change", () => {
      // Python reads it, and says what is wrong with it.
      this.act(typed.value.trim(), false);
      typed.value = this.#text();
    });
  }

  // Only what differs is written, here and below: a page lays out and paints again whatever is touched.
  set disabled(off) {
    if (off === this.disabled) return;
    this.element.classList.toggle("smis-off", off);
    this.track.setAttribute("aria-disabled", off);
    this.track.tabIndex = off ? -1 : 0;
    this.typed.disabled = off;
  }

  get disabled() {
    return this.typed.disabled;
  }

  // `mixed`: the rows that it stands for differ, and `value` is their mean.
  show(value, mixed = false) {
    Object.assign(this, { value, mixed });
    this.#paint();
  }

  #paint() {
    const { spec, track, value, mixed } = this;
    if (this.shown?.value === value && this.shown.mixed === mixed) return;
    this.shown = { value, mixed };
    const [low, high] = [Math.min(spec.min, value), Math.max(spec.max, value)];
    const place = (at) => `${(100 * (at - low)) / (high - low)}%`;
    this.thumb.style.left = place(value);
    this.fill.style.left = place(Math.min(value, spec.rest));
    this.fill.style.right = `calc(100% - ${place(Math.max(value, spec.rest))})`;
    this.element.classList.toggle("smis-mixed", mixed);
    this.element.classList.toggle("smis-rest", !mixed && value === spec.rest);
    track.setAttribute("aria-valuemin", low);
    track.setAttribute("aria-valuemax", high);
    track.setAttribute("aria-valuenow", value);
    track.setAttribute("aria-valuetext", this.#text());
    if (document.activeElement !== this.typed) this.typed.value = this.#text();
  }

  #text() {
    return this.mixed ? "…" : this.value.toFixed(this.spec.digits).replace(/^-/, "−");
  }

  #give(value, more) {
    const { min, max, step } = this.spec;
    const rounded = +(Math.round(clamped(value, min, max) / step) * step).toFixed(6);
    if (more && rounded === this.value && !this.mixed) return;
    Object.assign(this, { value: rounded, mixed: false, dirty: more });
    this.later();
    clearTimeout(this.timer);
    clearTimeout(this.keyed);
    this.act(rounded, more);
    if (more && this.held) this.timer = setTimeout(() => this.act("rest", true), HELD_MS);
  }

  #settle() {
    if (this.dirty && !this.held) this.#give(this.value, false);
  }

  #down(event) {
    if (this.disabled || event.button !== 0) return;
    event.preventDefault();
    this.track.focus();
    this.track.setPointerCapture(event.pointerId);
    // With its fractions: a length that is rounded up leaves the end out of reach.
    const box = this.track.getBoundingClientRect();
    Object.assign(this, { held: true, before: this.value, at: event.clientX, exact: this.value, length: box.width });
    this.element.classList.add("smis-held");
    // On the thumb nothing jumps; elsewhere the thumb comes to the hand.
    if (event.target !== this.thumb) {
      const { min, max } = this.spec;
      this.exact = min + ((event.clientX - box.left) / box.width) * (max - min);
      this.#give(this.exact, true);
    }
  }

  #move(event) {
    if (!this.held) return;
    const { min, max } = this.spec;
    const slow = event.shiftKey ? 0.1 : 1;
    this.exact += ((event.clientX - this.at) / this.length) * (max - min) * slow;
    this.at = event.clientX;
    this.#give(this.exact, true);
  }

  #up() {
    if (!this.held) return;
    this.held = false;
    this.element.classList.remove("smis-held");
    clearTimeout(this.timer);
    this.#settle();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return this.#settle();
    if (this.disabled) return;
    const { min, max, step, rest } = this.spec;
    const by = event.shiftKey ? 10 * step : step;
    const places = {
      ArrowRight: this.value + by, ArrowUp: this.value + by, ArrowLeft: this.value - by, ArrowDown: this.value - by,
      PageUp: this.value + 10 * step, PageDown: this.value - 10 * step, Home: min, End: max, Delete: rest, Backspace: rest,
    };
    if (event.key === "Escape" && this.held) {
      places.Escape = this.before;
      this.held = false;
      this.element.classList.remove("smis-held");
    }
    if (event.key === "Enter") this.typed.focus();
    else if (event.key in places) this.#give(places[event.key], true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
