// Loss curves on a canvas. Points arrive in batches as binary messages and are kept in growing typed arrays; a frame
// is drawn when something has changed, from the lowest and highest value of each column of pixels, so that a long run
// costs no more than a short one.
const MARGIN = { left: 52, right: 12, top: 10, bottom: 24 };
const FONT = "11px";
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3], [1, 2], [12, 4]];
const COLOURS = 8;

function render({ model, el }) {
  el.classList.add("smis-plot");
  const legend = el.appendChild(document.createElement("div"));
  legend.className = "smis-legend";
  const stage = el.appendChild(document.createElement("div"));
  stage.className = "smis-plot-stage";
  const canvas = stage.appendChild(document.createElement("canvas"));
  const hint = stage.appendChild(document.createElement("div"));
  hint.className = "smis-plot-hint";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");

  const controller = new AbortController();
  const { signal } = controller;
  const runs = new Map();
  const chips = new Map();
  // As the browser tells it: asking for it in every frame would have it lay out the page.
  let room = { width: 0, height: 0 };
  let dirty = false;
  let hovered = null;
  let asked = 0;

  // A new view, and one that missed a batch, asks for everything.
  const ask = () => {
    if (performance.now() - asked < 500) return;
    asked = performance.now();
    model.send({ ready: true });
  };
  const schedule = () => {
    if (dirty) return;
    dirty = true;
    requestAnimationFrame(() => {
      dirty = false;
      if (!signal.aborted) draw();
    });
  };

  const shownRuns = () => model.get("runs").map(({ name }) => name);
  const several = () => model.get("runs").length > 1;
  const lossNames = () => {
    const names = new Set();
    for (const name of shownRuns()) for (const loss of runs.get(name)?.losses.keys() ?? []) names.add(loss);
    return [...names].sort((a, b) => (b === "total") - (a === "total"));
  };
  // Over several runs the sum alone is shown at first: the eye compares one loss at a time.
  const isHidden = (loss) => {
    const chosen = model.get("chosen");
    return chosen.length ? !chosen.includes(loss) : several() && loss !== "total" && lossNames().includes("total");
  };
  const toggle = (loss) => {
    const names = lossNames();
    const visible = names.filter((name) => !isHidden(name));
    const chosen = visible.includes(loss) ? visible.filter((name) => name !== loss) : [...visible, loss];
    model.set("chosen", chosen.length ? chosen : [loss]);
    model.save_changes();
    schedule();
  };

  const chipColour = (index) => `var(--smis-curve-${index % COLOURS})`;
  const colourOf = (style, index) => style.getPropertyValue(`--smis-curve-${index % COLOURS}`).trim() || "#6c4fe0";
  const lines = (style) => {
    const found = [];
    const names = lossNames();
    model.get("runs").forEach(({ name }, place) => {
      const run = runs.get(name);
      names.forEach((loss, rank) => {
        const series = run?.losses.get(loss);
        if (!series || isHidden(loss)) return;
        found.push({
          run, series, loss, name,
          colour: colourOf(style, several() ? place : rank),
          dash: several() ? DASHES[rank % DASHES.length] : [],
          wide: several() ? name === model.get("selected") : loss === "total",
        });
      });
    });
    return found;
  };

  function bounds(drawn, log, axis) {
    let last = axis === "steps" ? Math.max(1, ...model.get("runs").map(({ total }) => total ?? 0)) : 0.1;
    let low = Infinity;
    let high = -Infinity;
    for (const { run, series } of drawn) {
      const { values } = series;
      for (let index = 0; index < series.length; index++) {
        const value = values[index];
        if (!Number.isFinite(value) || (log && value <= 0)) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (run.length) last = Math.max(last, run.axes[axis].values[run.length - 1]);
    }
    if (low > high) [low, high] = log ? [0.1, 1] : [0, 1];
    if (log) {
      // A term that all but vanishes must not press the others flat.
      low = Math.max(low, high * 1e-4);
      const room = Math.max((high / low) ** 0.06, 1.08);
      return { first: 0, last, low: low / room, high: high * room };
    }
    const room = 0.06 * (high - low || Math.abs(high) || 1);
    return { first: 0, last, low: Math.min(low - room, 0), high: high + room };
  }

  function draw() {
    const style = getComputedStyle(el);
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = room;
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const log = model.get("log");
    const drawn = lines(style);
    const axis = model.get("axis");
    const box = bounds(drawn, log, axis);
    const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    const scale = log ? Math.log10 : (value) => value;
    const [floor, ceiling] = [scale(box.low), scale(box.high)];
    const x = (step) => MARGIN.left + ((step - box.first) / (box.last - box.first)) * inner.width;
    const y = (value) => MARGIN.top + (1 - (scale(value) - floor) / (ceiling - floor)) * inner.height;
    view = { inner, box, axis };

    const quiet = style.getPropertyValue("--smis-quiet").trim() || "#6a7080";
    const line = style.getPropertyValue("--smis-line").trim() || "#dfe2e8";
    context.font = `${FONT} ${style.fontFamily}`;
    context.fillStyle = quiet;
    context.strokeStyle = line;
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const rows = Math.max(2, Math.floor(inner.height / 34));
    for (const tick of log ? logTicks(box.low, box.high, rows) : linearTicks(box.low, box.high, rows)) {
      const at = Math.round(y(tick)) + 0.5;
      context.beginPath();
      context.moveTo(MARGIN.left, at);
      context.lineTo(width - MARGIN.right, at);
      context.stroke();
      context.fillText(label(tick), MARGIN.left - 7, at);
    }
    context.textBaseline = "alphabetic";
    context.textAlign = "center";
    for (const tick of linearTicks(box.first, box.last, Math.max(2, Math.floor(inner.width / 80)))) {
      if (axis === "seconds") context.fillText(`${+tick.toPrecision(4)} s`, x(tick), height - 7);
      else if (Number.isInteger(tick)) context.fillText(String(tick), x(tick), height - 7);
    }

    context.save();
    context.beginPath();
    context.rect(MARGIN.left, MARGIN.top - 2, inner.width + 2, inner.height + 4);
    context.clip();
    context.lineJoin = "round";
    // What is selected lies on top.
    for (const each of [...drawn].sort((a, b) => a.wide - b.wide)) curve(context, each, axis, x, y, log);
    context.restore();

    const marked = hovered ?? markedPlace(axis);
    if (marked >= 0 && drawn.length) marker(context, marked, drawn, axis, x, y, log, height, style);
    canvas.setAttribute("aria-label", model.get("alt"));
    hint.textContent = drawn.some(({ run }) => run.length) ? "" : model.get("hint");
    fillLegend(marked, axis);
  }
  let view = null;

  const selectedRun = () => runs.get(model.get("selected")) ?? runs.get(shownRuns()[0]);
  const markedPlace = (axis) => {
    const step = model.get("marker");
    const run = selectedRun();
    if (step < 0 || !run?.length) return -1;
    return axis === "steps" ? step : run.axes[axis].values[run.nearest(step, "steps")];
  };

  const label = (tick) => {
    const size = Math.abs(tick);
    if (size !== 0 && (size < 1e-3 || size >= 1e4)) return tick.toExponential(0).replace("e-", "e−").replace("e+", "e");
    return String(+tick.toPrecision(6));
  };

  function curve(context, { run, series, colour, dash, wide }, axis, x, y, log) {
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.lineWidth = wide ? 2.2 : 1.4;
    context.globalAlpha = wide || several() ? 1 : 0.85;
    context.beginPath();
    let open = false;
    let column = null;
    const flush = () => {
      if (!column) return;
      for (const value of column.first < column.last ? [column.low, column.high] : [column.high, column.low]) {
        if (open) context.lineTo(column.at, y(value));
        else context.moveTo(column.at, y(value));
        open = true;
      }
      column = null;
    };
    const places = run.axes[axis].values;
    for (let index = 0; index < series.length; index++) {
      const value = series.values[index];
      if (!Number.isFinite(value) || (log && value <= 0)) {
        flush();
        open = false;
        continue;
      }
      const at = Math.round(x(places[index]) * 2) / 2;
      if (column && column.at === at) {
        column.low = Math.min(column.low, value);
        column.high = Math.max(column.high, value);
        column.last = value;
      } else {
        flush();
        column = { at, low: value, high: value, first: value, last: value };
      }
    }
    flush();
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  function marker(context, place, drawn, axis, x, y, log, height, style) {
    const at = x(place);
    context.strokeStyle = style.getPropertyValue("--smis-accent").trim() || "#6c4fe0";
    context.globalAlpha = hovered === null ? 0.9 : 0.45;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(at, MARGIN.top);
    context.lineTo(at, height - MARGIN.bottom);
    context.stroke();
    context.globalAlpha = 1;
    for (const { run, series, colour } of drawn) {
      if (!run.length) continue;
      const index = run.nearest(place, axis);
      const value = series.values[index];
      if (!Number.isFinite(value) || (log && value <= 0)) continue;
      context.fillStyle = colour;
      context.beginPath();
      context.arc(x(run.axes[axis].values[index]), y(value), 3, 0, 2 * Math.PI);
      context.fill();
    }
  }

  function chip(key, kind) {
    if (!chips.has(key)) {
      const made = document.createElement("button");
      made.type = "button";
      made.className = `smis-chip smis-chip-${kind}`;
      made.append(document.createElement("i"), document.createElement("span"), document.createElement("b"));
      chips.set(key, made);
    }
    return chips.get(key);
  }

  function fillLegend(marked, axis) {
    const names = lossNames();
    const wanted = [];
    const valueAt = (run, loss) => {
      const series = run?.losses.get(loss);
      if (!series?.length) return NaN;
      return series.values[marked >= 0 ? run.nearest(marked, axis) : series.length - 1];
    };
    const visible = names.filter((name) => !isHidden(name));
    if (several()) {
      model.get("runs").forEach(({ name, state }, place) => {
        const made = chip(`run:${name}`, "run");
        const chosen = name === model.get("selected");
        made.style.setProperty("--smis-chip", chipColour(place));
        made.children[1].textContent = name;
        made.children[2].textContent = visible.length === 1 ? readable(valueAt(runs.get(name), visible[0])) : "";
        made.setAttribute("aria-pressed", chosen);
        made.dataset.state = state;
        made.title = model.get("texts").select.replace("{name}", name);
        made.onclick = () => model.send({ select: name });
        wanted.push(made);
      });
    }
    names.forEach((name, rank) => {
      const made = chip(`loss:${name}`, several() ? "dash" : "loss");
      const hiddenNow = isHidden(name);
      if (!several()) {
        made.style.setProperty("--smis-chip", chipColour(rank));
        made.children[2].textContent = readable(valueAt(runs.get(shownRuns()[0]), name));
      } else {
        made.children[2].textContent = "";
      }
      made.children[1].textContent = name;
      made.setAttribute("aria-pressed", !hiddenNow);
      made.title = model.get("texts").toggle.replace("{name}", name);
      made.onclick = () => toggle(name);
      wanted.push(made);
    });
    if (wanted.length !== legend.childElementCount || wanted.some((made, place) => legend.children[place] !== made)) {
      legend.replaceChildren(...wanted);
    }
  }

  const placeAt = (event) => {
    const rect = canvas.getBoundingClientRect();
    const share = (event.clientX - rect.left - MARGIN.left) / view.inner.width;
    return view.box.first + Math.min(1, Math.max(0, share)) * (view.box.last - view.box.first);
  };
  let sought = null;
  const seek = (place) => {
    const run = selectedRun();
    if (!run?.length) return;
    if (sought === null) {
      requestAnimationFrame(() => {
        model.send({ seek: sought });
        sought = null;
      });
    }
    sought = run.axes.steps.values[run.nearest(place, view.axis)];
  };
  canvas.addEventListener("pointermove", (event) => {
    if (!view) return;
    hovered = placeAt(event);
    if (event.buttons & 1) seek(hovered);
    schedule();
  }, { signal });
  canvas.addEventListener("pointerdown", (event) => {
    if (!view || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    seek(placeAt(event));
  }, { signal });
  canvas.addEventListener("pointerleave", () => {
    hovered = null;
    schedule();
  }, { signal });
  canvas.addEventListener("keydown", (event) => {
    const direction = { ArrowLeft: -1, ArrowRight: 1, End: 0, Escape: 0 }[event.key];
    if (direction === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    model.send(direction ? { nudge: direction } : { live: true });
  }, { signal });

  const receive = (content, buffers) => {
    if (!content.batches) return;
    let missed = false;
    content.batches.forEach((batch, index) => {
      if (!runs.has(batch.run)) runs.set(batch.run, new Run());
      const bytes = buffers[index];
      const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      missed ||= !runs.get(batch.run).take(batch, data);
    });
    el.dataset.batches = 1 + Number(el.dataset.batches ?? 0);
    el.dataset.points = Math.max(0, ...[...runs.values()].map((run) => run.length));
    if (missed) ask();
    schedule();
  };
  model.on("msg:custom", receive);
  const traits = ["runs", "selected", "log", "axis", "marker", "hint", "chosen"].map((name) => `change:${name}`);
  for (const each of traits) model.on(each, schedule);
  const size = new ResizeObserver(([entry]) => {
    room = entry.contentRect;
    schedule();
  });
  size.observe(stage);
  // A theme names itself on the page before its colours are all there.
  const theme = new MutationObserver(() => {
    schedule();
    setTimeout(schedule, 500);
  });
  for (const node of [document.documentElement, document.body]) theme.observe(node, { attributes: true });
  ask();
  schedule();

  return () => {
    controller.abort();
    model.off("msg:custom", receive);
    for (const each of traits) model.off(each, schedule);
    size.disconnect();
    theme.disconnect();
  };
}

export default { render };
