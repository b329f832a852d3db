import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { readDocument, readEntries } from "./documents.ts";
import { maxTreeDepth, maxTreeValues } from "./merge.ts";
import { find } from "./snapshot.ts";
import { maxDocumentBytes } from "./tree.ts";

const secret = "hunter2";

/** As JSON sees it: without a word on prototypes. */
const read = (name: string, text: string): unknown => JSON.parse(JSON.stringify(readDocument(name, text)));

function faultOf(name: string, text: string): string {
  try {
    readDocument(name, text);
  } catch (error) {
    expect(error).toBeInstanceOf(MicrorunError);
    const { code, message, cause } = error as MicrorunError;
    expect(code).toBe("invalid_argument");
    expect(cause).toBeUndefined();
    expect(message).not.toContain(secret);
    return message;
  }
  throw new Error(`${name} has no fault`);
}

const wanted = {
  server: { grpc: { addr: "0.0.0.0:9090", timeout: "1s" } },
  origins: ["*"],
  n: 1.5,
  on: true,
};

test("the same tree is read from YAML, JSON and TOML, whatever the case of the extension", () => {
  const yaml =
    'server:\n  grpc:\n    addr: 0.0.0.0:9090\n    timeout: 1s\norigins:\n- "*"\nn: 1.5\non: true\n';
  const toml = 'origins = ["*"]\nn = 1.5\non = true\n[server.grpc]\naddr = "0.0.0.0:9090"\ntimeout = "1s"\n';
  expect(read("config.yaml", yaml)).toEqual(wanted);
  expect(read("config.YML", yaml)).toEqual(wanted);
  expect(read("a.b.json", JSON.stringify(wanted, null, 2))).toEqual(wanted);
  expect(read("config.toml", toml)).toEqual(wanted);
});

test("other names are no documents", () => {
  for (const name of ["mongodb", "yaml", "config.yaml.bak", "ca.crt", "x.constructor", "json."]) {
    expect(readDocument(name, "a: 1"), name).toBeUndefined();
  }
});

test("an empty document is an empty tree, in each format", () => {
  for (const text of ["", "\uFEFF", "\n \r\n", "# nothing\n"]) {
    expect(read("a.yaml", text)).toEqual({});
    expect(read("a.properties", text)).toEqual({});
    expect(read("a.toml", text.replace(" ", ""))).toEqual({});
  }
  for (const text of ["", "\uFEFF", "\n \r\n", "{}"]) expect(read("a.json", text)).toEqual({});
});

test("a byte order mark and carriage returns are no part of what is read", () => {
  expect(read("a.yaml", "\uFEFFa: x\r\nb: y\r\n")).toEqual({ a: "x", b: "y" });
  expect(read("a.json", '\uFEFF{"a": "x",\r\n"b": "y"}\r\n')).toEqual({ a: "x", b: "y" });
  expect(read("a.toml", '\uFEFFa = "x"\r\nb = "y"\r\n')).toEqual({ a: "x", b: "y" });
  expect(read("a.properties", "\uFEFFa=x\r\nb=y\r\n")).toEqual({ a: "x", b: "y" });
});

