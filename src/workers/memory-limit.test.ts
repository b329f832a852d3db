import { expect, test } from "bun:test";
import { memoryShare } from "./memory-limit.ts";

const gib = 2 ** 30;
const files =
  (texts: Record<string, string>) =>
  (path: string): string | undefined =>
    texts[path];

test("the share is a quarter of the tightest limit of the cgroups, whichever version they are", () => {
  const second = files({
    "/proc/self/cgroup": "0::/pod/own\n",
    "/sys/fs/cgroup/memory.max": "max\n",
    "/sys/fs/cgroup/pod/memory.max": `${gib}\n`,
    "/sys/fs/cgroup/pod/own/memory.max": `${2 * gib}\n`,
  });
  expect(memoryShare(1, second, 64 * gib)).toBe(gib / 4);
  const first = files({
    "/proc/self/cgroup": "3:cpu,cpuacct:/\n4:memory:/pod\n",
    "/sys/fs/cgroup/memory/pod/memory.limit_in_bytes": `${gib}\n`,
  });
  expect(memoryShare(1, first, 64 * gib)).toBe(gib / 4);
});

test("processes that share a limit share its quarter", () => {
  const limited = files({ "/sys/fs/cgroup/memory.max": `${2 * gib}` });
  expect(memoryShare(4, limited, 64 * gib)).toBe(gib / 8);
});

test("without a limit it is of the machine, within bounds", () => {
  const none = files({});
  expect(memoryShare(1, none, 2 * gib)).toBe(gib / 2);
  expect(memoryShare(1, none, 640 * gib)).toBe(gib);
  expect(memoryShare(1, none, gib / 64)).toBe(gib / 16);
  // version 1 says "none" as a number that no machine has
  const first = files({
    "/proc/self/cgroup": "4:memory:/",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
  });
  expect(memoryShare(1, first, 2 * gib)).toBe(gib / 2);
});
