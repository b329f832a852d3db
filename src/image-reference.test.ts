import { describe, expect, test } from "bun:test";
import { MicrorunError } from "./errors.ts";
import { parseReference, referenceText } from "./image-reference.ts";

const hex = "0123456789abcdef".repeat(4);

describe("a reference", () => {
  test.each([
    ["alpine", "docker.io/library/alpine"],
    ["alpine:3.22", "docker.io/library/alpine:3.22"],
    ["team/app", "docker.io/team/app"],
    ["index.docker.io/team/app", "docker.io/team/app"],
    ["docker.io/alpine", "docker.io/library/alpine"],
    ["ghcr.io/team/app/part:v1.0_x-Y", "ghcr.io/team/app/part:v1.0_x-Y"],
    ["localhost/app", "localhost/app"],
    ["localhost:5000/app:1", "localhost:5000/app:1"],
    ["registry:5000/app", "registry:5000/app"],
    ["[::1]:5000/app:1", "[::1]:5000/app:1"],
    ["[fd00::1]/app", "[fd00::1]/app"],
    ["Registry/app", "Registry/app"],
    ["a__b/c--d/e.f", "docker.io/a__b/c--d/e.f"],
    [`app@sha256:${hex}`, `docker.io/library/app@sha256:${hex}`],
    [`ghcr.io/a/b:t@sha512:${hex}${hex}`, `ghcr.io/a/b:t@sha512:${hex}${hex}`],
    [`a:${"t".repeat(128)}`, `docker.io/library/a:${"t".repeat(128)}`],
  ])("%s is read as docker reads it", (text, full) => {
    expect(referenceText(parseReference(text))).toBe(full);
  });

  test.each([
    ["", "the name is empty"],
    ["https://ghcr.io/a/b", "it is a URL"],
    ["ghcr.io/Team/app", 'the repository "Team/app" has upper case letters'],
    ["App", 'the repository "App" has upper case letters'],
    ["ghcr.io/", "it names no repository"],
    ["ghcr.io/:v1", "it names no repository"],
    ["a//b", "its repository has an empty part"],
    ["a/b/", "its repository has an empty part"],
    ["a/-b", '"-b" is not part of a repository\'s name'],
    ["a/b._c", '"b._c" is not part of a repository\'s name'],
    ["a b", '"a b" is not part of a repository\'s name'],
    ["A B", '"A B" is not part of a repository\'s name'],
    ["ghcr.io/Team/a!", '"Team" is not part of a repository\'s name'],
    ["app:", "the tag is empty"],
    ["app:.x", '".x" is not a tag'],
    ["app:a/b", null],
    [`app:${"t".repeat(129)}`, "the tag has 129 characters"],
    ["app@sha256:12", '"sha256:12" is not a digest'],
    [`app@md5:${hex}`, `"md5:${hex}" is not a digest`],
    [`app@sha256:${hex.toUpperCase()}`, `"sha256:${hex.toUpperCase()}" is not a digest`],
    ["-bad.host/app", '"-bad.host" is not a registry\'s host'],
    ["host:99999/app", '"host:99999" is not a registry\'s host'],
    ["host:port/app", '"host:port" is not a registry\'s host'],
    ["[::1/app", '"[::1" is not a registry\'s host'],
    [`ghcr.io/${"a".repeat(250)}`, "the name has more than 255 characters"],
  ])("%j is refused with the part that is wrong", (text, why) => {
    let thrown: unknown;
    try {
      parseReference(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(MicrorunError);
    const { code, message, hint } = thrown as MicrorunError;
    expect(code).toBe("invalid_argument");
    if (why !== null) expect(message).toBe(`image ${JSON.stringify(text)}: ${why}`);
    expect(hint).toBeString();
  });
});
