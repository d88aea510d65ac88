// Keys pressed inside the widget belong to it. JupyterLab looks for the attribute on the focused element before it
// matches a shortcut.
const GUARD = "data-lm-suppress-shortcuts";

// What is said when the kernel was restarted: it has forgotten the widget then.
function farewell(model, texts) {
  const text = h("p", {});
  const line = h("pre", {});
  const copy = button("copy", texts.copy, () => navigator.clipboard?.writeText(line.textContent).then(() => tick(copy, "copy")));
  const box = h("div", { className: "smis-lines smis-gone", role: "alert", hidden: true }, text, line, copy);
  const show = () => {
    line.textContent = model.get("again");
    line.hidden = copy.hidden = line.textContent === "";
    text.textContent = `${texts.gone} ${line.hidden ? texts.gone_cell : texts.gone_lines}`;
  };
  return { box, show };
}

function render({ model, el }) {
  el.classList.add("smis-shell");
  const controller = new AbortController();
  const { signal } = controller;
  const texts = model.get("texts");
  const gone = texts.gone ? farewell(model, texts) : null;
  let watcher = null;
  if (gone) {
    el.append(gone.box);
    gone.show();
    model.on("change:again", gone.show);
  }
  const attach = () => {
    if (signal.aborted) return;
    const root = el.closest(".smis-inversion, .smis-panel");
    if (!root) return void requestAnimationFrame(attach);
    root.addEventListener("focusin", (event) => event.target.setAttribute(GUARD, "true"), { signal });
    if (!gone) return;
    // The widget manager tells it by a class.
    const look = () => {
      gone.box.hidden = !root.classList.contains("jupyter-widgets-disconnected");
      if (root.classList.contains("smis-lost") === gone.box.hidden) root.classList.toggle("smis-lost", !gone.box.hidden);
    };
    watcher = new MutationObserver(look);
    watcher.observe(root, { attributes: true, attributeFilter: ["class"] });
    look();
  };
  attach();
  return () => {
    controller.abort();
    watcher?.disconnect();
    if (gone) model.off("change:again", gone.show);
  };
}

export default { render };
