import { expect, test } from "bun:test";
import type { Field } from "../call.ts";
import type { Binding } from "../rest/rest.ts";
import { parseTemplate } from "../rest/template.ts";
import { apiPath } from "./path.ts";

/** The path, and each parameter with its field. */
function told(text: string): string[] {
  const template = parseTemplate(text, "test");
  const bound = template.variables.map(({ field }) =>
    field.split(".").map((name) => ({ name, jsonName: name }) as Field),
  );
  const { path, parameters } = apiPath({ template, bound } as unknown as Binding);
  const words = parameters.map(({ name, field, part, slashes }) =>
    [name, field, part ? "in part" : "", slashes ? "with slashes" : ""]
      .filter((word) => word !== "")
      .join(" "),
  );
  return [path, ...words];
}

test.each([
  ["/v1/{id}", ["/v1/{id}", "id id"]],
  ["/v1/{book.name}:read", ["/v1/{book.name}:read", "book.name book.name"]],
  [
    "/v1/{name=shelves/*/books/*}",
    ["/v1/shelves/{shelf}/books/{book}", "shelf name in part", "book name in part"],
  ],
  ["/v1/{a=books/*}/{b=books/*}", ["/v1/books/{book}/books/{book2}", "book a in part", "book2 b in part"]],
  ["/v1/{name=**}", ["/v1/{name}", "name name with slashes"]],
  ["/v1/{name=files/**}", ["/v1/files/{rest}", "rest name in part with slashes"]],
  ["/v1/*/entities/*", ["/v1/{v1}/entities/{entity}", "v1  in part", "entity  in part"]],
  ["/v1/a%20b/", ["/v1/a%20b/"]],
])("%s", (text, expected) => {
  expect(told(text)).toEqual(expected);
});
