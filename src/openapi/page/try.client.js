/** The form of an operation: its values, the request that they make, and what is answered. */
import { element } from "./schema.client.js";

/** How much of an answer is shown, in characters. */
const maxShown = 200_000;

/** Kept while the page is open, and nowhere else. */
let token = "";

export function tryForm({ verb, path, operation, schemas, base, secured }) {
  const inputs = (operation.parameters ?? []).map((parameter) => ({ parameter, input: inputOf(parameter) }));
  const [type, { schema } = {}] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const body = type === undefined ? undefined : bodyInput(type, schema, schemas);
  const bearer = secured
    ? element("input", { type: "password", autocomplete: "off", value: token })
    : undefined;
  bearer?.addEventListener("input", () => {
    token = bearer.value;
  });
  const output = element("output", { class: "answer", "aria-live": "polite" });

  const request = () => {
    let to = path;
    const query = new URLSearchParams();
    for (const { parameter, input } of inputs) {
      const texts = parameter.schema.items ? input.value.split(",").filter(Boolean) : [input.value];
      if (parameter.in === "path") to = to.replace(`{${parameter.name}}`, encoded(parameter, input.value));
      else for (const text of texts) if (text !== "") query.append(parameter.name, text);
    }
    const url = new URL(to.slice(1) + (query.size > 0 ? `?${query}` : ""), base);
    const headers = {
      ...(type === undefined
        ? {}
        : { "content-type": type.includes("*") ? "application/octet-stream" : type }),
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
    };
    return {
      url,
      init: { method: verb.toUpperCase(), headers, ...(body && verb !== "get" ? { body: body.value } : {}) },
    };
  };

  const send = async (event) => {
    event.preventDefault();
    const { url, init } = request();
    output.replaceChildren(element("p", { class: "quiet" }, "asking …"));
    const started = performance.now();
    try {
      const response = await fetch(url, { ...init, credentials: "same-origin" });
      const text = await response.text();
      const ms = Math.round(performance.now() - started);
      const status = `${response.status} ${response.statusText}`.trim();
      output.replaceChildren(
        element(
          "p",
          { class: response.ok ? "ok" : "failed" },
          `${status} · ${ms} ms · ${response.headers.get("content-type") ?? "no body"}`,
        ),
        element("pre", { tabindex: "0" }, pretty(text).slice(0, maxShown)),
        element("pre", { class: "quiet", tabindex: "0" }, curlOf(url, init)),
      );
    } catch (error) {
      output.replaceChildren(element("p", { class: "failed" }, `not answered: ${error.message}`));
    }
  };

  const rows = inputs.map(({ parameter, input }) =>
    element("label", {}, element("span", {}, parameter.name, parameter.required ? " *" : ""), input),
  );
  return element(
    "form",
    { class: "try", onsubmit: send },
    rows,
    bearer && element("label", {}, element("span", {}, "bearer token"), bearer),
    body && element("label", { class: "wide" }, element("span", {}, `body, ${type}`), body),
    element("button", { type: "submit" }, "Send"),
    output,
  );
}

function encoded(parameter, text) {
  return parameter["x-slashes"]
    ? text.split("/").map(encodeURIComponent).join("/")
    : encodeURIComponent(text);
}

function inputOf({ schema, required, description }) {
  const values = schema.enum ?? (schema.type === "boolean" ? ["true", "false"] : undefined);
  if (values)
    return element(
      "select",
      {},
      required ? [] : element("option", { value: "" }, ""),
      values.map((one) => element("option", {}, one)),
    );
  const hint = schema.items ? "separated by commas" : (schema.examples?.[0] ?? schema.format ?? schema.type);
  return element("input", {
    type: "text",
    placeholder: hint,
    required,
    title: description,
    spellcheck: "false",
  });
}

function bodyInput(type, schema, schemas) {
  const area = element("textarea", { rows: "8", spellcheck: "false" });
  if (!type.includes("*"))
    area.value = JSON.stringify(schemas.example(schema), null, type.includes("ndjson") ? 0 : 2);
  return area;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function curlOf(url, { method, headers, body }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const fields = Object.entries(headers).map(
    ([name, value]) => `-H ${quoted(`${name}: ${name === "authorization" ? "Bearer …" : value}`)}`,
  );
  const data = body === undefined ? [] : [`--data-binary ${quoted(body)}`];
  return [
    "curl",
    ...(method === "GET" ? [] : [`-X ${method}`]),
    ...fields,
    ...data,
    quoted(String(url)),
  ].join(" ");
}
