import { expect, test } from "bun:test";
import { join } from "node:path";
import { loadSchema, parseSchema } from "../grpc/schema/schema.ts";
import { createRoutes } from "../rest/routes.ts";
import { bindHandlers, composeService } from "../service/compose.ts";
import { type OpenApi, openApi } from "./document.ts";
import { apiPages } from "./pages.ts";

const proto = join(import.meta.dir, "../../test/fixtures/rest/library.proto");
const schema = await loadSchema([proto]);

function describeLibrary(bearer = false): OpenApi {
  const own = bindHandlers({ Library: { Count: () => ({}) } }, schema);
  const service = composeService({ name: "library", version: "2.1.0", id: "1", metadata: {} }, [own]);
  const { bindings } = createRoutes(service.endpoints);
  return openApi({ identity: service, ...own, bindings, bearer });
}

const { paths, components, info, tags } = describeLibrary();
const operations = Object.entries(paths).flatMap(([path, verbs]) =>
  Object.entries(verbs).map(([verb, { operationId }]) => `${operationId}: ${verb} ${path}`),
);

test("each rule is an operation, and each method without one its JSON call", () => {
  expect(operations).toEqual([
    "Library_GetBook: get /v1/shelves/{shelf}/books/{book}",
    "Library_UpdateBook: patch /v1/shelves/{shelf}/books/{book}",
    "Library_DeleteBook: delete /v1/shelves/{shelf}/books/{book}",
    "Library_GetBook2: get /v1/books/{name}",
    "Library_ListBooks: get /v1/shelves/{shelf}/books",
    "Library_CreateBook: post /v1/shelves/{shelf}/books",
    "Library_TitlesOf: get /v1/shelves/{shelf}/titles",
    "Library_ArchiveBook: post /v1/shelves/{shelf}/books/{book}:archive",
    "Library_GetCover: get /v1/shelves/{shelf}/books/{book}/cover",
    "Library_PutCover: put /v1/shelves/{shelf}/books/{book}/cover",
    "Library_WatchBooks: get /v1/shelves/{shelf}:watch",
    "Library_ReadAloud: get /v1/shelves/{shelf}/books/{book}:read",
    "Library_ImportBooks: post /v1/shelves/{shelf}:import",
    "Library_Count: post /library.v1.Library/Count",
  ]);
});

test("name, version and comments of the schema are told", () => {
  expect(info).toEqual({ title: "library", version: "2.1.0", description: "Books on shelves." });
  expect(tags).toEqual([{ name: "library.v1.Library", description: "Books on shelves." }]);
  expect(paths["/v1/shelves/{shelf}/books/{book}"]?.get).toMatchObject({
    summary: "Gets a book.",
    description: "By its full name.",
  });
  expect(paths["/v1/shelves/{shelf}/books/{book}:archive"]?.post?.deprecated).toBe(true);
  expect(components.schemas?.["library.v1.Book"]).toMatchObject({
    description: expect.stringContaining("A book."),
  });
});

test("what neither path nor body takes is the query", () => {
  const names = (path: string, verb: string): string[] =>
    (paths[path]?.[verb]?.parameters ?? []).map((one) => `${one.in} ${one.name}`);
  expect(names("/v1/shelves/{shelf}/books", "get")).toEqual([
    ...["path shelf", "query pageSize", "query kinds"],
    ...["query filter.author", "query filter.since", "query filter.lent"],
  ]);
  expect(names("/v1/shelves/{shelf}/books", "post")).toEqual(["path shelf", "query bookId"]);
  expect(names("/v1/shelves/{shelf}/books/{book}", "patch")).toEqual([
    "path shelf",
    "path book",
    "query updateMask",
  ]);
  expect(names("/v1/shelves/{shelf}/books/{book}:archive", "post")).toEqual(["path shelf", "path book"]);
});

test("a body does not ask for what the path says", () => {
  const body = paths["/v1/shelves/{shelf}/books/{book}:archive"]?.post?.requestBody;
  expect(body).toMatchObject({
    content: { "application/json": { schema: { properties: { reason: { type: "string" } } } } },
  });
  expect(JSON.stringify(body)).not.toContain('"name"');
});

test("fields have the forms of proto3 JSON", () => {
  const book = components.schemas?.["library.v1.Book"] as { properties: Record<string, object> };
  expect(book).toMatchObject({
    properties: {
      name: { type: "string", readOnly: true },
      copies: { type: "string", format: "int64", pattern: "^-?\\d+$" },
      kind: { type: "string", enum: ["KIND_UNSPECIFIED", "FICTION", "SCIENCE"] },
      labels: { type: "object", additionalProperties: { type: "string" } },
      notes: { type: "object" },
      digest: { type: "string", format: "byte" },
      sequel: { $ref: "#/components/schemas/library.v1.Book" },
      oldTitle: { type: "string", deprecated: true },
    },
    description: "A book.\n\nAt most one of room, floor.",
  });
});

