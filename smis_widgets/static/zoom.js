// A part of the page that can be enlarged and moved inside its frame.
class Zoom {
  constructor(frame, stage, signal) {
    Object.assign(this, { frame, stage, scale: 1, x: 0, y: 0, changed: () => {} });
    const options = { signal };
    frame.addEventListener("wheel", (event) => this.#wheel(event), { passive: false, signal });
    frame.addEventListener("pointerdown", (event) => this.#grab(event), options);
    frame.addEventListener("dblclick", (event) => {
      if (event.target.closest("button, [role=slider]")) return;
      if (this.scale > 1) this.fit();
      else this.by(3, event);
    }, options);
    frame.addEventListener("keydown", (event) => this.#key(event), options);
  }

  fit() {
    Object.assign(this, { scale: 1, x: 0, y: 0 });
    this.#lay();
  }

  // Enlarge; what lies under the pointer (or in the middle) stays where it is.
  by(factor, at = null) {
    const box = this.frame.getBoundingClientRect();
    const [px, py] = at ? [at.clientX - box.left, at.clientY - box.top] : [box.width / 2, box.height / 2];
    const scale = clamped(this.scale * factor, 1, 16);
    const ratio = scale / this.scale;
    this.#move(px - (px - this.x) * ratio, py - (py - this.y) * ratio, scale);
  }

  #move(x, y, scale = this.scale) {
    const { clientWidth: width, clientHeight: height } = this.frame;
    this.scale = scale;
    this.x = clamped(x, width * (1 - scale), 0);
    this.y = clamped(y, height * (1 - scale), 0);
    this.#lay();
  }

  #lay() {
    const whole = this.scale === 1;
    this.stage.style.transform = whole ? "" : `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.frame.classList.toggle("smis-enlarged", !whole);
    this.changed();
  }

  // The wheel alone scrolls the page.
  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.by(Math.exp(-event.deltaY / 200), event);
  }

  #grab(event) {
    if (this.scale === 1 || event.button !== 0 || event.target.closest("button, [role=slider]")) return;
    event.preventDefault();
    this.frame.setPointerCapture(event.pointerId);
    const start = [event.clientX - this.x, event.clientY - this.y];
    const move = (now) => this.#move(now.clientX - start[0], now.clientY - start[1]);
    this.frame.addEventListener("pointermove", move);
    const end = () => this.frame.removeEventListener("pointermove", move);
    this.frame.addEventListener("lostpointercapture", end, { once: true });
  }

  #key(event) {
    if (event.target !== this.frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = this.frame.clientWidth / 8;
    const acts = { "+": () => this.by(1.5), "=": () => this.by(1.5), "-": () => this.by(1 / 1.5), "0": () => this.fit() };
    if (this.scale > 1) {
      acts.ArrowLeft = () => this.#move(this.x + step, this.y);
      acts.ArrowRight = () => this.#move(this.x - step, this.y);
      acts.ArrowUp = () => this.#move(this.x, this.y + step);
      acts.ArrowDown = () => this.#move(this.x, this.y - step);
    }
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }
}
