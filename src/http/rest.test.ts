import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { loadSchema } from "../grpc/schema/schema.ts";
import { createHealth } from "../health/checks.ts";
import { createLog, type LogRecord } from "../log.ts";
import { createRoutes } from "../rest/routes.ts";
import { bindHandlers, composeService } from "../service/compose.ts";
import type { Handler } from "../service/service.ts";
import { createApp } from "./app.ts";
import type { Pages } from "./pages.ts";

const schema = await loadSchema([join(import.meta.dir, "../../test/fixtures/rest/library.proto")]);

interface Library {
  readonly ask: (line: string, init?: RequestInit) => Promise<Response>;
  readonly logged: LogRecord[];
}

interface Named {
  readonly name: string;
}

function library(
  handlers: Record<string, Handler>,
  options: { fetch?: Fetch; pages?: Pages; maxBodyBytes?: number } = {},
): Library {
  const own = bindHandlers({ Library: handlers }, schema);
  const service = composeService({ name: "library", version: "1", id: "1", metadata: {} }, [own]);
  const log = createLog({ level: "debug", write: () => {} });
  const logged: LogRecord[] = [];
  log.follow((record) => logged.push(record));
  const app = createApp({
    ...{ service, log, health: createHealth(), rest: createRoutes(service.endpoints), ...options },
    dispatch: async (call) => {
      const answer = service.find(call.service, call.method)?.handler;
      if (answer === undefined) throw new MicrorunError("unimplemented", "no handler");
      return answer(call.request, { header: call.reply?.header } as never);
    },
  });
  return {
    logged,
    ask: async (line, init = {}) => {
      const [method = "", path = ""] = line.split(" ");
      return app(new Request(`http://localhost${path}`, { method, ...init }), "192.0.2.1:1");
    },
  };
}

const echo: Record<string, Handler> = {
  GetBook: ({ name }: Named) => ({ name }),
  CreateBook: ({ book }: { book: object }) => book,
};
const book = "/v1/shelves/1/books/2";
const json = { "content-type": "application/json" };

const told = async (response: Response): Promise<unknown> => [response.status, await response.json()];

describe("a reply", () => {
  test("is canonical JSON, with the fields that the handler sends", async () => {
    const { ask } = library({
      GetBook: ({ name }, { header }) => {
        header.set("x-shelf", "1");
        return { name, copies: 3n, kind: 1 };
      },
    });
    const response = await ask(`GET ${book}`);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("x-shelf")).toBe("1");
    expect(await response.json()).toEqual({ name: "shelves/1/books/2", copies: "3", kind: "FICTION" });
  });

  test("is the same to HEAD: servers leave the body out", async () => {
    const [get, head] = [await library(echo).ask(`GET ${book}`), await library(echo).ask(`HEAD ${book}`)];
    expect([head.status, [...head.headers]]).toEqual([200, [...get.headers]]);
  });

  test("is the field that the rule names, be it unset", async () => {
    const { ask } = library({ TitlesOf: ({ pageSize }) => ({ titles: pageSize ? ["a"] : [] }) });
    expect(await told(await ask("GET /v1/shelves/1/titles?page_size=1"))).toEqual([200, ["a"]]);
    expect(await told(await ask("GET /v1/shelves/1/titles"))).toEqual([200, []]);
  });

  test("is packed where the caller takes it and it is worth it", async () => {
    const { ask } = library({ GetBook: () => ({ title: "x".repeat(20_000) }) });
    const response = await ask(`GET ${book}`, { headers: { "accept-encoding": "gzip" } });
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(Bun.gunzipSync(await response.arrayBuffer()).length).toBeGreaterThan(20_000);
  });
});

describe("an error", () => {
  const { ask, logged } = library({
    GetBook: ({ name }) => {
      if (name.endsWith("/gone"))
        throw new MicrorunError("not_found", "gone", { reason: "BOOK_GONE", details: { name } });
      if (name.endsWith("/odd")) return { nope: 1 };
      throw new Error("the password is hunter2");
    },
  });
  const gone = "GET /v1/shelves/1/books/gone";
  const metadata = { name: "shelves/1/books/gone" };

  test("is Kratos'", async () => {
    expect(await told(await ask(gone))).toEqual([
      404,
      { code: 404, reason: "BOOK_GONE", message: "gone", metadata },
    ]);
  });

  test("is google.rpc.Status where a client of Google's making asks", async () => {
    const info = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "BOOK_GONE", metadata };
    expect(await told(await ask(gone, { headers: { "x-goog-api-client": "gl-go/1.26" } }))).toEqual([
      404,
      { error: { code: 404, message: "gone", status: "NOT_FOUND", details: [info] } },
    ]);
  });

  test("tells nothing of what was thrown otherwise, nor of a reply that does not fit", async () => {
    const internal = [500, { code: 500, reason: "", message: "internal error", metadata: {} }];
    expect(await told(await ask(`GET ${book}`))).toEqual(internal);
    expect(await told(await ask("GET /v1/shelves/1/books/odd"))).toEqual(internal);
    expect(logged.map(({ level }) => level)).toEqual(["error", "error"]);
  });
});

