// Keys pressed inside a pad or a studio belong to it. JupyterLab looks for the attribute on the focused element
// before it matches a shortcut.
const GUARD = "data-lm-suppress-shortcuts";
const TYPING = "input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable=true]";

function render({ model, el }) {
  el.classList.add("smis-shell");
  const controller = new AbortController();
  const { signal } = controller;

  const guard = (root) => {
    root.addEventListener("focusin", (event) => event.target.setAttribute(GUARD, "true"), { signal });
    root.addEventListener(
      "keydown",
      (event) => {
        if (event.target.matches(TYPING)) return;
        const { key, ctrlKey, metaKey, shiftKey, altKey } = event;
        if (altKey || key.length !== 1 || key === " ") return;
        event.preventDefault();
        event.stopPropagation();
        model.send({ key, ctrl: ctrlKey || metaKey, shift: shiftKey });
      },
      { signal, capture: true },
    );
  };

  // A stroke that leaves the canvas goes on outside and comes back; only the main button draws.
  const capture = (root) => {
    const onCanvas = (handler) => (event) => {
      if (event.target instanceof HTMLCanvasElement) handler(event);
    };
    root.addEventListener(
      "pointerdown",
      onCanvas((event) => {
        if (event.button === 0) event.target.setPointerCapture(event.pointerId);
      }),
      { signal },
    );
    root.addEventListener(
      "mousedown",
      onCanvas((event) => {
        if (event.button !== 0) event.stopPropagation();
      }),
      { signal, capture: true },
    );
  };

  const attach = () => {
    if (signal.aborted) return;
    const root = el.closest(".smis-studio") ?? el.closest(".smis-inversion") ?? el.closest(".smis-pad");
    if (root) {
      guard(root);
      capture(root);
    } else {
      requestAnimationFrame(attach);
    }
  };
  attach();
  return () => controller.abort();
}

export default { render };