test("a required field is told of messages that no reply reaches, be it within others", () => {
  const shop = parseSchema(
    "shop.proto",
    `syntax = "proto3"; package shop;
    import "google/api/annotations.proto"; import "google/api/field_behavior.proto";
    service Shop {
      rpc Buy(Order) returns (Receipt) { option (google.api.http) = { post: "/buy/{id}" body: "*" }; }
      rpc Ask(Order) returns (stream Line);
      rpc Tell(Order) returns (Receipt) { option (google.api.http) = { get: "/tell/{id}" }; }
      rpc Quote(Order) returns (Line);
    }
    message Order { string id = 1; Item item = 2; Address to = 3; string note = 4 [(google.api.field_behavior) = REQUIRED]; }
    message Item { string name = 1 [(google.api.field_behavior) = REQUIRED]; }
    message Address { string city = 1 [(google.api.field_behavior) = REQUIRED]; }
    message Receipt { map<string, Line> lines = 1; }
    message Line { repeated Item items = 1; string text = 2 [(google.api.field_behavior) = REQUIRED]; }`,
  );
  const own = bindHandlers({ Shop: {} }, shop);
  const service = composeService({ name: "shop", version: "1", id: "1", metadata: {} }, [own]);
  const { bindings } = createRoutes(service.endpoints);
  const api = openApi({ identity: service, ...own, bindings });
  const requiredOf = (name: string): unknown =>
    (api.components.schemas?.[`shop.${name}`] as { required?: unknown } | undefined)?.required;
  expect(["Order", "Address", "Item", "Line"].map(requiredOf)).toEqual([
    ["note"],
    ["city"],
    undefined,
    undefined,
  ]);
  expect(api.paths["/buy/{id}"]?.post?.requestBody).toMatchObject({
    content: { "application/json": { schema: { required: ["note"] } } },
  });
  const asked = api.paths["/tell/{id}"]?.get?.parameters?.filter(({ required }) => required === true);
  expect(asked?.map(({ name }) => name)).toEqual(["id", "note"]);
});

test("streams are lines of JSON, and HttpBody is bytes of any type", () => {
  const types = (path: string, verb: string): unknown => {
    const { requestBody, responses } = paths[path]![verb]!;
    const keys = (one: object | undefined) => Object.keys((one as { content?: object })?.content ?? {});
    return [keys(requestBody), keys(responses["200"])];
  };
  expect(types("/v1/shelves/{shelf}:watch", "get")).toEqual([[], ["application/x-ndjson"]]);
  expect(types("/v1/shelves/{shelf}:import", "post")).toEqual([
    ["application/x-ndjson"],
    ["application/json"],
  ]);
  expect(types("/v1/shelves/{shelf}/books/{book}/cover", "get")).toEqual([[], ["*/*"]]);
  expect(types("/v1/shelves/{shelf}/books/{book}/cover", "put")).toEqual([["*/*"], ["application/json"]]);
});

test("what is referred to is there, and nothing else", () => {
  const all = JSON.stringify({ paths, components });
  const named = new Set([...all.matchAll(/#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name!));
  expect(Object.keys(components.schemas ?? {})).toEqual([...named].sort());
});

test("a bearer token is asked for where callers must show one", () => {
  expect(describeLibrary().security).toBeUndefined();
  expect(describeLibrary(true)).toMatchObject({
    security: [{ bearer: [] }],
    components: { securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
  });
});

test("the page and all that it loads come from here, and nothing is inline", async () => {
  const pages = apiPages(describeLibrary);
  const html = await pages("/docs")!().text();
  expect(html).not.toMatch(/<script(?![^>]* src=)|<style| style=| on\w+=|https?:/);
  const loaded = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path]) => `/${path}`);
  expect(loaded.toSorted()).toEqual(["/docs/page.client.js", "/docs/page.css", "/openapi.json"]);
  for (const path of ["/docs", ...loaded]) {
    const { headers } = pages(path)!();
    expect(headers.get("content-security-policy")).toStartWith("default-src 'none'; script-src 'self';");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  }
  const script = await pages("/docs/page.client.js")!().text();
  for (const [, module] of script.matchAll(/ from "\.\/([^"]+)"/g))
    expect(pages(`/docs/${module}`)).toBeDefined();
  expect(script).not.toMatch(/innerHTML|eval\(/);
  expect(pages("/docs/../secret")).toBeUndefined();
});
