// A button that takes files, chosen or dropped on it.
function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const text = h("span", {}, model.get("text"));
  const choose = h("button", { type: "button", className: "smis-file" }, icon("open"), text);
  const give = async (files) => {
    for (const file of files) await sendFile(file, (content, buffers) => model.send(content, undefined, buffers));
  };
  choose.addEventListener("click", () => {
    const input = h("input", { type: "file", accept: model.get("accept"), multiple: true });
    input.addEventListener("change", () => give([...input.files]));
    input.click();
  }, { signal });
  const over = (event, on) => {
    event.preventDefault();
    event.stopPropagation();
    choose.classList.toggle("smis-drop", on);
  };
  choose.addEventListener("dragover", (event) => over(event, true), { signal });
  choose.addEventListener("dragleave", (event) => over(event, false), { signal });
  choose.addEventListener("drop", (event) => {
    over(event, false);
    give([...event.dataTransfer.files]);
  }, { signal });
  el.append(choose);
  return () => controller.abort();
}

export default { render };
