import { expect, test } from "bun:test";
import { changelogEntry } from "./changelog.ts";

const changelog = `# Changelog

## 0.2.0, unreleased

## [0.1.1]

- Mends.

## 0.1.0, 2026-11-21

- Serves.
- Drains.
`;

test("the entry of a version is its text", () => {
  expect(changelogEntry(changelog, "0.1.0")).toBe("- Serves.\n- Drains.");
  expect(changelogEntry(changelog, "0.1.1")).toBe("- Mends.");
});

test("a version without an entry, or with an empty one, is refused", () => {
  for (const version of ["0.2.0", "0.1", "1.0.0"])
    expect(() => changelogEntry(changelog, version)).toThrow(`CHANGELOG.md: no entry for ${version}`);
});
