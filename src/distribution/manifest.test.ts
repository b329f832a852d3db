import { expect, test } from "bun:test";
import { mediaTypes } from "../oci.ts";
import { isManifest, parseManifest } from "./manifest.ts";

const blob = { mediaType: "x", digest: `sha256:${"a".repeat(64)}`, size: 1 };
const read = (value: unknown) =>
  parseManifest(new TextEncoder().encode(JSON.stringify(value)), "r.example/a");

test("a manifest is read, whatever else it says", () => {
  expect(read({ schemaVersion: 2, config: blob, layers: [blob], more: 1 })).toMatchObject({
    config: blob,
    layers: [blob],
  });
});

test.each([
  [null, "its manifest is not an object"],
  [{ layers: 7 }, "its manifest names no lists"],
  [{ layers: [{ ...blob, digest: "sha256:../../etc" }] }, "its manifest names things badly"],
  [{ config: { ...blob, size: -1 } }, "its manifest names things badly"],
  [{ manifests: [null] }, "its manifest names things badly"],
  [{ subject: { digest: blob.digest } }, "its manifest names things badly"],
])("%j is refused", (value, why) => {
  expect(() => read(value)).toThrow(`r.example/a: ${why}`);
});

test("manifests are told from blobs by their media types", () => {
  expect(
    [mediaTypes.index, mediaTypes.manifest, "application/vnd.docker.distribution.manifest.v2+json"].every(
      isManifest,
    ),
  ).toBe(true);
  expect([mediaTypes.config, mediaTypes.layer, mediaTypes.empty, ""].some(isManifest)).toBe(false);
});
