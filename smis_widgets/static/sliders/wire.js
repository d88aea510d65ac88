// What the page asks of the kernel: at most two messages unanswered, of movements only the newest.
const UNANSWERED = 2;

class Wire {
  constructor(model) {
    Object.assign(this, { model, view: Math.random().toString(36).slice(2), sent: 0, queue: [] });
  }

  // `key` names what is moved: a newer movement of it, or its end, takes the place of one that still waits.
  ask(act, content = {}, { more = false, key = null, buffers = [] } = {}) {
    const last = this.queue.at(-1);
    const wish = { act, content, more, key, buffers };
    if (last?.more && key !== null && last.key === key) this.queue[this.queue.length - 1] = wish;
    else this.queue.push(wish);
    this.flush();
  }

  get heard() {
    return this.model.get("heard")[this.view] ?? 0;
  }

  // Whether the kernel has answered everything: what it says is then newer than what the hand did.
  get quiet() {
    return this.queue.length === 0 && this.heard >= this.sent;
  }

  flush() {
    // What is settled never waits: a click elsewhere must not overtake it.
    while (this.queue.length && (this.sent - this.heard < UNANSWERED || this.queue.some((wish) => !wish.more))) {
      const { act, content, more, buffers } = this.queue.shift();
      this.sent += 1;
      const epoch = this.model.get("layout_of").epoch;
      const { view, sent: number } = this;
      this.model.send({ view, number, epoch, act, more, ...content }, undefined, buffers);
    }
  }
}
