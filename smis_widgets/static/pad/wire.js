// The way to the kernel: numbered messages that are kept and sent again until they are answered, and its answers.

const RESEND_MS = 3000;
const LONGEST_MS = 30000;
// Messages on their way at once; the kernel keeps as many that come too early.
const WINDOW = 64;
const FLUSH_MS = 25;
// Every answer names what is missing; what was just sent again is on its way.
const REPEAT_MS = 250;

class Wire {
  constructor(model, sheet) {
    Object.assign(this, { model, sheet });
    this.view = Array.from(crypto.getRandomValues(new Uint8Array(8)), (each) => each.toString(16).padStart(2, "0")).join("");
    this.next = 0;
    this.through = -1;
    this.kept = new Map();
    this.patience = RESEND_MS;
    this.revision = null;
    this.asked = 0;
    this.arrived = Promise.resolve();
    this.stroke = null;
    // One answer after the other: they may have to be unpacked, which takes a moment each.
    this.receive = (content, buffers) => {
      this.arrived = this.arrived.then(() => this.#take(content, buffers)).catch((error) => console.error(error));
    };
    model.on("msg:custom", this.receive);
    this.clock = setInterval(() => this.#resend(), RESEND_MS);
    this.hello();
  }

  close() {
    clearInterval(this.clock);
    clearTimeout(this.later);
    this.model.off("msg:custom", this.receive);
  }

  hello() {
    this.asked = performance.now();
    this.model.send({ hello: this.view });
  }

  // Asks for something that is no drawing: files, the palette.
  ask(what, content = {}, buffers = []) {
    this.flush();
    this.model.send({ ask: what, view: this.view, ...content }, undefined, buffers);
  }

  act(act) {
    this.flush();
    return this.#post({ act });
  }

  // An operation that the browser can draw itself shows at once.
  operate(operation) {
    this.flush();
    const number = this.#draw(operation, false);
    if (DRAWN_HERE.has(operation.tool)) this.sheet.ink(operation, number);
  }

  #draw(operation, more) {
    const record = operation.points ? { ...operation, points: operation.points.flat() } : operation;
    return this.#post({ act: "draw", operation: record, more });
  }

  #post(content) {
    const sequence = this.next++;
    const message = { view: this.view, sequence, ...content };
    this.kept.set(sequence, { message, at: performance.now() });
    // What comes too far ahead is refused: it waits here until the kernel has caught up.
    if (sequence < this.through + WINDOW) this.model.send(message);
    return sequence;
  }

  // A stroke under the hand travels in pieces; two neighbours share a point.
  begin(operation) {
    this.flush();
    this.stroke = { operation, points: [], sizes: [], first: this.next, sent: false };
  }

  extend(points) {
    const { stroke } = this;
    if (!stroke) return;
    const join = Math.max(stroke.points.length - 1, 0);
    for (const { x, y, size } of points) {
      stroke.points.push([x, y]);
      stroke.sizes.push(size);
    }
    const fresh = { points: stroke.points.slice(join), sizes: stroke.sizes.slice(join) };
    this.sheet.ink({ ...stroke.operation, ...fresh }, this.next);
    this.later ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  // Sends what has been drawn since the last piece.
  flush(last = false) {
    clearTimeout(this.later);
    this.later = null;
    const { stroke } = this;
    if (!stroke || (!last && stroke.points.length < (stroke.sent ? 2 : 1))) return;
    this.#draw({ ...stroke.operation, points: stroke.points, sizes: stroke.sizes }, !last);
    stroke.sent = true;
    stroke.points = stroke.points.slice(-1);
    stroke.sizes = stroke.sizes.slice(-1);
  }

  end() {
    this.flush(true);
    this.stroke = null;
  }

  cancel() {
    const { stroke } = this;
    if (!stroke) return;
    clearTimeout(this.later);
    this.later = null;
    this.stroke = null;
    this.sheet.forget((number) => number >= stroke.first);
    this.sheet.refresh();
    if (stroke.sent) this.#post({ act: "cancel" });
  }

  async #take(content, buffers) {
    const { kind, revision, receipts } = content;
    if (kind !== "state" && kind !== "patch") return;
    if (kind === "patch" && this.revision === null) return;
    if (kind === "patch" && revision > this.revision + 1) {
      // An answer was lost on the way: the whole map again.
      this.revision = null;
      return this.hello();
    }
    const indices = buffers.length ? await unpack(buffers[0], content.packed) : null;
    if (kind === "state") {
      this.revision = revision;
      this.sheet.reset(content.side, indices);
    } else if (revision === this.revision + 1) {
      this.revision = revision;
      if (indices) this.sheet.settle(content.rect, indices);
    }
    const receipt = receipts[this.view];
    if (receipt) this.#acknowledge(receipt);
  }

  #acknowledge({ through, missing }) {
    // On a slow way an answer takes its time, and nothing is lost.
    const answered = this.kept.get(through);
    if (answered) this.patience = Math.max(RESEND_MS, 2 * (performance.now() - answered.at));
    if (through > this.through) {
      const sent = this.through + WINDOW;
      this.through = through;
      for (const number of this.kept.keys()) if (number <= through) this.kept.delete(number);
      this.sheet.forget((number) => number <= through);
      this.#repeat([...this.kept.keys()].filter((number) => number >= sent && number < through + WINDOW));
    }
    const before = performance.now() - Math.min(this.patience, REPEAT_MS);
    this.#repeat(missing.filter((number) => this.kept.get(number)?.at < before));
  }

  #repeat(numbers) {
    for (const number of numbers) {
      const each = this.kept.get(number);
      if (!each) continue;
      each.at = performance.now();
      this.model.send(each.message);
    }
  }

  // A kernel that works on something else is left alone for ever longer.
  #resend() {
    const now = performance.now();
    if (this.revision === null && now - this.asked > this.patience) this.hello();
    const due = [...this.kept].filter(([number, { at }]) => number < this.through + WINDOW && now - at > this.patience);
    if (!due.length) return;
    this.patience = Math.min(2 * this.patience, LONGEST_MS);
    this.#repeat(due.map(([number]) => number));
  }
}

async function unpack(buffer, packed) {
  const bytes = new Uint8Array(buffer.buffer ?? buffer, buffer.byteOffset ?? 0, buffer.byteLength);
  if (!packed) return bytes.slice();
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
