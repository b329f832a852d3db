// What all pages share: colours, the connection to the dashboard, tables that change in place.
import { openCall } from "./call.js";
import { openCharts } from "./charts.js";
import { openEvents, openLog } from "./lists.js";

const main = document.getElementById("main");
const link = document.getElementById("link");

const theme = document.getElementById("theme");
theme.value = document.documentElement.dataset.theme ?? "";
theme.addEventListener("change", () => {
  if (theme.value === "") {
    localStorage.removeItem("theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("theme", theme.value);
    document.documentElement.dataset.theme = theme.value;
  }
  document.dispatchEvent(new Event("themechange"));
});

/** Rows by their keys: those that stay keep their place, their cells change one by one, so that focus is not lost. */
function patch(body, text) {
  const template = document.createElement("template");
  template.innerHTML = text;
  const old = new Map([...body.children].map((row) => [row.dataset.key, row]));
  let before = null;
  for (const row of [...template.content.children]) {
    const same = old.get(row.dataset.key);
    old.delete(row.dataset.key);
    const kept = same ?? row;
    if (same !== undefined) patchCells(same, row);
    const wanted = before === null ? body.firstElementChild : before.nextElementSibling;
    if (wanted !== kept) body.insertBefore(kept, wanted);
    before = kept;
  }
  for (const gone of old.values()) gone.remove();
}

function patchCells(old, row) {
  if (old.className !== row.className) old.className = row.className;
  if (old.children.length !== row.children.length) return old.replaceChildren(...row.childNodes);
  [...row.children].forEach((cell, at) => {
    const own = old.children[at];
    if (!own.isEqualNode(cell)) own.replaceWith(cell);
  });
}

/** What is wrong with instances, each told once until it changes. */
function tellTrouble({ instance, why }) {
  const notes = document.getElementById("troubles");
  if (notes === null) return;
  const note =
    [...notes.children].find((one) => one.dataset.instance === instance) ?? document.createElement("p");
  note.dataset.instance = instance;
  const text = `${instance}: ${why}`;
  if (note.textContent !== text) note.textContent = text;
  if (!note.isConnected) notes.append(note);
}

function say(text, state) {
  if (link.textContent !== text) link.textContent = text;
  link.className = `link ${state}`;
}

if (main.dataset.live !== undefined) {
  const hear = {
    fragment: ({ target, html }) => patch(document.getElementById(target), html),
    trouble: tellTrouble,
    points: openCharts(),
    log: openLog(),
    event: openEvents(),
  };
  let source;
  const open = () => {
    source = new EventSource(main.dataset.live);
    source.addEventListener("open", () => say("live", "live"));
    source.addEventListener("error", () => say("connection lost, trying again", "lost"));
    for (const [name, take] of Object.entries(hear))
      source.addEventListener(name, ({ data }) => take(JSON.parse(data)));
  };
  // a browser has few connections for one host
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
      source = undefined;
      say("paused", "");
    } else if (source === undefined) open();
  });
  addEventListener("pagehide", () => source?.close());
  if (!document.hidden) open();
}

for (const input of document.querySelectorAll("input[data-filter]")) {
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of document.getElementById(input.dataset.filter).children)
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}

openCall();
