// A picture with three points to drag. While a finger is down the points are the page's; what they cut out of the
// picture is computed by Python and drawn as an outline when it comes.
const SVG = "http://www.w3.org/2000/svg";

function render({ model, el }) {
  el.classList.add("smis-align");
  const image = el.appendChild(document.createElement("img"));
  image.draggable = false;
  const overlay = el.appendChild(document.createElementNS(SVG, "svg"));
  overlay.setAttribute("viewBox", "0 0 1 1");
  overlay.setAttribute("preserveAspectRatio", "none");
  const shade = overlay.appendChild(document.createElementNS(SVG, "path"));
  shade.setAttribute("class", "smis-align-shade");
  shade.setAttribute("fill-rule", "evenodd");
  const outline = overlay.appendChild(document.createElementNS(SVG, "path"));
  outline.setAttribute("class", "smis-align-outline");
  outline.setAttribute("vector-effect", "non-scaling-stroke");
  const handles = [0, 1, 2].map((index) => {
    const handle = el.appendChild(document.createElement("button"));
    handle.type = "button";
    handle.className = "smis-handle";
    handle.title = model.get("names")[index] ?? "";
    handle.setAttribute("aria-label", handle.title);
    return handle;
  });

  const url = URL.createObjectURL(new Blob([model.get("data")], { type: "image/png" }));
  image.src = url;
  let points = [];
  let dragged = -1;
  let waiting = false;

  const place = () => {
    points.forEach(([x, y], index) => {
      handles[index].style.left = `${100 * x}%`;
      handles[index].style.top = `${100 * y}%`;
    });
  };
  const takePoints = () => {
    if (dragged >= 0) return;
    points = model.get("points").map((point) => [...point]);
    place();
  };
  const takeCorners = () => {
    const corners = model.get("corners");
    const path = corners.length ? `M${corners.map(([x, y]) => `${x} ${y}`).join("L")}Z` : "";
    outline.setAttribute("d", path);
    shade.setAttribute("d", path ? `M-9 -9H10V10H-9Z${path}` : "");
  };
  const send = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      model.send({ points });
    });
  };
  const move = (index, x, y) => {
    points[index] = [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
    place();
    send();
  };
  handles.forEach((handle, index) => {
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      dragged = index;
      handle.setPointerCapture(event.pointerId);
      event.preventDefault();
      handle.focus();
    });
    handle.addEventListener("pointermove", (event) => {
      if (dragged !== index) return;
      const rect = el.getBoundingClientRect();
      move(index, (event.clientX - rect.left) / rect.width, (event.clientY - rect.top) / rect.height);
    });
    const release = () => {
      if (dragged === index) dragged = -1;
    };
    handle.addEventListener("pointerup", release);
    handle.addEventListener("pointercancel", release);
    handle.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      const size = event.shiftKey ? 0.02 : 0.004;
      move(index, points[index][0] + size * by[0], points[index][1] + size * by[1]);
    });
  });
  model.on("change:points", takePoints);
  model.on("change:corners", takeCorners);
  takePoints();
  takeCorners();
  return () => {
    model.off("change:points", takePoints);
    model.off("change:corners", takeCorners);
    URL.revokeObjectURL(url);
  };
}

export default { render };
