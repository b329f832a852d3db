/** Whether CHANGELOG.md says what is in a version. */
import { MicrorunError } from "../../src/errors.ts";

/** @returns the entry's text, without its heading @throws MicrorunError when there is none, or nothing in it */
export function changelogEntry(changelog: string, version: string): string {
  const [, ...sections] = changelog.split(/^## /m);
  const found = sections.find((section) => /^\[?([^\s,\]]+)/.exec(section)?.[1] === version);
  const text = found?.slice(found.indexOf("\n")).trim();
  if (!text)
    throw new MicrorunError("failed_precondition", `CHANGELOG.md: no entry for ${version}`, {
      hint: `write what changed below "## ${version}"`,
    });
  return text;
}
