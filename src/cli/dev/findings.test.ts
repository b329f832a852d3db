import { expect, test } from "bun:test";
import { findingsText } from "./findings.ts";

const findings = [
  { check: "dns", status: "ok", what: "nameserver 10.96.0.10" },
  {
    check: "permission",
    status: "fail",
    what: "may not\npatch pods",
    todo: "apply it",
    yaml: "apiVersion: v1\nkind: Role\n",
  },
  { check: "pod", status: "warn", what: "no probe", todo: "add it", yaml: "probe:\n  port: 1\n" },
] as const;

test("findings are aligned lines, with what to do below them and what is to be applied at the end", () => {
  expect(findingsText(findings, false)).toBe(
    "ok    dns         nameserver 10.96.0.10\n" +
      "fail  permission  may not\ufffdpatch pods\n" +
      "                  hint: apply it\n" +
      "warn  pod         no probe\n" +
      "                  hint: add it\n" +
      "                    probe:\n" +
      "                      port: 1\n" +
      "\n1 fail, 1 warn, 1 ok\n" +
      "\n---\n# permission: may not\ufffdpatch pods\napiVersion: v1\nkind: Role\n",
  );
});

test("a status is coloured where that is wanted", () => {
  expect(findingsText(findings, true)).toContain("\x1b[31mfail\x1b[0m  permission");
});
