// What a form made from a schema says, as JSON. Empty fields are left out.

/** @returns undefined where nothing was said @throws Error naming the field */
export function said(field) {
  switch (field.dataset.kind) {
    case "object": {
      const entries = members(field).flatMap((one) => {
        if (one.dataset.kind === "oneof") return chosen(one);
        const value = said(one);
        return value === undefined ? [] : [[one.dataset.name, value]];
      });
      const isTop = field.dataset.name === undefined && field.dataset.memberValue === undefined;
      return entries.length === 0 && !isTop && field.dataset.memberValue === undefined
        ? undefined
        : Object.fromEntries(entries);
    }
    case "array": {
      const items = [...field.querySelector(":scope > [data-items]").children];
      return items.length === 0 ? undefined : items.map((item) => said(member(item)) ?? empty(member(item)));
    }
    case "map": {
      const items = [...field.querySelector(":scope > [data-items]").children];
      const entries = items.map((item) => {
        const one = member(item);
        return [item.querySelector("[data-key]").value, said(one) ?? empty(one)];
      });
      return entries.length === 0 ? undefined : Object.fromEntries(entries);
    }
    case "boolean":
      return input(field).checked ? true : undefined;
    case "number": {
      const { value, validity } = input(field);
      if (validity.badInput) throw fault(field, "not a number");
      if (!validity.valid) throw fault(field, "not a number of this type");
      return value === "" ? undefined : Number(value);
    }
    case "literal":
    case "json": {
      const text = input(field).value.trim();
      if (text === "") return undefined;
      try {
        return JSON.parse(text);
      } catch {
        throw fault(field, "not JSON");
      }
    }
    default:
      return input(field).value === "" ? undefined : input(field).value;
  }
}

/** Lists and maps get and lose items; of a oneof one member is seen. */
export function openForm(fields) {
  fields.addEventListener("click", ({ target }) => {
    if (target.matches("[data-add]")) {
      const owner = target.closest("fieldset");
      const item = owner.querySelector(":scope > template").content.firstElementChild.cloneNode(true);
      owner.querySelector(":scope > [data-items]").append(item);
      item.querySelector("input, select, textarea, button")?.focus();
    }
    if (target.matches("[data-remove]")) {
      const owner = target.closest("fieldset");
      target.closest("[data-item]").remove();
      owner.querySelector(":scope > [data-add]").focus();
    }
  });
  fields.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-which]")) return;
    for (const one of target.closest("fieldset").querySelectorAll(":scope > [data-member]"))
      one.hidden = one.dataset.member !== target.value;
  });
}

function chosen(oneof) {
  const which = oneof.querySelector("[data-which]").value;
  if (which === "") return [];
  const place = [...oneof.querySelectorAll(":scope > [data-member]")].find(
    (one) => one.dataset.member === which,
  );
  const field = place.querySelector("[data-kind]");
  return [[which, said(field) ?? empty(field)]];
}

function members(field) {
  return [...field.children].filter((one) => one.dataset.kind !== undefined);
}

function member(item) {
  return item.querySelector(":scope > [data-kind][data-member-value]");
}

function input(field) {
  return field.querySelector("input, select, textarea");
}

/** Of what is there though nothing was written into it. */
function empty(field) {
  return (
    { object: {}, array: [], map: {}, boolean: false, number: 0, literal: false, json: null }[
      field.dataset.kind
    ] ?? ""
  );
}

function fault(field, why) {
  input(field).focus();
  return new Error(`${field.dataset.name ?? "item"}: ${why}`);
}
