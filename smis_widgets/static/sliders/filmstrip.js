// Every settled state as a small picture, with a mark where a branch begins; pictures come by number, each once.
class Film {
  constructor(number, texts, model) {
    Object.assign(this, { number });
    this.image = h("img", { alt: "", draggable: false });
    this.label = h("span", { className: "smis-film-label" });
    this.pick = h("button", { type: "button", className: "smis-film-pick" }, this.image, this.label);
    this.pick.addEventListener("click", (event) =>
      model.send(event.shiftKey ? { act: "compare", number } : { act: "go", number }));
    this.compare = button("wipe", texts.compare, () => model.send({ act: "compare", number }), "smis-tool smis-film-compare");
    this.element = h("div", { className: "smis-film" }, this.pick, this.compare);
    this.element.dataset.number = number;
  }

  picture(buffer) {
    this.clear();
    this.url = URL.createObjectURL(new Blob([buffer], { type: "image/jpeg" }));
    this.image.src = this.url;
  }

  clear() {
    if (this.url) URL.revokeObjectURL(this.url);
  }

  show(film, { current, compared }, texts) {
    this.label.textContent = film.label;
    this.element.classList.toggle("smis-on", film.number === current);
    this.element.classList.toggle("smis-aside", !film.on_path);
    this.element.classList.toggle("smis-branch", film.branch);
    this.element.classList.toggle("smis-is-other", film.number === compared);
    const from = film.branch ? `, ${filled(texts.branch_of, { number: film.parent })}` : "";
    this.pick.title = `${film.number}: ${film.label}${from}`;
    this.pick.setAttribute("aria-label", this.pick.title);
    this.pick.setAttribute("aria-current", film.number === current);
    this.compare.setAttribute("aria-pressed", film.number === compared);
  }
}

function render({ model, el }) {
  const texts = model.get("texts");
  const films = new Map();
  const act = (name) => () => model.send({ act: name });
  const undo = button("undo", texts.undo, act("undo"));
  const redo = button("redo", texts.redo, act("redo"));
  const strip = h("div", { className: "smis-films", role: "group", "aria-label": texts.history });
  const open = button("open", texts.open, () => el.dispatchEvent(new Event("smis-open", { bubbles: true })));
  const save = button("save", "", act("save"));
  const code = button("code", texts.code, () => {
    if (panel.hidden) act("code")();
    else panel.hidden = true;
  });
  const text = h("pre", {});
  const copy = button("copy", texts.copy, () => navigator.clipboard?.writeText(text.textContent).then(() => tick(copy, "copy")));
  const panel = h("div", { className: "smis-lines smis-turn-code", hidden: true }, text, copy);
  const bar = h("div", { className: "smis-turn-history" }, undo, redo, strip, save, open, code);
  el.classList.add("smis-filmstrip");
  el.append(bar, panel);

  strip.addEventListener("keydown", (event) => {
    const all = [...strip.querySelectorAll(".smis-film-pick")];
    const at = all.indexOf(document.activeElement);
    const places = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 };
    if (at < 0 || !(event.key in places)) return;
    event.preventDefault();
    event.stopPropagation();
    all[clamped(places[event.key], 0, all.length - 1)].focus();
  });

  const show = () => {
    const wanted = model.get("films");
    const numbers = new Set(wanted.map((film) => film.number));
    for (const [number, film] of films) {
      if (numbers.has(number)) continue;
      film.clear();
      film.element.remove();
      films.delete(number);
    }
    const now = { current: model.get("current"), compared: model.get("compared") };
    for (const film of wanted) {
      if (!films.has(film.number)) {
        films.set(film.number, new Film(film.number, texts, model));
        strip.append(films.get(film.number).element);
      }
      films.get(film.number).show(film, now, texts);
    }
    const here = wanted.find((film) => film.number === now.current);
    undo.disabled = !here || here.parent === null;
    redo.disabled = !wanted.some((film) => film.parent === now.current);
    const at = films.get(now.current)?.element;
    if (at) strip.scrollTo({ left: at.offsetLeft - strip.clientWidth / 2, behavior: "smooth" });
    save.title = filled(texts.save, { folder: model.get("folder") });
    save.setAttribute("aria-label", save.title);
  };
  const hear = (content, buffers) => {
    if (content.code !== undefined) {
      text.textContent = content.code;
      panel.hidden = false;
    }
    (content.thumbs ?? []).forEach((number, place) => films.get(number)?.picture(buffers[place]));
  };
  // Another generator's history begins at 0 again.
  const forget = () => {
    for (const film of films.values()) film.clear();
    films.clear();
    strip.replaceChildren();
    show();
  };
  const heard = {
    "change:films": show, "change:current": show, "change:compared": show, "change:folder": show,
    "change:epoch": forget, "msg:custom": hear,
  };
  for (const [event, each] of Object.entries(heard)) model.on(event, each);
  show();
  model.send({ act: "hello" });
  return () => {
    for (const [event, each] of Object.entries(heard)) model.off(event, each);
    for (const film of films.values()) film.clear();
  };
}

export default { render };
