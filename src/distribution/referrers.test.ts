import { expect, test } from "bun:test";
import { mediaTypes } from "../oci.ts";
import { fallbackTag, merged } from "./referrers.ts";

const descriptor = (letter: string) => ({
  mediaType: mediaTypes.manifest,
  digest: `sha256:${letter.repeat(64)}`,
  size: 1,
});
const [one, two] = [descriptor("a"), descriptor("b")];

test("the tag is the digest, cut as the specification says", () => {
  expect(fallbackTag(one.digest)).toBe(`sha256-${"a".repeat(64)}`);
  expect(fallbackTag(`sha512:${"a".repeat(128)}`)).toBe(`sha512-${"a".repeat(64)}`);
});

test("a list keeps what it had and gets what is new", () => {
  const first = merged(undefined, one);
  expect(first).toEqual({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [one] });
  expect(merged({ ...first, annotations: { kept: "yes" } }, two)).toMatchObject({
    manifests: [one, two],
    annotations: { kept: "yes" },
  });
  expect(merged({ manifests: [one, two] }, one)).toBeUndefined();
});
