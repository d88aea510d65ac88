// Shows a picture and reports each frame once it is on screen, so that the kernel never sends faster than that.
// A message posted while a frame is prepared arrives once that frame is painted.
function afterPaint(report) {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = report;
    port2.postMessage(null);
  });
}

// What is smaller than this travels in its address: that spares the way to the browser's store and back, and the frame
// in which a page decodes what it was asked to decode ahead.
const SMALL_BYTES = 2 ** 15;

// A picture with its own address: the one before is let go when the next is shown.
class Shown {
  constructor() {
    this.image = h("img", { draggable: false, decoding: "sync" });
    this.url = null;
  }

  // Resolves to whether the picture is still wanted once it is decoded.
  async show(data, kind, wanted) {
    if (data.byteLength < SMALL_BYTES) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const loaded = new Promise((resolve) => Object.assign(this.image, { onload: resolve, onerror: resolve }));
      this.image.src = `data:${kind};base64,${btoa(String.fromCharCode(...bytes))}`;
      this.clear();
      await loaded;
      return wanted();
    }
    const next = URL.createObjectURL(new Blob([data], { type: kind }));
    const loaded = new Image();
    loaded.src = next;
    // A page short of memory may refuse; the picture is then decoded when it is painted.
    await loaded.decode().catch(() => {});
    if (!wanted()) {
      URL.revokeObjectURL(next);
      return false;
    }
    this.image.src = next;
    this.clear();
    this.url = next;
    return true;
  }

  clear() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
  }
}

// The line between two pictures, dragged or moved by keys.
function wiper(model, title, signal) {
  const handle = h("div", { className: "smis-wipe", role: "slider", tabIndex: 0, title, "aria-label": title });
  handle.setAttribute("aria-valuemin", 0);
  handle.setAttribute("aria-valuemax", 100);
  const put = (value) => {
    model.set("wipe", clamped(value, 0, 1));
    model.save_changes();
  };
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
  }, { signal });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = handle.parentElement.getBoundingClientRect();
    put((event.clientX - box.left) / box.width);
  }, { signal });
  handle.addEventListener("keydown", (event) => {
    const now = model.get("wipe");
    const places = { ArrowLeft: now - 0.02, ArrowRight: now + 0.02, Home: 0, End: 1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    event.stopPropagation();
    put(places[event.key]);
  }, { signal });
  return handle;
}

function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const texts = model.get("texts");
  const view = Math.random().toString(36).slice(2);
  const [now, other] = [new Shown(), new Shown()];
  const stage = h("div", { className: "smis-picture-stage" }, now.image, other.image);
  other.image.className = "smis-other";
  el.classList.add("smis-picture");
  const wipe = wiper(model, texts.wipe, signal);
  stage.append(wipe);
  const zoom = new Zoom(el, stage, signal);

  const asPng = async () => {
    if (model.get("kind") === "image/png") return new Blob([model.get("data")], { type: "image/png" });
    const canvas = h("canvas", { width: now.image.naturalWidth, height: now.image.naturalHeight });
    canvas.getContext("2d").drawImage(now.image, 0, 0);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  };
  const copy = button("copy", texts.copy, async () => {
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": asPng() })]);
      tick(copy, "copy");
    } catch {
      copy.title = texts.no_copy;
      copy.classList.add("smis-refused");
    }
  });
  const save = button("save", texts.save, async () => {
    if (model.get("saver")) return model.send({ save: true });
    const url = URL.createObjectURL(await asPng());
    h("a", { href: url, download: model.get("filename") }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  });
  const fit = button("fit", texts.fit, () => zoom.fit());
  const tools = h("div", { className: "smis-picture-tools" },
    button("farther", texts.farther, () => zoom.by(1 / 1.5)), button("closer", texts.closer, () => zoom.by(1.5)),
    fit, copy, save);
  el.append(stage, tools);
  zoom.changed = () => {
    fit.disabled = zoom.scale === 1;
    // Enlarged beyond their size, pixels are shown as they are.
    const pixel = (el.clientWidth * zoom.scale) / (now.image.naturalWidth || 1);
    el.classList.toggle("smis-pixels", zoom.scale > 1 && pixel >= 4);
  };
  zoom.changed();

  let visible = true;
  const show = async () => {
    const frame = model.get("frame");
    const data = model.get("data");
    el.classList.toggle("smis-empty", data.byteLength === 0);
    // What nobody sees is not drawn; it is, when it comes back on screen.
    if (data.byteLength === 0 || !visible || +el.dataset.frame === frame) return;
    // A slower, older frame must not replace a newer one.
    if (!(await now.show(data, model.get("kind"), () => frame === model.get("frame")))) return;
    el.dataset.frame = frame;
    afterPaint(() => {
      el.dataset.painted = frame;
      model.send({ painted: frame });
    });
  };
  const name = () => {
    now.image.alt = model.get("alt");
    if (el.clientWidth >= 140) el.tabIndex = 0;
  };
  const compare = async () => {
    const data = model.get("other");
    const wanted = data.byteLength > 0;
    if (wanted) await other.show(data, "image/png", () => data === model.get("other"));
    el.classList.toggle("smis-compared", model.get("other").byteLength > 0);
    lay();
  };
  const lay = () => {
    const percent = 100 * model.get("wipe");
    other.image.style.clipPath = `inset(0 0 0 ${percent}%)`;
    wipe.style.left = `${percent}%`;
    wipe.setAttribute("aria-valuenow", Math.round(percent));
  };
  const watcher = new IntersectionObserver((entries) => {
    const before = visible;
    // A busy page tells of several changes at once; the last one holds.
    visible = entries.at(-1).isIntersecting;
    if (visible !== before || !el.dataset.view) model.send({ view, visible });
    el.dataset.view = visible ? "seen" : "away";
    name();
    if (visible) show();
  });
  watcher.observe(el);
  // A page that is left or loaded anew takes no view down.
  window.addEventListener("pagehide", () => model.send({ view, visible: false }), { signal });

  const heard = { "change:frame": show, "change:alt": name, "change:other": compare, "change:wipe": lay };
  for (const [event, act] of Object.entries(heard)) model.on(event, act);
  name();
  show();
  compare();
  return () => {
    controller.abort();
    watcher.disconnect();
    for (const [event, act] of Object.entries(heard)) model.off(event, act);
    model.send({ view, visible: false });
    now.clear();
    other.clear();
  };
}

export default { render };
