import { describe, expect, test } from "bun:test";
import { MicrorunError } from "../../errors.ts";
import type { Flag } from "./flags.ts";
import { readFlags } from "./values.ts";

const about = { about: "", example: "" };
const value = (flag: Omit<Flag, "about" | "example">, ...texts: string[]): unknown => {
  const given = new Map(texts.length === 0 ? [] : [["x", texts]]);
  return readFlags({ x: { ...flag, ...about } }, given, {}).x;
};

describe("readFlags", () => {
  test.each([
    ["0", 0],
    ["5s", 5000],
    ["1m30s", 90_000],
    ["100ms", 100],
    ["1.5h", 5_400_000],
    ["250us", 0.25],
  ])("the duration %p is %p ms", (text, ms) => {
    expect(value({ type: "duration" }, text)).toBe(ms);
  });

  test.each([
    ["60", 60_000],
    ["90s", 90_000],
  ])("seconds written %p are %p ms", (text, ms) => {
    expect(value({ type: "seconds" }, text)).toBe(ms);
  });

  test.each([
    ["4096", 4096],
    ["4MiB", 4_194_304],
    ["4Mi", 4_194_304],
    ["1MB", 1_000_000],
    ["512k", 512_000],
    ["1.5KiB", 1536],
    ["10b", 10],
  ])("the size %p is %p bytes", (text, bytes) => {
    expect(value({ type: "size" }, text)).toBe(bytes);
  });

  test("of an address the host may be left out, a scheme may stand before it", () => {
    const texts = ":10001,10.0.0.1:4222,nats://host:4222,[::1]:1";
    expect(value({ type: "addresses" }, texts)).toEqual(texts.split(","));
  });

  test.each([
    ["duration", "5", "--x=5: not a duration"],
    ["duration", "five", "--x=five: not a duration"],
    ["duration", "-5s", "--x=-5s: not a duration"],
    ["duration", "900h", "--x=900h: too much"],
    ["seconds", "1x", "--x=1x: not a duration"],
    ["size", "4XB", "--x=4XB: not a size"],
    ["size", "3GiB", "--x=3GiB: too much"],
    ["integer", "1.5", "--x=1.5: not a whole number"],
    ["integer", "-1", "--x=-1: not a whole number"],
    ["integer", "4294967297", "--x=4294967297: too much"],
    ["boolean", "maybe", "--x=maybe: neither true nor false"],
    ["pairs", "novalue", "--x=novalue: not a pair"],
    ["pairs", "=geheim", "--x=…: not a pair"],
    ["pairs", "db.password:geheim", "--x=db.password…: not a pair"],
    ["pairs", "db.password geheim", "--x=db.password…: not a pair"],
    ["origins", "shop.example", "--x=shop.example: not an origin"],
    ["origins", "https://*.shop.example", "--x=https://*.shop.example: not an origin"],
    ["origins", "https://a:99999", "--x=https://a:99999: not an origin"],
    ["origins", "https://a,https://b/shop", "--x=https://a,https://b/shop: an origin has no path"],
    ["origins", "https://a?b", "--x=https://a?b: an origin has no path"],
    ["origins", "https://user:geheim@a", "--x: an origin names no user"],
    ["origins", "b,https://user:geheim@a", "--x: not an origin"],
    ["address", "8080", '--x: address "8080": the host and a colon are missing'],
    ["address", ":99999", '--x: address ":99999": 99999 is not a port'],
  ] as const)("%s %p is refused", (type, text, message) => {
    expect(() => value({ type }, text)).toThrow(new MicrorunError("invalid_argument", message));
  });

  test.each([
    ["https://a:443", "https://a"],
    ["http://a:80/", "http://a"],
    ["http://a:443", "http://a:443"],
    ["HTTPS://Shop.Example:8443", "https://shop.example:8443"],
    ["https://münchen.example", "https://xn--mnchen-3ya.example"],
    ["http://[::0001]:8080", "http://[::1]:8080"],
    ["Capacitor://localhost", "capacitor://localhost"],
    ["*", "*"],
    ["null", "null"],
  ])("the origin %p is %p, as browsers write it", (text, origin) => {
    expect(value({ type: "origins" }, `https://x, ${text}`)).toEqual(["https://x", origin]);
  });

  test("a choice is held against its names, with the nearest", () => {
    const flag = { type: "choice", of: ["text", "json"] } as const;
    expect(value(flag, "json")).toBe("json");
    expect(() => value(flag, "jsn")).toThrow("--x=jsn: not known, did you mean json?");
  });

  test("a value below its least is refused", () => {
    expect(() => value({ type: "duration", min: 1 }, "0s")).toThrow("--x=0s: too little");
  });

  test("pairs keep all after the first equals sign; lists take commas", () => {
    expect(value({ type: "pairs" }, "a=b=c", "d=")).toEqual({ a: "b=c", d: "" });
    const again = value({ type: "pairs" }, "a.b=2", "a=3", "a.b=4");
    expect(Object.entries(again as object)).toEqual([
      ["a", "3"],
      ["a.b", "4"],
    ]);
    expect(value({ type: "list" }, "a,b", "c")).toEqual(["a", "b", "c"]);
  });

  test("a flag beats its variable, that beats the default; empty is unset", () => {
    const table = { client_retries: { type: "integer", default: "1", ...about } } as const;
    const read = (given: [string, string[]][], variable: string) =>
      readFlags(table, new Map(given), { MICRO_CLIENT_RETRIES: variable }).client_retries;
    expect(read([["client_retries", ["3"]]], "2")).toBe(3);
    expect(read([], "2")).toBe(2);
    expect(read([], "")).toBe(1);
  });

  test("the last of a repeated flag holds", () => {
    expect(value({ type: "text" }, "a", "b")).toBe("b");
  });

  test("a variable is named in its error, and splits pairs at commas", () => {
    const table = { server_metadata: { type: "pairs", ...about } } as const;
    const read = (text: string) =>
      readFlags(table, new Map(), { MICRO_SERVER_METADATA: text }).server_metadata;
    expect(read("a=1, b=2,")).toEqual({ a: "1", b: "2" });
    expect(() => read("a=1,b")).toThrow("MICRO_SERVER_METADATA=b: not a pair");
  });

  test("a cluster has defaults of its own", () => {
    const table = { drain_delay: { type: "duration", default: "0s", inCluster: "5s", ...about } } as const;
    expect(readFlags(table, new Map(), {}).drain_delay).toBe(0);
    expect(readFlags(table, new Map(), { KUBERNETES_SERVICE_HOST: "10.0.0.1" }).drain_delay).toBe(5000);
  });
});
