// A wall of pictures that scrolls. Only tiles near the viewport exist; the page says which these are and which revision
// of each it has, and the kernel sends what is missing. Selection, stars and cursor belong to the page's hand.
const GAP = 6;
const EDGE = 8;
const AHEAD_ROWS = 3;
const AGAIN_MS = 1000;
const DRAGGED = "application/x-smis-tile";
// Keys pressed inside belong to the wall: JupyterLab looks for this attribute before it matches a shortcut.
const GUARD = "data-lm-suppress-shortcuts";

const make = (kind, name, parent) => {
  const element = document.createElement(kind);
  element.className = name;
  parent?.append(element);
  return element;
};

class Tile {
  constructor(wall, index) {
    this.index = index;
    this.revision = 0;
    this.urls = {};
    this.element = make("div", "smis-wall-tile smis-waiting");
    this.element.id = `${wall.id}-${index}`;
    this.element.dataset.index = index;
    this.element.setAttribute("role", "option");
    this.frame = make("div", "smis-wall-picture", this.element);
    this.mark = make("span", "smis-wall-mark", this.element);
    this.mark.hidden = true;
    this.star = make("button", "smis-wall-star", this.element);
    this.star.type = "button";
    this.star.tabIndex = -1;
    this.star.textContent = "★";
    this.caption = make("div", "smis-wall-caption", this.element);
  }

  async take(content, buffers) {
    this.revision = content.revision;
    this.caption.textContent = content.caption;
    this.caption.title = content.caption;
    this.mark.textContent = content.mark;
    this.mark.hidden = !content.mark;
    await Promise.all(content.parts.map((part, place) => this.show(part, buffers[place])));
    if (this.revision !== content.revision) return;
    this.element.classList.toggle("smis-waiting", !this.urls.picture);
    this.element.dataset.revision = content.revision;
  }

  async show(part, data) {
    const old = this.frame.querySelector(`.smis-${part === "overlay" ? "over" : "main"}-picture`);
    const before = this.urls[part];
    if (data.byteLength === 0) {
      old?.remove();
      this.urls[part] = null;
    } else {
      const url = (this.urls[part] = URL.createObjectURL(new Blob([data])));
      const image = new Image();
      image.draggable = false;
      image.alt = "";
      image.className = part === "overlay" ? "smis-over-picture" : "smis-main-picture";
      image.src = url;
      // A page short of memory may refuse; the picture is then decoded when it is painted.
      await image.decode().catch(() => {});
      if (this.urls[part] !== url) return;
      if (old) old.replaceWith(image);
      else if (part === "overlay") this.frame.append(image);
      else this.frame.prepend(image);
    }
    if (before) URL.revokeObjectURL(before);
  }

  drop() {
    this.element.remove();
    for (const url of Object.values(this.urls)) if (url) URL.revokeObjectURL(url);
    this.urls = {};
  }
}

