// A call from its form: the replies as they come, more requests while it is open.
import { openForm, said } from "./form.js";

const maxReplies = 200;
/** Of one reply, in characters. */
const maxShown = 100_000;

export function openCall() {
  const form = document.getElementById("call");
  if (form === null) return;
  const [fields, json, outcome, replies] = ["fields", "json", "outcome", "replies"].map((id) =>
    document.getElementById(id),
  );
  const [stop, finish] = ["stop", "finish"].map((id) => document.getElementById(id));
  const isStreaming = form.dataset.streams === "true";
  /** The call under way. */
  let under;

  if (fields !== null) openForm(fields);
  form.addEventListener("change", ({ target }) => {
    if (target.name !== "mode") return;
    const isJson = target.value === "json";
    try {
      if (isJson) form.elements.json.value = JSON.stringify(said(fields.firstElementChild), null, 2);
    } catch {
      // what was written so far stays in the form
    }
    fields.hidden = isJson;
    json.hidden = !isJson;
  });

  const say = (text, state = "quiet") => {
    outcome.textContent = text;
    outcome.className = state;
  };
  const message = () => {
    if (json.hidden) return said(fields.firstElementChild);
    try {
      return JSON.parse(form.elements.json.value.trim() || "{}");
    } catch (error) {
      form.elements.json.focus();
      throw new Error(`request: ${error.message}`);
    }
  };
  const wanted = () => ({
    endpoint: form.dataset.endpoint,
    instance: form.elements.instance.value,
    metadata: metadataOf(form.elements.metadata.value),
    timeoutMs: Number(form.elements.timeout.value || 0),
    message: message(),
  });
  const show = (value, ms) => {
    const text = JSON.stringify(value, null, 2) ?? "null";
    const [item, time, body] = ["li", "small", "pre"].map((name) => document.createElement(name));
    time.textContent = `${ms} ms`;
    body.textContent =
      text.length > maxShown
        ? `${text.slice(0, maxShown)}\n… ${text.length - maxShown} more characters`
        : text;
    item.append(time, body);
    replies.append(item);
    while (replies.children.length > maxReplies) replies.firstElementChild.remove();
    item.scrollIntoView({ block: "nearest" });
  };

  const run = async () => {
    const call = { stop: new AbortController(), id: undefined, replies: 0 };
    under = call;
    replies.replaceChildren();
    stop.disabled = false;
    say(isStreaming ? "Open." : "Calling …");
    try {
      const body = wanted();
      for await (const event of lines(await post(form.getAttribute("action"), body, call.stop.signal))) {
        if (event.kind === "open") {
          call.id = event.id;
          finish.disabled = false;
        }
        if (event.kind === "reply") {
          show(event.value, event.ms);
          say(`${++call.replies} ${call.replies === 1 ? "reply" : "replies"} so far.`);
        }
        if (event.kind === "end")
          say(`OK: ${event.replies} ${event.replies === 1 ? "reply" : "replies"} in ${event.ms} ms.`, "good");
        if (event.kind === "error") say(`${event.code}: ${event.message} (${event.ms} ms)`, "bad");
      }
    } catch (error) {
      say(
        call.stop.signal.aborted ? `Stopped after ${call.replies} replies.` : error.message,
        call.stop.signal.aborted ? "quiet" : "bad",
      );
    } finally {
      if (under === call) under = undefined;
      stop.disabled = true;
      if (finish !== null) finish.disabled = true;
    }
  };
  const add = async () => {
    try {
      await post(`/calls/${encodeURIComponent(under.id)}/messages`, { message: message() });
      say("Message sent.");
    } catch (error) {
      say(error.message, "bad");
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (under === undefined) run();
    else if (isStreaming && under.id !== undefined) add();
  });
  stop.addEventListener("click", () => under?.stop.abort());
  finish?.addEventListener("click", () => {
    if (under?.id === undefined) return;
    finish.disabled = true;
    post(`/calls/${encodeURIComponent(under.id)}/finish`, {}).catch((error) => say(error.message, "bad"));
  });
}

async function post(path, body, signal) {
  const response = await fetch(path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-dashboard-token": document.querySelector("meta[name=page-token]").content,
    },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok) throw new Error((await response.text()).trim() || `status ${response.status}`);
  return response;
}

async function* lines(response) {
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) if (part !== "") yield JSON.parse(part);
  }
}

function metadataOf(text) {
  const pairs = text.split("\n").flatMap((line) => {
    if (line.trim() === "") return [];
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`metadata: ${line.trim()} is not of the form key: value`);
    return [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
  });
  return Object.fromEntries(pairs);
}
