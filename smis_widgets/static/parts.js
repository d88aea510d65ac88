// What front ends are put together from: elements, icons, buttons.
const PATHS = {
  undo: "M3 6h6.500a3.500 3.500 0 010 7H6M6 2.500L2.500 6 6 9.500",
  redo: "M13 6H6.500a3.500 3.500 0 000 7H10M10 2.500L13.500 6 10 9.500",
  reset: "M3.200 8a4.800 4.800 0 101.600-3.600M5 1.500v3.200h3.200",
  save: "M8 1.500v8.500M4.500 7L8 10.500 11.500 7M2 11v3h12v-3",
  open: "M1.500 13V3h4.500l1.500 2h5v2M1.500 13l2.500-6h11l-2.500 6z",
  copy: "M5.500 5.500h8v8h-8zM3 10.500h-.500v-8h8V3",
  code: "M5 4L1.500 8 5 12M11 4l3.500 4-3.500 4M9.200 2.500l-2.400 11",
  closer: "M7 2.500a4.500 4.500 0 110 9 4.500 4.500 0 010-9zM10.300 10.300L14 14M7 5v4M5 7h4",
  farther: "M7 2.500a4.500 4.500 0 110 9 4.500 4.500 0 010-9zM10.300 10.300L14 14M5 7h4",
  fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  wipe: "M8 1.500v13M2.500 3.500h3v9h-3zM10.500 3.500h3v9h-3M10.500 6l3-2.500M10.500 9.500l3-3M10.500 12.500l3-3",
  dice: "M2.500 2.500h11v11h-11zM5.500 5.500v.100M10.500 5.500v.100M8 8v.100M5.500 10.500v.100M10.500 10.500v.100",
  swap: "M4.500 2.500L2 5l2.500 2.500M2 5h11M11.500 8.500L14 11l-2.500 2.500M14 11H3",
  lock: "M4 7.500h8V14H4zM5.500 7.500V5a2.500 2.500 0 015 0v2.500",
  only: "M8 1.500v2.500M8 12v2.500M1.500 8H4M12 8h2.500M8 5a3 3 0 110 6 3 3 0 010-6z",
  close: "M3.500 3.500l9 9M12.500 3.500l-9 9",
  done: "M2.500 8.500l3.500 3.500 7.500-8",
  add: "M8 2.500v11M2.500 8h11",
  branch: "M4.500 2.500v11M4.500 10c0-3 7-2 7-5.500M11.500 4.500v-2",
};

function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (name === "style") element.style.cssText = value;
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

function button(name, title, act, className = "smis-tool") {
  const properties = { type: "button", className, title, "aria-label": title };
  return h("button", { ...properties, on: { click: act } }, icon(name));
}

// Shows for a moment that a button has done its work.
function tick(element, name) {
  element.replaceChildren(icon("done"));
  setTimeout(() => element.replaceChildren(icon(name)), 1200);
}

const clamped = (value, low, high) => Math.min(Math.max(value, low), high);
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
