/** The API page: reads openapi.json beside it and lists what can be called. */
import { element, schemasOf } from "./schema.client.js";
import { tryForm } from "./try.client.js";

const base = new URL("./", new URL(document.documentElement.dataset.api, location.href));
const main = document.querySelector("main");
const nav = document.querySelector("nav ul");
const filter = document.querySelector("#filter");

function operationsOf(api) {
  return Object.entries(api.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ verb, path, operation })),
  );
}

function parametersOf(parameters, schemas) {
  if (parameters === undefined) return undefined;
  const rows = parameters.map(({ name, in: where, required, description = "", schema, deprecated }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, element("code", {}, name)),
      element("td", {}, where, required ? ", required" : "", deprecated ? ", deprecated" : ""),
      element("td", { class: "type" }, schemas.words(schema)),
      element("td", {}, description),
    ),
  );
  return element("table", {}, element("tbody", {}, rows));
}

function contentOf(content, schemas) {
  return Object.entries(content).map(([type, { schema }]) => [
    element("p", { class: "quiet" }, type),
    schemas.tree(schema),
  ]);
}

function part(title, ...content) {
  return element("section", {}, element("h3", {}, title), content);
}

function sectionOf({ verb, path, operation }, context) {
  const { schemas } = context;
  const {
    operationId,
    summary = "",
    description,
    deprecated,
    parameters,
    requestBody,
    responses,
  } = operation;
  const section = element(
    "details",
    { class: `operation ${deprecated ? "deprecated" : ""}`, id: operationId },
    element(
      "summary",
      {},
      element("span", { class: `verb ${verb}` }, verb.toUpperCase()),
      element("code", { class: "path" }, path),
      element("span", { class: "quiet" }, summary, deprecated ? " (deprecated)" : ""),
    ),
  );
  // most are never opened
  section.addEventListener("toggle", () => {
    if (!section.open || section.children.length > 1) return;
    section.append(
      element(
        "div",
        { class: "inside" },
        description && element("p", { class: "about" }, description),
        parameters && part("Parameters", parametersOf(parameters, schemas)),
        requestBody && part("Body", contentOf(requestBody.content, schemas)),
        ...Object.entries(responses).map(([status, { content = {} }]) =>
          part(status === "default" ? "Error" : `Reply, ${status}`, contentOf(content, schemas)),
        ),
        part("Try it", tryForm({ verb, path, operation, schemas, base, secured: context.secured })),
      ),
    );
  });
  return section;
}

function show(api) {
  const { title, version, description } = api.info;
  document.title = `${title} ${version}`;
  document.querySelector("h1").textContent = title;
  document.querySelector("#version").textContent = version;
  const context = { schemas: schemasOf(api), secured: api.security !== undefined };
  const operations = operationsOf(api);
  const several = api.tags.length > 1;
  if (description && !several) main.append(element("p", { class: "about" }, description));
  const shown = api.tags.flatMap((tag) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(tag.name));
    if (own.length === 0) return [];
    const sections = own.map((one) => ({ ...one, section: sectionOf(one, context) }));
    main.append(
      element("h2", {}, tag.name),
      several && tag.description ? element("p", { class: "about" }, tag.description) : "",
      ...sections.map(({ section }) => section),
    );
    return sections.map(({ verb, path, operation, section }) => {
      const link = element(
        "a",
        { href: `#${operation.operationId}` },
        element("span", { class: `verb ${verb}` }, verb.toUpperCase()),
        operation.operationId,
      );
      const item = element("li", {}, link);
      nav.append(item);
      return {
        section,
        item,
        text: `${verb} ${path} ${operation.operationId} ${operation.summary ?? ""}`.toLowerCase(),
      };
    });
  });
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const { section, item, text } of shown) {
      section.hidden = !text.includes(wanted);
      item.hidden = section.hidden;
    }
  });
}

function openLinked() {
  const section = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (section === null) return;
  section.open = true;
  section.querySelector("summary").focus();
  section.scrollIntoView();
}

try {
  const response = await fetch(new URL(document.documentElement.dataset.api, location.href));
  if (!response.ok) throw new Error(`${response.status}`);
  show(await response.json());
  addEventListener("hashchange", openLinked);
  openLinked();
  // as on many pages: / goes to the search
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    event.preventDefault();
    filter.focus();
  });
} catch (error) {
  main.append(element("p", { class: "failed" }, `openapi.json cannot be read: ${error.message}`));
}
