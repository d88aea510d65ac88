// Pointers, wheel and gestures of one stage, told to a tool as points of the sheet: integers of 1/16 pixel.

const FINE = 16;
const PALM_PIXELS = 42;
const PEN_REST_MS = 700;
const WHEEL_STEP = 50;
const SLIP_MS = 250;

function isPalm({ width, height }) {
  return Math.max(width, height) > PALM_PIXELS;
}

class Hand {
  // `listener` has down, move, up, cancel, hover, leave, size, viewed; `settings` gives diameter and pressure.
  constructor(stage, lens, listener, settings, signal) {
    Object.assign(this, { stage, lens, listener, settings });
    this.drawing = null;
    this.touches = new Map();
    this.gesture = null;
    this.penSeen = -Infinity;
    this.space = false;
    this.travel = 0;
    const on = (name, act, options) => stage.addEventListener(name, act.bind(this), { signal, ...options });
    on("pointerdown", this.#down);
    on("pointermove", this.#move);
    on("pointerup", this.#up);
    on("pointercancel", this.#lost);
    on("lostpointercapture", this.#lost);
    on("pointerleave", () => this.drawing === null && listener.leave());
    on("wheel", this.#wheel, { passive: false });
    on("contextmenu", (event) => event.preventDefault());
    on("dblclick", (event) => event.preventDefault());
  }

  // Where a pointer is, from anywhere in the page: a stroke goes on outside of the stage.
  point(event) {
    const box = this.stage.getBoundingClientRect();
    const shrink = this.stage.clientWidth / (box.width || 1);
    const [x, y] = this.lens.toMap((event.clientX - box.left) * shrink, (event.clientY - box.top) * shrink);
    return { x: this.#clamp(x), y: this.#clamp(y), size: this.#size(event) };
  }

  #clamp(value) {
    const most = this.lens.side * 4 * FINE;
    return Math.min(Math.max(Math.floor(value * FINE), -most), most);
  }

  #size(event) {
    const { diameter, pressure } = this.settings();
    const full = diameter * FINE;
    if (!pressure || event.pointerType !== "pen") return full;
    return Math.max(FINE, Math.round(full * (0.2 + 0.8 * Math.sqrt(event.pressure))));
  }

  #down(event) {
    this.stage.focus({ preventScroll: true });
    if (event.pointerType === "touch") return this.#touch(event);
    const pans = event.button === 1 || this.space;
    if (event.pointerType === "pen") this.#pen(event);
    if (this.drawing !== null || (event.button !== 0 && event.button !== 1)) return;
    event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    this.drawing = event.pointerId;
    this.gesture = pans ? { x: event.clientX, y: event.clientY } : null;
    if (!pans) this.listener.down(this.point(event), event);
  }

  // A hand that rests beside the pen is no finger: what it began is taken back.
  #pen(event) {
    this.penSeen = event.timeStamp;
    this.stage.classList.add("smis-pen");
    if (this.touches.size) {
      if (this.touches.has(this.drawing)) this.#drop(true);
      this.touches.clear();
      this.gesture = null;
    }
  }

  #touch(event) {
    const penNear = this.drawing !== null && !this.touches.has(this.drawing);
    if (isPalm(event) || penNear || event.timeStamp - this.penSeen < PEN_REST_MS) return;
    event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    this.touches.set(event.pointerId, event);
    if (this.touches.size === 1) {
      // Where a pen draws, a finger moves the sheet.
      if (this.penSeen > -Infinity) return void (this.gesture = this.#pinch());
      this.drawing = event.pointerId;
      this.since = event.timeStamp;
      this.listener.down(this.point(event), event);
    } else {
      // A second finger makes it a gesture, and what the first drew just before was none.
      if (this.drawing !== null) this.#drop(event.timeStamp - this.since < SLIP_MS);
      this.gesture = this.#pinch();
    }
  }

  #pinch() {
    const [a, b] = [...this.touches.values()];
    const other = b ?? a;
    const { zoom, x, y } = this.lens;
    return {
      from: { zoom, x, y },
      x: (a.clientX + other.clientX) / 2,
      y: (a.clientY + other.clientY) / 2,
      spread: b ? Math.max(10, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY)) : 0,
    };
  }

  #move(event) {
    if (event.pointerType === "pen") this.penSeen = event.timeStamp;
    if (this.touches.has(event.pointerId) && isPalm(event)) return this.#withdraw(event.pointerId);
    if (this.touches.has(event.pointerId) && this.gesture) {
      this.touches.set(event.pointerId, event);
      const { lens, gesture } = this;
      const now = this.#pinch();
      const box = this.stage.getBoundingClientRect();
      // From where it began: fingers report one after the other, and limits met on the way are not the end's.
      // Enlarged first: a sheet that just fills the stage cannot be moved.
      Object.assign(lens, gesture.from);
      if (gesture.spread) lens.zoomAt(gesture.x - box.left, gesture.y - box.top, now.spread / gesture.spread);
      lens.pan(now.x - gesture.x, now.y - gesture.y);
      return this.listener.viewed();
    }
    if (event.pointerId !== this.drawing) {
      if (event.pointerType !== "touch" && this.drawing === null) this.listener.hover(this.point(event));
      return;
    }
    if (this.gesture) {
      this.lens.pan(event.clientX - this.gesture.x, event.clientY - this.gesture.y);
      this.gesture = { x: event.clientX, y: event.clientY };
      return this.listener.viewed();
    }
    const coalesced = event.getCoalescedEvents?.() ?? [];
    const events = coalesced.length ? coalesced : [event];
    this.listener.move(events.map((each) => this.point(each)), event);
  }

