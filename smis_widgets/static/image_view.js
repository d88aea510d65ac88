// Shows a picture and reports each frame once it is on screen, so that the kernel never sends faster than that.
// A message posted while a frame is prepared arrives once that frame is painted.
function afterPaint(report) {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = report;
    port2.postMessage(null);
  });
}

function render({ model, el }) {
  el.classList.add("smis-picture");
  const image = document.createElement("img");
  image.draggable = false;
  el.append(image);
  let url = null;

  const show = async () => {
    const frame = model.get("frame");
    const data = model.get("data");
    image.alt = model.get("alt");
    el.classList.toggle("smis-empty", data.byteLength === 0);
    if (data.byteLength === 0) return;
    const next = URL.createObjectURL(new Blob([data], { type: "image/png" }));
    const loaded = new Image();
    loaded.src = next;
    // A page short of memory may refuse; the picture is then decoded when it is painted.
    await loaded.decode().catch(() => {});
    // A slower, older frame must not replace a newer one.
    if (frame !== model.get("frame")) return URL.revokeObjectURL(next);
    image.src = next;
    if (url) URL.revokeObjectURL(url);
    url = next;
    el.dataset.frame = frame;
    afterPaint(() => {
      el.dataset.painted = frame;
      model.send({ painted: frame });
    });
  };

  model.on("change:frame", show);
  show();
  return () => {
    model.off("change:frame", show);
    if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
