import { expect, test } from "bun:test";
import { type TarEntry, tarStream } from "./tar.ts";
import { passing, tarMembers } from "./tar-index.ts";
import { withFolders } from "./tree.ts";

async function packed(entries: readonly TarEntry[], seconds = 0): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(tarStream(entries, seconds)).arrayBuffer());
}

async function listed(bytes: Uint8Array) {
  const found = [];
  for await (const member of tarMembers(async (at, length) => bytes.slice(at, at + length), "test"))
    found.push(member);
  return found;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const long = `${"folder/".repeat(40)}name`;

test("a tar holds what went in, names beyond ustar's 100 bytes and beyond ASCII as well", async () => {
  const paths = ["a", long, "grüße.txt", `${"x".repeat(99)}`, `${"x".repeat(100)}`, `${"x".repeat(101)}`];
  const tar = await packed(
    paths.map((path) => ({ path, type: "file", mode: 0o644, content: bytes(`content of ${path}`) })),
  );
  const members = await listed(tar);
  expect(members.map(({ path }) => path)).toEqual(paths);
  const texts = members.map(({ at, size }) => new TextDecoder().decode(tar.subarray(at, at + size)));
  expect(texts).toEqual(paths.map((path) => `content of ${path}`));
});

test("a tar reads the same from a stream in small pieces", async () => {
  const tar = await packed([
    { path: long, type: "file", mode: 0o644, content: bytes("y".repeat(2000)) },
    { path: "folder", type: "folder", mode: 0o755 },
    { path: "link", type: "symlink", mode: 0o777, target: long },
  ]);
  const pieces = async function* () {
    for (let at = 0; at < tar.length; at += 100) yield tar.subarray(at, at + 100);
  };
  const members = [];
  for await (const { path, flag } of tarMembers(passing(pieces()), "test")) members.push([path, flag]);
  expect(members).toEqual([
    [long, "0"],
    ["folder", "5"],
    ["link", "2"],
  ]);
});

test("a tar is the same for the same files, and its dates are those that were asked for", async () => {
  const entry: TarEntry = { path: "a", type: "file", mode: 0o755, content: new Blob(["x"]) };
  expect(await packed([entry])).toEqual(await packed([{ ...entry, content: bytes("x") }]));
  expect(await packed([entry], 1)).not.toEqual(await packed([entry], 2));
});

test("what is no tar is told, and a damaged header too", async () => {
  const tar = await packed([{ path: "a", type: "file", mode: 0o644, content: bytes("x") }]);
  tar[3] = 0x7a;
  for (const wrong of [tar, bytes("{}".repeat(512))])
    await expect(listed(wrong)).rejects.toThrow("test: cannot be read: it is no tar");
});

test("a file that grows while it is read ends the tar", async () => {
  const content = new Blob(["abc"]);
  Object.defineProperty(content, "size", { value: 2 });
  await expect(packed([{ path: "a", type: "file", mode: 0o644, content }])).rejects.toThrow(
    "a changed while it was read",
  );
});

test("folders come before what is in them, and are made where nobody said them", () => {
  const tree = withFolders([
    { path: "b/c/d", type: "file", mode: 0o644 },
    { path: "a", type: "file", mode: 0o644 },
    { path: "b", type: "folder", mode: 0o700 },
  ]);
  expect(tree.map(({ path, mode }) => [path, mode])).toEqual([
    ["a", 0o644],
    ["b", 0o700],
    ["b/c", 0o755],
    ["b/c/d", 0o644],
  ]);
});