test("names that mean something to JavaScript are names in each format, and no object has a prototype", () => {
  for (const [name, text] of [
    ["a.yaml", "__proto__: {polluted: yes}\nconstructor: {prototype: 1}\nlist: [{a: 1}]\n"],
    ["a.json", '{"__proto__": {"polluted": "yes"}, "constructor": {"prototype": 1}, "list": [{"a": 1}]}'],
    ["a.toml", '__proto__ = {polluted = "yes"}\nconstructor = {prototype = 1}\nlist = [{a = 1}]\n'],
    ["a.properties", "__proto__.polluted=yes\nconstructor.prototype=1\nlist.a=1\n"],
  ] as const) {
    const tree = readDocument(name, text)!;
    expect(Object.keys(tree), name).toEqual(["__proto__", "constructor", "list"]);
    expect(find(tree, ["__proto__", "polluted"]), name).toBe("yes");
    expect(String(find(tree, ["constructor", "prototype"])), name).toBe("1");
    const [list] = [tree.list].flat();
    for (const object of [tree, find(tree, ["__proto__"]), list]) {
      expect(Object.getPrototypeOf(object), name).toBeNull();
    }
  }
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test("YAML is read as 1.2: words and dates are texts, what a number cannot hold stays as written", () => {
  const text = [
    "yes: on\ndate: 2001-12-14\ntime: 1:30\noctal: 0o17\nhex: 0xFF\nempty:\nnothing: ~\nfloat: 1e3",
    "safe: 9007199254740991\nbig: 9007199254740993\nhuge: 1e400\ninf: -.inf\nnan: .nan\nquoted: '12'",
    "stamp: !!timestamp 2001-12-14\ntyped: !!str 12\nbinary: !!binary aGk=\nodd: !mine x\n1: one\n1.0: float\nnull: n",
  ].join("\n");
  expect(read("a.yaml", text)).toEqual({
    yes: "on",
    date: "2001-12-14",
    time: "1:30",
    octal: 15,
    hex: 255,
    empty: null,
    nothing: null,
    float: 1000,
    safe: 9007199254740991,
    big: "9007199254740993",
    huge: "1e400",
    inf: "-.inf",
    nan: ".nan",
    quoted: "12",
    stamp: "2001-12-14",
    typed: "12",
    binary: "aGk=",
    odd: "x",
    "1": "one",
    "1.0": "float",
    null: "n",
  });
  expect(read("a.yaml", "%YAML 1.1\n---\na: yes\nb: 2001-12-14\n")).toEqual({ a: "yes", b: "2001-12-14" });
});

test("YAML's merge keys and aliases are followed; what stands in the map itself, and what is merged first, wins", () => {
  const text = `
base: &base {host: a, port: 1, tags: [x]}
extra: &extra {host: b, user: u}
one: {<<: *base, port: 2}
two:
  port: 3
  <<: [*extra, *base]
inline: {<<: {k: v}}
name: &name db
copy: *name
*name : named
quoted: {"<<": text}
`;
  expect(read("a.yaml", text)).toMatchObject({
    one: { host: "a", port: 2, tags: ["x"] },
    two: { host: "b", port: 3, user: "u", tags: ["x"] },
    inline: { k: "v" },
    copy: "db",
    db: "named",
    quoted: { "<<": "text" },
  });
});

test("merge keys may follow one another further than a tree may be deep", () => {
  const chain = Array.from(
    { length: 200 },
    (_, i) => `m${i}: &m${i} {<<: ${i === 0 ? "{}" : `*m${i - 1}`}, k: ${i}}`,
  );
  expect(read("a.yaml", chain.join("\n"))).toMatchObject({ m0: { k: 0 }, m199: { k: 199 } });
  expect(faultOf("a.yaml", `a: ${"{<<: ".repeat(2000)}{}${"}".repeat(2000)}`)).toContain("nested");
});

test("a fault in YAML names line and column, and nothing of the text", () => {
  const at = (text: string): string => faultOf("config.yaml", text);
  expect(at(`a: 1\npassword: [${secret}\n`)).toMatch(/^config\.yaml line 3, column 1: /);
  expect(at(`a: 1\nb:\n  ${secret}: 2\n  ${secret}: 3`)).toBe(
    "config.yaml line 4, column 3: this key is there already",
  );
  expect(at(`1: ${secret}\n"1": x`)).toBe("config.yaml line 2, column 1: this key is there already");
  expect(at(`a: ${secret}\n---\nb: 1\n`)).toBe(
    "config.yaml line 2, column 1: a second document: only one is read",
  );
  expect(at(`a: *${secret}`)).toBe("config.yaml line 1, column 4: no anchor of this alias comes before it");
  expect(at(`a:\n  b: &${secret} [*${secret}]`)).toBe(
    "config.yaml line 2, column 16: this alias stands for what it is part of",
  );
  expect(at(`a: &a ${secret}\n<<: *a`)).toBe(
    "config.yaml line 2, column 1: what is merged must be a map, or a list of maps",
  );
  expect(at(`[a, b]: ${secret}`)).toBe("config.yaml line 1, column 1: a key must be a text");
  expect(at(`- ${secret}`)).toBe("config.yaml line 1: a map is expected at the top");
  expect(at(secret)).toBe("config.yaml line 1: a map is expected at the top");
  expect(at(`a: b: ${secret}`)).toMatch(/^config\.yaml line 1, column \d+: /);
  expect(at(`a:\n\t${secret}: 1`)).toMatch(
    /^config\.yaml line 2, column 1: tabs are not allowed as indentation$/,
  );
});

test("aliases that grow without bound are refused, as lists, as maps and as merge keys", () => {
  const names = "abcdefghi".split("");
  const bomb = (first: string, next: (name: string) => string): string =>
    names.map((name, i) => `${name}: &${name} ${i === 0 ? first : next(`*${names[i - 1]}`)}`).join("\n");
  const ten = (text: (index: number) => string) => Array.from({ length: 10 }, (_, i) => text(i)).join(", ");
  for (const text of [
    bomb(`[${ten(() => "x")}]`, (alias) => `[${ten(() => alias)}]`),
    bomb(`{${ten((i) => `k${i}: x`)}}`, (alias) => `{${ten((i) => `k${i}: ${alias}`)}}`),
    bomb(`{${ten((i) => `k${i}: x`)}}`, (alias) => `{<<: [${ten(() => alias)}]}`),
  ]) {
    expect(faultOf("a.yaml", text)).toMatch(/^a\.yaml line [4-9], column \d+: more than 100000 values/);
  }
  const chain = Array.from(
    { length: maxTreeDepth },
    (_, i) => `k${i}: &a${i} [${i === 0 ? "" : `*a${i - 1}`}]`,
  );
  expect(faultOf("a.yaml", chain.join("\n"))).toBe("a.yaml line 64, column 12: nested more than 64 deep");
});

test("JSON's faults name line and column, and nothing of the text", () => {
  const at = (text: string): string => faultOf("app.json", text);
  expect(at(`{\n  "a": ${secret}\n}`)).toBe("app.json line 2, column 8: a value is expected");
  expect(at(`{"a": "${secret}",}`)).toBe("app.json line 1, column 17: a name in double quotes is expected");
  expect(at(`{'a': "${secret}"}`)).toBe("app.json line 1, column 2: a name in double quotes is expected");
  expect(at(`{"${secret}" 1}`)).toBe("app.json line 1, column 12: a colon is expected");
  expect(at(`{"a": "${secret}"`)).toBe("app.json line 1, column 16: a comma or } is expected");
  expect(at(`{"a": [1 2]}`)).toBe("app.json line 1, column 10: a comma or ] is expected");
  expect(at(`{"a": [1,]}`)).toBe("app.json line 1, column 10: a value is expected");
  expect(at(`{"a": "${secret}`)).toBe("app.json line 1, column 7: this string does not end");
  expect(at(`{"a": "${secret}\n"}`)).toBe(
    "app.json line 1, column 15: a control character in a string must be escaped",
  );
  expect(at(`{"a": "\\x"}`)).toBe("app.json line 1, column 8: this escape is unknown");
  expect(at(`{"${secret}": 1,\n "${secret}": 2}`)).toBe(
    "app.json line 2, column 2: this name is there already",
  );
  expect(at(`["${secret}"]`)).toBe("app.json line 1, column 1: an object is expected");
  expect(at("null")).toBe("app.json line 1, column 1: an object is expected");
  expect(at(`{} ${secret}`)).toBe("app.json line 1, column 4: nothing is expected after the object");
  expect(at('{"a": 01}')).toBe("app.json line 1, column 8: a comma or } is expected");
  expect(at('{"a": NaN}')).toBe("app.json line 1, column 7: a value is expected");
  expect(at('{"a": truex}')).toBe("app.json line 1, column 11: a comma or } is expected");
});

test("JSON is read as JSON.parse reads it, except for what a number cannot hold", () => {
  for (const text of [
    '{"a":[1,-2.5e+3,true,false,null,{}],"b":"\\u00e9\\n\\"\\\\\\/","":{"":[]}}',
    ' {\t"a" :\r\n [ ] , "b" : { } } ',
    '{"a":0,"b":-0.5,"c":1E2,"d":"\u2028 é 😀"}',
  ]) {
    expect(read("a.json", text)).toEqual(JSON.parse(text));
  }
  expect(read("a.json", '{"safe":9007199254740991,"big":-9007199254740993,"huge":1e400}')).toEqual({
    safe: 9007199254740991,
    big: "-9007199254740993",
    huge: "1e400",
  });
});

test("TOML's dates are texts of RFC 3339, and so is what a number cannot hold", () => {
  const text = `
big = 9223372036854775807
safe = 1_000
inf = -inf
nan = nan
zoned = 1979-05-27T00:32:00.5-07:00
local = 1979-05-27T07:32:00
day = 1979-05-27
time = 07:32:00
[[points]]
x = 1
[[points]]
x = 2
`;
  expect(read("a.toml", text)).toEqual({
    big: "9223372036854775807",
    safe: 1000,
    inf: "-inf",
    nan: "nan",
    zoned: "1979-05-27T00:32:00.500-07:00",
    local: "1979-05-27T07:32:00.000",
    day: "1979-05-27",
    time: "07:32:00.000",
    points: [{ x: 1 }, { x: 2 }],
  });
});

test("TOML's faults name line and column, and nothing of the text", () => {
  expect(faultOf("a.toml", `a = 1\npassword = "${secret}\n`)).toMatch(
    /^a\.toml line 2, column \d+: [a-z ]+$/,
  );
  expect(faultOf("a.toml", `a = "${secret}"\na = 2`)).toMatch(
    /^a\.toml line 2, column 1: trying to redefine/,
  );
  expect(faultOf("a.toml", `a = ${secret}`)).toBe("a.toml line 1, column 5: invalid value");
});

test("dots in the keys of .properties are levels; values are texts; Java's escapes hold", () => {
  const text =
    "# comment\n! too\nmongodb.host = 127.0.0.1\nmongodb.port: 27017\nlong=a\\\n   b\ntab=\\t\\u00e9\nflag\na..b=1";
  expect(read("a.properties", text)).toEqual({
    mongodb: { host: "127.0.0.1", port: "27017" },
    long: "ab",
    tab: "\té",
    flag: "",
    a: { "": { b: "1" } },
  });
});

test("of .properties keys that clash the first stays, of one given twice the last", () => {
  expect(read("a.properties", "a=1\na.b=2")).toEqual({ a: "1" });
  expect(read("a.properties", "a.b=2\na=1")).toEqual({ a: { b: "2" } });
  expect(read("a.properties", "a=1\na=2\nb.c=\nb.c=3")).toEqual({ a: "2", b: { c: "3" } });
});

test("a bad escape in .properties is found by its line", () => {
  expect(faultOf("a.properties", `# \\uno\na=\\\\uno\nb=${secret}\\u12\n`)).toBe(
    "a.properties line 3: \\u needs four hexadecimal digits",
  );
});

test("more values, deeper levels and more bytes than there may be are refused in each format", () => {
  const many = maxTreeValues;
  for (const [name, text] of [
    ["a.yaml", `a: [${"1,".repeat(many)}]`],
    ["a.json", `{"a":[${"1,".repeat(many)}1]}`],
    ["a.toml", `a = [${"1,".repeat(many)}]`],
    ["a.properties", "a=1\n".repeat(many + 1)],
  ] as const) {
    expect(faultOf(name, text), name).toContain("more than 100000 values");
  }
  const deep = maxTreeDepth;
  for (const [name, text] of [
    ["a.yaml", `a: ${"[".repeat(deep)}${"]".repeat(deep)}`],
    ["a.yaml", `a: ${"[".repeat(20_000)}`],
    ["a.json", `{"a":${"[".repeat(deep)}`],
    ["a.toml", `${"a.".repeat(deep)}a = 1`],
    ["a.toml", `a = ${"[".repeat(deep * 2)}`],
    ["a.properties", `${"a.".repeat(deep)}a = 1`],
  ] as const) {
    expect(faultOf(name, text), name).toContain("nested");
  }
  for (const name of ["a.yaml", "a.json", "a.toml", "a.properties"]) {
    expect(faultOf(name, `#${"é".repeat(maxDocumentBytes / 2)}`)).toBe(`${name}: larger than 1048576 bytes`);
  }
});

test("what is as deep and as many as there may be is read in each format", () => {
  const deep = maxTreeDepth - 1;
  for (const [name, text] of [
    ["a.yaml", `a: ${"[".repeat(deep)}1${"]".repeat(deep)}`],
    ["a.json", `{"a":${"[".repeat(deep)}1${"]".repeat(deep)}}`],
    ["a.toml", `${"a.".repeat(deep)}a = 1`],
    ["a.properties", `${"a.".repeat(deep)}a = 1`],
  ] as const) {
    let levels = 0;
    for (let at: unknown = readDocument(name, text); typeof at === "object"; levels++)
      at = Object.values(at!)[0];
    expect(levels, name).toBe(maxTreeDepth);
  }
  const keys = Array.from({ length: 10_000 }, (_, i) => `k${i}`);
  const tree = Object.fromEntries(keys.map((key) => [key, "v"]));
  expect(read("a.yaml", keys.map((key) => `${key}: v`).join("\n"))).toEqual(tree);
  expect(read("a.properties", keys.map((key) => `${key}: v`).join("\n"))).toEqual(tree);
  expect(read("a.json", JSON.stringify(tree))).toEqual(tree);
});

test("entries are merged in the order of names: documents at the root, others under their names", () => {
  const entries = {
    mongodb: "host=127.0.0.1\nport=27017",
    "b.json": '{"mongodb": {"host": "b"}, "list": [2]}',
    "a.yaml": "mongodb: {host: a, user: u}\nlist: [1, 1]",
    redis: "url=redis://127.0.0.1:6379/db01",
  };
  const lines = JSON.parse(JSON.stringify(readEntries(entries, "lines")));
  expect(lines).toEqual({
    mongodb: { host: "127.0.0.1", port: "27017", user: "u" },
    list: [2],
    redis: { url: "redis://127.0.0.1:6379/db01" },
  });
  expect(JSON.parse(JSON.stringify(readEntries({ mongodb: "host=a", "a.yaml": "x: 1" }, "raw")))).toEqual({
    mongodb: "host=a",
    x: 1,
  });
});

test("a fault in one entry names that entry", () => {
  expect(() => readEntries({ ok: "a=b", "config.yaml": "a: [" }, "lines")).toThrow(
    /^config\.yaml line 1, column 5: /,
  );
});

test("entries named like parts of JavaScript are entries", () => {
  const entries = JSON.parse('{"__proto__": "a=b", "constructor": "c=d"}');
  const tree = readEntries(entries, "lines");
  expect(find(tree, ["__proto__", "a"])).toBe("b");
  expect(find(tree, ["constructor", "c"])).toBe("d");
});
