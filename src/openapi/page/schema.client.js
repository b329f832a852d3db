/** Schemas on the page: what a value is in words, its fields as a tree, and an example of it. */

/** An element with attributes and children; texts are texts, never markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(
    ...children.flat(Number.POSITIVE_INFINITY).filter((child) => child !== undefined && child !== ""),
  );
  return made;
}

const examples = {
  "date-time": "2026-01-01T00:00:00Z",
  int64: "1",
  uint64: "1",
  byte: "aGVsbG8=",
  "field-mask": "",
  binary: "",
};

export function schemasOf(api) {
  const resolve = (schema = {}) => {
    const name = schema.$ref?.split("/").at(-1);
    return name === undefined ? schema : { ...(api.components.schemas[name] ?? {}), ...schema };
  };
  const nameOf = (schema) => schema.$ref?.split("/").at(-1);

  const words = (schema = {}) => {
    if (schema.$ref) return nameOf(schema).split(".").at(-1);
    if (schema.enum) return schema.title ?? "enum";
    if (schema.items) return `${words(schema.items)}[]`;
    if (schema.additionalProperties) return `map of ${words(schema.additionalProperties)}`;
    if (schema.type === "integer" && schema.minimum === 0) return "uint32";
    if (schema.format) return schema.format;
    return schema.type ?? "any";
  };

  const hints = (schema, needed) =>
    [
      needed && "required",
      schema.readOnly && "read only",
      schema.writeOnly && "write only",
      schema.deprecated && "deprecated",
      schema["x-optional"] && "optional",
      schema["x-oneof"] && `one of ${schema["x-oneof"]}`,
    ]
      .filter(Boolean)
      .map((text) => element("span", { class: "hint" }, text));

  const field = (name, schema, needed) => {
    const inner = schema.items ?? schema.additionalProperties ?? schema;
    const head = [
      element("code", { class: "name" }, name),
      element("span", { class: "type" }, words(schema)),
      ...hints(schema, needed),
    ];
    const about = [
      schema.description && element("p", { class: "about" }, schema.description),
      inner.enum && element("p", { class: "about" }, inner.enum.join(" · ")),
    ].filter(Boolean);
    if (resolve(inner).properties === undefined) return element("li", {}, element("div", {}, head), about);
    // what holds itself is shown as far as somebody looks
    const more = element("details", {}, element("summary", {}, head));
    more.addEventListener("toggle", () => {
      if (more.open && more.children.length === 1) more.append(fields(inner));
    });
    return element("li", {}, more, about);
  };

  const fields = (schema) => {
    const { properties = {}, required = [] } = resolve(schema);
    const rows = Object.entries(properties).map(([name, one]) => field(name, one, required.includes(name)));
    return rows.length === 0
      ? element("p", { class: "quiet" }, "no fields")
      : element("ul", { class: "fields" }, rows);
  };

  const tree = (schema) =>
    resolve(schema).properties === undefined
      ? element("p", {}, element("span", { class: "type" }, words(schema)))
      : fields(schema.items ?? schema);

  /** @param trail names of the messages around it: one that holds itself is left out */
  const example = (schema, trail = []) => {
    const whole = resolve(schema);
    const within = [...trail, nameOf(schema)];
    if (whole.enum) return whole.enum[1] ?? whole.enum[0];
    if (whole.items) return holdsItself(whole.items, within) ? [] : [example(whole.items, within)];
    if (whole.additionalProperties) return {};
    if (whole.properties) {
      const groups = new Set();
      const entries = Object.entries(whole.properties).filter(([, one]) => {
        const group = one["x-oneof"];
        if (one.readOnly || one.deprecated || groups.has(group) || holdsItself(one, within)) return false;
        if (group !== undefined) groups.add(group);
        return true;
      });
      return Object.fromEntries(entries.map(([name, one]) => [name, example(one, within)]));
    }
    if (whole.examples) return whole.examples[0];
    if (whole.type === "string" && whole.format in examples) return examples[whole.format];
    return (
      { string: "text", integer: 1, number: 1.5, boolean: true, object: {}, array: [] }[whole.type] ?? null
    );
  };
  const holdsItself = (schema, trail) => schema.$ref !== undefined && trail.includes(nameOf(schema));
  return { tree, example, words };
}
