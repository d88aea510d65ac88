// Keys pressed inside the widget belong to it. JupyterLab looks for the attribute on the focused element before it
// matches a shortcut.
const GUARD = "data-lm-suppress-shortcuts";

function render({ el }) {
  el.classList.add("smis-shell");
  const controller = new AbortController();
  const { signal } = controller;
  const attach = () => {
    if (signal.aborted) return;
    const root = el.closest(".smis-inversion, .smis-panel");
    if (!root) return void requestAnimationFrame(attach);
    root.addEventListener("focusin", (event) => event.target.setAttribute(GUARD, "true"), { signal });
  };
  attach();
  return () => controller.abort();
}

export default { render };