describe("a request body", () => {
  const { ask } = library(echo, { maxBodyBytes: 100 });
  const create = "POST /v1/shelves/1/books";
  const send = async (body: string, headers: Record<string, string> = json): Promise<unknown> => {
    const response = await ask(create, { body, headers });
    const answer = (await response.json()) as { message?: string };
    return answer.message === undefined ? answer : `${response.status} ${answer.message}`;
  };
  const form = { "content-type": "application/x-www-form-urlencoded" };

  test("is JSON, whatever curl calls it, or a form", async () => {
    expect(await send('{"title":"T"}')).toEqual({ title: "T" });
    expect(
      await send('{"title":"T"}', { "content-type": "application/vnd.shop+json; charset=utf-8" }),
    ).toEqual({ title: "T" });
    expect(await send('{"title":"T"}', form)).toEqual({ title: "T" });
    expect(await send('{"title":"T"}', {})).toEqual({ title: "T" });
    expect(await send("title=a+b&labels[x]=y", form)).toEqual({ title: "a b", labels: { x: "y" } });
    expect(await send("")).toEqual({});
  });

  test("is refused where it is none, or too large", async () => {
    expect(await send("<a/>", { "content-type": "text/xml" })).toBe(
      "415 content-type text/xml: application/json is expected",
    );
    expect(await send('{"title":')).toBe(
      "400 request body: invalid JSON at line 1, column 10: a value is expected",
    );
    expect(await send('{"titel":"T"}')).toContain("did you mean title?");
    expect(await send("[]")).toBe("400 library.v1.Book: an object is expected, got array");
    expect(await send(JSON.stringify({ title: "x".repeat(100) }))).toBe("413 request: larger than 100 bytes");
  });

  test("of a page of another site is refused where that need not ask", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
      expect(await send("title=T", { "content-type": type, origin: "https://evil.example" })).toStartWith(
        "403 ",
      );
    expect(await send("{}", { ...json, origin: "https://evil.example" })).toEqual({});
    expect(await send("title=T", { ...form, "sec-fetch-site": "same-origin" })).toEqual({ title: "T" });
  });
});

describe("google.api.HttpBody", () => {
  test("is bytes of its own type, in and out", async () => {
    let cover: unknown;
    const { ask } = library({
      PutCover: (request) => {
        cover = request.cover;
        return {};
      },
      GetCover: () => ({ contentType: "image/png", data: new Uint8Array([0, 255, 7]) }),
    });
    const put = await ask(`PUT ${book}/cover`, {
      body: new Uint8Array([1, 2, 255]),
      headers: { "content-type": "image/gif" },
    });
    expect(await told(put)).toEqual([200, {}]);
    expect(cover).toMatchObject({ contentType: "image/gif", data: new Uint8Array([1, 2, 255]) });
    const got = await ask(`GET ${book}/cover`);
    expect(got.headers.get("content-type")).toBe("image/png");
    expect([...(await got.bytes())]).toEqual([0, 255, 7]);
  });
});