  // A palm sets down on its edge, like a finger, before all of it rests.
  #withdraw(id) {
    this.touches.delete(id);
    if (id === this.drawing) this.#drop(true);
    this.gesture = this.gesture && this.touches.size ? this.#pinch() : null;
  }

  #up(event) {
    const gesture = this.gesture;
    if (this.touches.delete(event.pointerId)) this.gesture = gesture && this.touches.size ? this.#pinch() : null;
    if (event.pointerId !== this.drawing) return;
    this.drawing = null;
    this.gesture = null;
    if (!gesture) this.listener.up(this.point(event), event);
  }

  // The browser took the pointer away: what was drawn stays.
  #lost(event) {
    this.touches.delete(event.pointerId);
    if (!this.touches.size) this.gesture = null;
    if (event.pointerId === this.drawing) this.#drop(false);
  }

  #drop(taken) {
    const gesture = this.gesture;
    this.drawing = null;
    this.gesture = null;
    if (gesture) return;
    if (taken) this.listener.cancel();
    else this.listener.up(null, null);
  }

  // Ends what the hand is doing; the tool has cancelled.
  release() {
    this.drawing = null;
    this.gesture = null;
  }

  // Without the focus, and without a modifier, the wheel scrolls the page.
  #wheel(event) {
    const box = this.stage.getBoundingClientRect();
    const unit = event.deltaMode === 1 ? 16 : 1;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const factor = Math.exp(-Math.max(-80, Math.min(80, event.deltaY * unit)) / 150);
      this.lens.zoomAt(event.clientX - box.left, event.clientY - box.top, factor);
      this.listener.viewed();
    } else if (event.shiftKey || event.altKey) {
      event.preventDefault();
      const sideways = event.shiftKey && !event.deltaX;
      this.lens.pan(-unit * (sideways ? event.deltaY : event.deltaX), sideways ? 0 : -unit * event.deltaY);
      this.listener.viewed();
    } else if (this.stage.contains(document.activeElement)) {
      event.preventDefault();
      this.travel += event.deltaY * unit;
      if (Math.abs(this.travel) < WHEEL_STEP) return;
      this.listener.size(this.travel > 0 ? -1 : 1);
      this.travel = 0;
    }
  }
}
