import { expect, test } from "bun:test";
import { readHead } from "./head-reader.ts";

const ask = (line: string, ...fields: string[]) =>
  readHead([line, ...fields].map((one) => `${one}\r\n`).join(""), "http");
const get = (...fields: string[]) => ask("GET /a?b HTTP/1.1", "Host: x", ...fields);
const post = (...fields: string[]) => ask("POST / HTTP/1.1", "Host: x", ...fields);

test("a head says method, place, fields and what follows it", () => {
  const head = get("X-A:  one \t", "x-a: two", "Cookie: a=1", "cookie: b=2", "Content-Length: 5");
  if ("refused" in head) throw new Error(`refused with ${head.refused}`);
  expect(head).toMatchObject({ method: "GET", url: "http://x/a?b", length: 5, keepAlive: true, old: false });
  expect(head.headers.get("X-a")).toBe("one, two");
  expect(head.headers.get("cookie")).toBe("a=1; b=2");
  expect(head.headers.has("x-b")).toBe(false);
  expect([...head.headers].map(([name]) => name)).toContain("content-length");
  expect(post("transfer-encoding: Chunked")).toMatchObject({ length: -1 });
  expect(post("expect: 100-continue")).toMatchObject({ expects: true });
});

test("connections are kept as the version and the client have it", () => {
  const kept = (line: string, ...fields: string[]) => ask(line, "host: x", ...fields);
  expect(kept("GET / HTTP/1.1")).toMatchObject({ keepAlive: true });
  expect(kept("GET / HTTP/1.1", "connection: Close, x")).toMatchObject({ keepAlive: false });
  expect(kept("GET / HTTP/1.0")).toMatchObject({ keepAlive: false, old: true });
  expect(kept("GET / HTTP/1.0", "connection: keep-alive")).toMatchObject({ keepAlive: true });
});

test("the place is normal, whichever form the target has", () => {
  const url = (target: string, method = "GET", host = "h.test:81") => {
    const head = ask(`${method} ${target} HTTP/1.1`, `host: ${host}`);
    return "refused" in head ? head.refused : head.url;
  };
  expect(url("/a/../b")).toBe("http://h.test:81/b");
  expect(url("//evil/x")).toBe("http://h.test:81//evil/x");
  expect(url("http://other.test/x?y")).toBe("http://other.test/x?y");
  expect(url("*", "OPTIONS")).toBe("http://h.test:81/*");
  expect(url("*")).toBe(400);
  expect(url("/\xc3\xa4")).toBe("http://h.test:81/%C3%A4");
  expect(url("ftp://x/")).toBe(400);
  expect(url("http://user@x/")).toBe(400);
  expect(url("/a#b")).toBe(400);
  expect(url("/", "GET", "[::1]:80")).toBe("http://[::1]/");
  expect(url("/", "GET", "")).toBe("http://localhost/");
  for (const host of ["a b", "user@x", "x/y", "x:port", "a,b:99999999", "[x"])
    expect(url("/", "GET", host)).toBe(400);
});

test("what two readers could take differently is refused", () => {
  const refused: Record<string, [ReturnType<typeof get>, number]> = {
    "a length and chunks": [post("content-length: 3", "transfer-encoding: chunked"), 400],
    "two lengths": [post("content-length: 3", "content-length: 4"), 400],
    "a length twice": [post("content-length: 3", "content-length: 3"), 400],
    "a list of lengths": [post("content-length: 3, 3"), 400],
    "a signed length": [post("content-length: +3"), 400],
    "a length in hex": [post("content-length: 0x3"), 400],
    "no length": [post("content-length:"), 400],
    "an endless length": [post(`content-length: ${"9".repeat(16)}`), 400],
    "chunks twice": [post("transfer-encoding: chunked", "transfer-encoding: chunked"), 400],
    "chunks within chunks": [post("transfer-encoding: chunked, chunked"), 501],
    "another coding in chunks": [post("transfer-encoding: gzip, chunked"), 501],
    "another coding without chunks": [post("transfer-encoding: gzip"), 400],
    "chunks and another coding": [post("transfer-encoding: chunked, gzip"), 400],
    "a coding with a vertical tab": [post("transfer-encoding: \x0bchunked"), 400],
    "chunks of an old client": [ask("POST / HTTP/1.0", "transfer-encoding: chunked"), 400],
    "a blank before the colon": [get("content-length : 3"), 400],
    "a line that goes on": [get("x: a", " b"), 400],
    "a line that goes on at once": [ask("GET / HTTP/1.1", " host: x"), 400],
    "a bare line feed": [get("x: a\nhost: y"), 400],
    "a bare carriage return": [get("x: a\rb"), 400],
    "a nul": [get("x: a\0b"), 400],
    "no colon": [get("x"), 400],
    "no name": [get(": x"), 400],
    "two hosts": [get("host: y"), 400],
    "no host": [ask("GET / HTTP/1.1"), 400],
    "two blanks in the line": [ask("GET  / HTTP/1.1", "host: x"), 400],
    "a tab in the line": [ask("GET\t/ HTTP/1.1", "host: x"), 400],
    "a blank at the line's end": [ask("GET / HTTP/1.1 ", "host: x"), 400],
    "no version": [ask("GET /", "host: x"), 400],
    "another version": [ask("GET / HTTP/1.2", "host: x"), 505],
    "HTTP/2": [ask("GET / HTTP/2.0", "host: x"), 505],
    "no version's name": [ask("GET / http/1.1", "host: x"), 400],
    "no method": [ask(" / HTTP/1.1", "host: x"), 400],
    "a method with a slash": [ask("GE/T / HTTP/1.1", "host: x"), 400],
    "a tunnel": [ask("CONNECT x:80 HTTP/1.1", "host: x"), 501],
    "an unknown method": [ask("aPOST / HTTP/1.1", "host: x"), 501],
    "a trace": [ask("TRACE / HTTP/1.1", "host: x"), 501],
    "an unknown expectation": [get("expect: the worst"), 417],
    "many fields": [get(...Array.from({ length: 201 }, (_, n) => `x-${n}: y`)), 431],
  };
  for (const [what, [head, status]] of Object.entries(refused))
    expect([what, "refused" in head ? head.refused : head]).toEqual([what, status]);
});
