// ◁ ──●── ▷ over the steps that were kept. Where it stands is Python's to say; the page only asks, once a frame.
function render({ model, el }) {
  el.classList.add("smis-scrubber");
  const button = (icon, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "smis-icon jupyter-button";
    made.append(Object.assign(document.createElement("i"), { className: `fa fa-${icon}` }));
    made.addEventListener("click", act);
    return made;
  };
  const back = button("caret-left", () => nudge(-1));
  const forth = button("caret-right", () => nudge(1));
  const live = button("step-forward", () => model.send({ live: true }));
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, step: 1 });
  el.append(back, slider, forth, live);

  let sought = null;
  const nudge = (by) => model.send({ nudge: by });
  slider.addEventListener("input", () => {
    if (sought === null) {
      requestAnimationFrame(() => {
        model.send({ seek: model.get("marks")[sought] ?? 0 });
        sought = null;
      });
    }
    sought = +slider.value;
    fill();
  });
  const fill = () => {
    const share = +slider.max > 0 ? slider.value / slider.max : 0;
    slider.style.setProperty("--smis-share", `${100 * share}%`);
  };
  const update = () => {
    const marks = model.get("marks");
    const at = model.get("at");
    const texts = model.get("texts");
    slider.max = Math.max(marks.length - 1, 0);
    if (sought === null) slider.value = at < 0 ? marks.length - 1 : at;
    for (const each of [back, forth, live, slider]) each.disabled = marks.length < 2;
    live.disabled ||= at < 0;
    back.title = texts.back;
    forth.title = texts.forth;
    live.title = texts.live;
    slider.title = texts.slider;
    slider.setAttribute("aria-valuetext", marks.length ? String(marks[slider.value]) : "");
    el.dataset.at = at;
    fill();
  };
  const traits = ["marks", "at", "texts"].map((name) => `change:${name}`);
  for (const each of traits) model.on(each, update);
  update();
  return () => traits.forEach((each) => model.off(each, update));
}

export default { render };