describe("a stream", () => {
  async function* watch({ pageSize }: { pageSize: number }): AsyncGenerator {
    for (let n = 1; n <= pageSize; n++) {
      if (n === 3) throw new MicrorunError("out_of_range", "only two");
      yield { name: `${n}` };
    }
  }
  const { ask } = library({ WatchBooks: watch });
  const two = ['{"name":"1"}', '{"name":"2"}'];
  const error = '{"error":{"code":400,"reason":"","message":"only two","metadata":{}}}';

  test("is JSON texts, one a line, the error last", async () => {
    const response = await ask("GET /v1/shelves/1:watch?page_size=3");
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(await response.text()).toBe(`${[...two, error].join("\n")}\n`);
  });

  test("is events where the caller asks for them", async () => {
    const headers = { accept: "text/event-stream" };
    const response = await ask("GET /v1/shelves/1:watch?page_size=3", { headers });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await response.text()).toBe(
      `${two.map((one) => `data: ${one}\n\n`).join("")}event: error\ndata: ${error}\n\n`,
    );
  });

  test.each([
    ["application/json, text/event-stream;q=0", "application/x-ndjson"],
    ["text/event-stream;q=0.1, application/x-ndjson", "application/x-ndjson"],
    ["text/event-stream;q=0.5, */*;q=0.1", "text/event-stream"],
  ])("to who accepts %s is %s", async (accept, type) => {
    const response = await ask("GET /v1/shelves/1:watch?page_size=2", { headers: { accept } });
    expect(response.headers.get("content-type")).toBe(type);
    await response.text();
  });

  test("that fails before its first message is answered by a status", async () => {
    const response = await ask("GET /v1/shelves/1:watch?page_size=many");
    expect(response.status).toBe(400);
  });

  test("is refused with 413 for what the caller sends, with 429 for what its handler says", async () => {
    const own = library(
      {
        async *WatchBooks() {
          yield* [];
          throw new MicrorunError("resource_exhausted", "come back later");
        },
        ImportBooks: async (requests) => ({ titles: await Array.fromAsync(requests, () => "") }),
      },
      { maxBodyBytes: 10 },
    );
    expect((await own.ask("GET /v1/shelves/1:watch")).status).toBe(429);
    const body = '{"bookId":"long"}';
    expect((await own.ask("POST /v1/shelves/1:import", { body, headers: json })).status).toBe(429);
    expect((await own.ask("POST /v1/shelves/1/books", { body, headers: json })).status).toBe(413);
  });

  test("ends in the handler when the caller leaves, or wanted the head alone", async () => {
    for (const verb of ["GET", "HEAD"]) {
      const ended = Promise.withResolvers<void>();
      const { ask } = library({
        async *WatchBooks() {
          try {
            for (;;) yield {};
          } finally {
            ended.resolve();
          }
        },
      });
      const response = await ask(`${verb} /v1/shelves/1:watch`);
      await response.body?.cancel();
      await ended.promise;
    }
  });

  test("of raw bytes is sent as it is", async () => {
    const { ask } = library({
      async *ReadAloud() {
        for (const word of ["once ", "more"]) yield { contentType: "text/x", data: Buffer.from(word) };
      },
    });
    const response = await ask(`GET ${book}:read`);
    expect([response.headers.get("content-type"), await response.text()]).toEqual(["text/x", "once more"]);
  });

  test("of the caller is messages, one a line, each with what the path says", async () => {
    const { ask } = library({
      ImportBooks: async (requests) => {
        const titles: string[] = [];
        for await (const { parent, book } of requests) titles.push(`${parent} ${book.title}`);
        return { titles };
      },
    });
    const send = (body: string): Promise<Response> =>
      ask("POST /v1/shelves/1:import", { body, headers: json });
    const lines = '{"book":{"title":"a"}}\n\n{"book":{"title":"b"}}';
    expect(await told(await send(lines))).toEqual([200, { titles: ["shelves/1 a", "shelves/1 b"] }]);
    expect((await send('{"book":{}}\n{')).status).toBe(400);
  });
});

describe("a path", () => {
  const own: Fetch = () => new Response("the module's");

  test("by another verb is refused with those that there are", async () => {
    const response = await library(echo).ask(`PUT ${book}`, { body: "{}" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "DELETE, GET, HEAD, PATCH"]);
  });

  test("by another verb is the module's own where it has a fetch", async () => {
    const { ask } = library(echo, { fetch: own });
    expect(await (await ask(`PUT ${book}`, { body: "{}" })).text()).toBe("the module's");
    expect(await (await ask("GET /v1/other")).text()).toBe("the module's");
    expect(await (await ask(`GET ${book}`)).json()).toEqual({ name: "shelves/1/books/2" });
  });

  test("of no rule is a 404 that names the rules", async () => {
    const response = await library(echo).ask("GET /v1/other");
    expect(await response.text()).toContain("\nGET /v1/books/{name}\n");
  });

  test("of a page about the service is the module's own, unless it has none", async () => {
    const pages: Pages = (path) => (path === "/docs" ? () => new Response("ours") : undefined);
    const missing: Fetch = () => new Response("no", { status: 404 });
    const ask = async (line: string, fetch?: Fetch): Promise<string> => {
      const { ask } = library(echo, { pages, ...(fetch === undefined ? {} : { fetch }) });
      return (await ask(line)).text();
    };
    expect(await ask("GET /docs")).toBe("ours");
    expect(await ask("GET /docs", own)).toBe("the module's");
    expect(await ask("GET /docs", missing)).toBe("ours");
    expect(await ask("POST /docs", missing)).toBe("no");
    expect(await ask("GET /other", missing)).toBe("no");
  });
});