class Wall {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.id = `wall-${Math.random().toString(36).slice(2)}`;
    this.tiles = new Map();
    this.cursor = 0;
    this.anchor = 0;
    this.onScreen = true;
    this.controller = new AbortController();
    el.classList.add("smis-panel", "smis-wall");
    el.tabIndex = 0;
    el.setAttribute(GUARD, "true");
    el.setAttribute("role", "listbox");
    this.sheet = make("div", "smis-wall-sheet", el);
    this.none = make("div", "smis-wall-none", el);
    this.model.on("msg:custom", (this.hear = (content, buffers) => this.receive(content, buffers)));
    this.listen();
    this.look();
    this.resized = new ResizeObserver(() => this.later());
    this.resized.observe(el);
    this.seen = new IntersectionObserver(([entry]) => {
      this.onScreen = entry.isIntersecting;
      this.later();
    });
    this.seen.observe(el);
    this.timer = setInterval(() => this.lacking() && this.wish(), AGAIN_MS);
    this.later();
  }

  get(name) {
    return this.model.get(name);
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  send(content) {
    this.model.send({ view: this.id, epoch: this.get("epoch"), ...content });
  }

  listen() {
    const { signal } = this.controller;
    const on = (name, act) => this.el.addEventListener(name, (event) => act(event), { signal });
    on("scroll", () => this.later());
    on("click", (event) => this.click(event));
    on("dblclick", (event) => {
      const index = this.indexOf(event);
      if (index !== null && !event.target.closest(".smis-wall-star")) this.send({ open: index });
    });
    on("keydown", (event) => this.key(event));
    on("dragstart", (event) => this.drag(event));
    on("dragover", (event) => {
      if (!this.get("accepts") || !event.dataTransfer.types.includes(DRAGGED)) return;
      event.preventDefault();
      event.stopPropagation();
      this.el.classList.add("smis-drop");
    });
    on("dragleave", () => this.el.classList.remove("smis-drop"));
    on("drop", (event) => this.drop(event));
    const change = (names, act) => {
      for (const name of names) this.model.on(`change:${name}`, act);
      signal.addEventListener("abort", () => names.forEach((name) => this.model.off(`change:${name}`, act)));
    };
    change(["epoch"], () => this.clear());
    change(["count", "columns", "headed", "tile", "height", "captioned", "endless", "empty", "label"], () => this.later());
    change(["selected", "favourites", "several", "starred", "draggable", "overlay_opacity"], () => this.look());
  }

  // Layout

  measure() {
    const width = this.el.clientWidth - 2 * EDGE;
    const given = this.get("columns");
    const tile = this.get("tile");
    const apart = this.get("headed") ? GAP : 0;
    const columns = given || Math.max(1, Math.floor((width + GAP) / (tile + GAP)));
    const fitting = Math.floor((width - apart + GAP) / columns - GAP);
    const side = Math.max(16, given ? Math.min(tile, fitting) : fitting);
    const below = this.get("captioned") ? 18 : 0;
    const rows = Math.ceil(this.get("count") / columns);
    return { columns, side, below, apart, rows, pitch: side + GAP, rise: side + below + GAP };
  }

  later() {
    if (this.due) return;
    this.due = requestAnimationFrame(() => {
      this.due = 0;
      if (!this.controller.signal.aborted) this.arrange();
    });
  }

  arrange() {
    const count = this.get("count");
    this.none.hidden = count > 0;
    this.none.textContent = this.get("empty");
    this.el.setAttribute("aria-label", this.get("label"));
    if (this.el.clientWidth === 0) return;
    const given = this.get("columns");
    const widest = given * (this.get("tile") + GAP) - GAP + (this.get("headed") ? GAP : 0) + 2 * EDGE + 16;
    this.el.style.maxWidth = given ? `${widest}px` : "";
    this.at = this.measure();
    const { columns, rows, rise, pitch, side, below, apart } = this.at;
    const whole = rows ? rows * rise - GAP + 2 * EDGE + apart : 0;
    this.sheet.style.height = `${whole}px`;
    this.el.style.height = count ? `${Math.min(whole, this.get("height"))}px` : "";
    this.cursor = Math.min(this.cursor, Math.max(count - 1, 0));
    const top = this.el.scrollTop;
    const bottom = top + (this.el.clientHeight || this.get("height"));
    const first = Math.max(0, Math.floor((top - EDGE) / rise));
    const last = Math.floor((bottom - EDGE) / rise);
    const span = (from, to) => {
      const range = [];
      for (let index = Math.max(0, from) * columns; index < Math.min(count, (to + 1) * columns); index++) range.push(index);
      return range;
    };
    const seen = span(first, last);
    this.near = this.onScreen ? [...seen, ...span(last + 1, last + AHEAD_ROWS), ...span(first - AHEAD_ROWS, first - 1)] : seen;
    if (this.get("headed")) this.near = this.near.filter((index) => index !== 0);
    const kept = new Set(this.near);
    for (const [index, tile] of this.tiles) {
      if (kept.has(index)) continue;
      tile.drop();
      this.tiles.delete(index);
    }
    for (const index of this.near) {
      let tile = this.tiles.get(index);
      if (!tile) {
        this.tiles.set(index, (tile = new Tile(this, index)));
        this.dress(tile);
        this.sheet.append(tile.element);
      }
      const column = index % columns;
      const row = Math.floor(index / columns);
      tile.element.style.width = `${side}px`;
      tile.element.style.height = `${side + below}px`;
      tile.element.style.left = `${EDGE + column * pitch + (column && apart)}px`;
      tile.element.style.top = `${EDGE + row * rise + (row && apart)}px`;
    }
    if (this.onScreen) this.wish();
  }

  // Pictures

  wish() {
    const near = (this.near ?? []).map((index) => [index, this.tiles.get(index)?.revision ?? 0]);
    this.send({ want: near });
  }

  lacking() {
    return this.onScreen && (this.near ?? []).some((index) => !this.tiles.get(index)?.revision);
  }

  async receive(content, buffers) {
    if (content.epoch !== this.get("epoch") || !("tile" in content)) return;
    const tile = this.tiles.get(content.tile);
    // What is not near any more is not kept; an older picture does not replace a newer one, and parts that were left
    // out for another page may be missing here.
    if (tile && content.revision > tile.revision && content.since <= tile.revision) {
      await tile.take(content, buffers);
      this.dress(tile);
    }
    this.send({ shown: [content.tile, content.revision, tile?.revision ?? -1] });
  }

  clear() {
    for (const tile of this.tiles.values()) tile.drop();
    this.tiles.clear();
    this.cursor = this.anchor = this.el.scrollTop = 0;
    this.later();
  }

  // Looks

  look() {
    this.el.style.setProperty("--smis-overlay", this.get("overlay_opacity"));
    this.el.setAttribute("aria-multiselectable", this.get("several"));
    for (const tile of this.tiles.values()) this.dress(tile);
  }

  dress(tile) {
    const { index, element, star } = tile;
    const favourite = this.get("favourites").includes(index);
    const texts = this.get("texts");
    element.setAttribute("aria-selected", this.get("selected").includes(index));
    element.classList.toggle("smis-favourite", favourite);
    element.classList.toggle("smis-cursor", index === this.cursor);
    element.draggable = this.get("draggable");
    star.hidden = !this.get("starred");
    star.title = texts.favourite;
    star.setAttribute("aria-pressed", favourite);
    star.setAttribute("aria-label", texts.favourite);
    const waiting = element.classList.contains("smis-waiting");
    const plain = (waiting ? texts.waiting : texts.tile).replace("{number}", index + 1);
    const words = [tile.caption.textContent || plain, tile.mark.textContent, favourite ? "★" : ""];
    element.setAttribute("aria-label", words.filter(Boolean).join(", "));
    if (index === this.cursor) this.el.setAttribute("aria-activedescendant", element.id);
  }

  // The hand

  indexOf(event) {
    const tile = event.target.closest(".smis-wall-tile");
    return tile ? +tile.dataset.index : null;
  }

  click(event) {
    const index = this.indexOf(event);
    if (index === null) return;
    this.el.focus({ preventScroll: true });
    if (event.target.closest(".smis-wall-star")) return this.toggleStar(index);
    if (event.shiftKey) this.choose(index, "range");
    else this.choose(index, event.ctrlKey || event.metaKey ? "toggle" : "only");
  }

  choose(index, how) {
    const several = this.get("several");
    const selected = this.get("selected");
    this.point(index);
    if (several && how === "range") {
      const [low, high] = [Math.min(this.anchor, index), Math.max(this.anchor, index)];
      const range = Array.from({ length: high - low + 1 }, (_, place) => low + place);
      return this.set("selected", [...new Set([...selected, ...range])]);
    }
    this.anchor = index;
    if (several && how === "toggle") {
      const without = selected.filter((each) => each !== index);
      return this.set("selected", without.length < selected.length ? without : [...selected, index]);
    }
    this.set("selected", [index]);
  }

  toggleStar(index) {
    if (!this.get("starred")) return;
    const favourites = this.get("favourites");
    const without = favourites.filter((each) => each !== index);
    this.set("favourites", without.length < favourites.length ? without : [...favourites, index]);
  }

  point(index) {
    const before = this.tiles.get(this.cursor);
    this.cursor = index;
    if (before) this.dress(before);
    const row = Math.floor(index / this.at.columns);
    const top = row * this.at.rise;
    const bottom = top + this.at.rise + EDGE;
    if (top < this.el.scrollTop) this.el.scrollTop = top;
    else if (bottom > this.el.scrollTop + this.el.clientHeight) this.el.scrollTop = bottom - this.el.clientHeight;
    this.arrange();
    const now = this.tiles.get(index);
    if (now) this.dress(now);
  }

  key(event) {
    if (event.target !== this.el || !this.at || !this.get("count")) return;
    const { columns } = this.at;
    const page = columns * Math.max(1, Math.floor(this.el.clientHeight / this.at.rise));
    const steps = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -page, PageDown: page,
      Home: -Infinity, End: Infinity,
    };
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key in steps && plain) {
      const goal = Math.min(Math.max(this.cursor + steps[event.key], 0), this.get("count") - 1);
      if (event.shiftKey && this.get("several")) this.choose(goal, "range");
      else this.point(goal);
    } else if (event.key === "Enter") {
      this.choose(this.cursor, "only");
      this.send({ open: this.cursor });
    } else if (event.key === " ") {
      this.choose(this.cursor, "toggle");
    } else if (event.key.toLowerCase() === "f" && plain && this.get("starred")) {
      this.toggleStar(this.cursor);
    } else if (plain && this.get("hotkeys").includes(event.key)) {
      this.send({ key: event.key, at: this.cursor });
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  drag(event) {
    const index = this.indexOf(event);
    if (index === null || !this.get("draggable")) return;
    const selected = this.get("selected");
    const places = selected.includes(index) ? selected : [index];
    event.stopPropagation();
    event.dataTransfer.effectAllowed = "copyMove";
    event.dataTransfer.setData(DRAGGED, JSON.stringify({ from: this.get("name"), drop: places }));
  }

  drop(event) {
    this.el.classList.remove("smis-drop");
    const data = event.dataTransfer.getData(DRAGGED);
    if (!this.get("accepts") || !data) return;
    event.preventDefault();
    event.stopPropagation();
    this.send(JSON.parse(data));
  }

  leave() {
    this.controller.abort();
    this.model.off("msg:custom", this.hear);
    this.resized.disconnect();
    this.seen.disconnect();
    clearInterval(this.timer);
    for (const tile of this.tiles.values()) tile.drop();
  }
}

function render({ model, el }) {
  const wall = new Wall(model, el);
  return () => wall.leave();
}

export default { render };
