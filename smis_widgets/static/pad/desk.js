// One desk for each model on a page: the sheet and the way to the kernel, which all views of the model share.

const DESKS = new Map();

function initialize({ model }) {
  const sheet = new Sheet();
  const desk = { sheet, wire: new Wire(model, sheet) };
  DESKS.set(model.get("pad"), desk);
  return () => {
    desk.wire.close();
    DESKS.delete(model.get("pad"));
  };
}
