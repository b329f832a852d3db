// Lines of logs and messages of the broker as they come: filtered, paused, bounded.
const maxLines = 1000;
const maxEvents = 500;
const levels = ["debug", "info", "warn", "error"];

export function openLog() {
  const list = document.getElementById("log");
  if (list === null) return () => {};
  const [level, filter, count, clear] = ["log-level", "log-filter", "log-count", "clear"].map((id) =>
    document.getElementById(id),
  );
  const fits = (line) => {
    const atLeast = levels.indexOf(line.dataset.level) >= levels.indexOf(level.value);
    return atLeast && line.textContent.toLowerCase().includes(filter.value.toLowerCase());
  };
  const tell = () => {
    const shown = list.querySelectorAll("li:not([hidden])").length;
    count.textContent = `${shown} of ${list.children.length} lines`;
  };
  const refresh = () => {
    for (const line of list.children) line.hidden = !fits(line);
    tell();
  };
  level.addEventListener("change", refresh);
  filter.addEventListener("input", refresh);
  clear.addEventListener("click", () => {
    list.replaceChildren();
    tell();
  });
  return pausable((records) => {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    for (const record of records) {
      const line = logLine(record);
      line.hidden = !fits(line);
      list.append(line);
    }
    while (list.children.length > maxLines) list.firstElementChild.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
    tell();
  }, maxLines);
}

function logLine({ time, level = "info", message = "", fields = "{}", instance }) {
  const line = document.createElement("li");
  line.dataset.level = levels.includes(level) ? level : "info";
  const more = Object.entries(parsed(fields)).map(([key, value]) => [
    `${key}=`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  line.append(
    cell("time", clock(time)),
    cell("span", level, `level ${line.dataset.level}`),
    cell("span", instance, "quiet from"),
    cell("span", message, "text"),
    ...more.flatMap(([key, value]) => [" ", cell("i", key), cell("span", value, "value")]),
  );
  return line;
}

export function openEvents() {
  const body = document.getElementById("events");
  if (body === null) return () => {};
  const [filter, count] = ["event-filter", "event-count"].map((id) => document.getElementById(id));
  const fits = (row) => row.dataset.topic.toLowerCase().includes(filter.value.toLowerCase());
  filter.addEventListener("input", () => {
    for (const row of body.children) row.hidden = !fits(row);
  });
  return pausable((events) => {
    for (const event of events) {
      const row = eventRow(event);
      row.hidden = !fits(row);
      body.prepend(row);
    }
    while (body.children.length > maxEvents) body.lastElementChild.remove();
    count.textContent = `${body.children.length} events, the newest first`;
  }, maxEvents);
}

function eventRow({
  time,
  direction = "",
  topic = "",
  header = {},
  size = 0,
  body = "",
  error = "",
  instance,
}) {
  const row = document.createElement("tr");
  row.dataset.topic = topic;
  const what = cell("td", error === "" ? direction : `${direction}, failed`, error === "" ? "" : "bad");
  const message = document.createElement("td");
  if (error !== "") message.append(cell("p", error, "bad"));
  if (body !== "") message.append(cell("pre", body));
  const fields = Object.entries(header);
  if (fields.length > 0) {
    const details = document.createElement("details");
    details.append(
      cell("summary", `${fields.length} header ${fields.length === 1 ? "field" : "fields"}`),
      cell("pre", fields.map(([key, value]) => `${key}: ${value}`).join("\n")),
    );
    message.append(details);
  }
  row.append(
    cell("td", clock(time), "mono"),
    what,
    cell("td", topic, "mono"),
    cell("td", String(size), "num"),
    cell("td", instance, "mono"),
    message,
  );
  return row;
}

/** What comes while it is paused waits, as much as there is room for. Many are shown at once. */
function pausable(show, room) {
  const button = document.getElementById("pause");
  let waiting = [];
  let isPaused = false;
  let isPlanned = false;
  const flush = () => {
    isPlanned = false;
    if (isPaused) return;
    const all = waiting;
    waiting = [];
    // instances tell what they remember one after another
    if (all.length > 0) show(all.sort((a, b) => Date.parse(a.time) - Date.parse(b.time)));
  };
  button.addEventListener("click", () => {
    isPaused = !isPaused;
    button.setAttribute("aria-pressed", String(isPaused));
    button.textContent = isPaused ? "Resume" : "Pause";
    flush();
  });
  return (one) => {
    waiting.push(one);
    if (waiting.length > room) waiting.shift();
    if (isPaused) button.textContent = `Resume (${waiting.length})`;
    if (isPlanned) return;
    isPlanned = true;
    setTimeout(flush, 100);
  };
}

function cell(name, text, className = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (className !== "") element.className = className;
  return element;
}

function clock(time) {
  return new Date(time).toISOString().slice(11, 23);
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
