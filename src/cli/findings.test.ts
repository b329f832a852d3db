import { expect, test } from "bun:test";
import { findingsText } from "./findings.ts";

test("findings are aligned lines, with what to do below them and what is to be applied at the end", () => {
  const text = findingsText(
    [
      { check: "dns", status: "ok", what: "nameserver 10.96.0.10" },
      {
        check: "permission",
        status: "fail",
        what: "may not\npatch pods",
        todo: "apply it",
        yaml: "kind: Role\n",
      },
    ],
    false,
  );
  expect(text).toBe(
    "ok    dns         nameserver 10.96.0.10\n" +
      "fail  permission  may not\ufffdpatch pods\n" +
      "                  hint: apply it\n" +
      "\n1 fail, 0 warn, 1 ok\n" +
      "\n---\n# permission: may not\ufffdpatch pods\n# apply it\nkind: Role\n",
  );
});
