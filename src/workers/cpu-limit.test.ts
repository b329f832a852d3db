import { expect, test } from "bun:test";
import { usableCores } from "./cpu-limit.ts";

const reading = (files: Readonly<Record<string, string>>) => (path: string) => files[path];

test("without a limit all cores are usable", () => {
  expect(usableCores(reading({}), 8)).toBe(8);
  const files = { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n" };
  expect(usableCores(reading(files), 8)).toBe(8);
});

test.each([
  ["50000 100000", 1],
  ["100000 100000", 1],
  ["150000 100000", 2],
  ["400000 100000", 4],
  ["1600000 100000", 8],
])("a limit of %s is %i of 8 cores", (text, cores) => {
  const files = { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": `${text}\n` };
  expect(usableCores(reading(files), 8)).toBe(cores);
});

test("the tightest limit of the group and those above it holds", () => {
  const files = {
    "/proc/self/cgroup": "0::/kubepods/pod1/app\n",
    "/sys/fs/cgroup/kubepods/cpu.max": "800000 100000",
    "/sys/fs/cgroup/kubepods/pod1/cpu.max": "200000 100000",
    "/sys/fs/cgroup/kubepods/pod1/app/cpu.max": "max 100000",
  };
  expect(usableCores(reading(files), 16)).toBe(2);
});

test("version 1 tells quota and period apart, -1 without a limit", () => {
  const files = (quota: string) => ({
    "/proc/self/cgroup": "3:memory:/app\n2:cpu,cpuacct:/app\n0::/\n",
    "/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us": `${quota}\n`,
    "/sys/fs/cgroup/cpu/app/cpu.cfs_period_us": "100000\n",
  });
  expect(usableCores(reading(files("250000")), 8)).toBe(3);
  expect(usableCores(reading(files("-1")), 8)).toBe(8);
});

test("within a container the root tells, though the path is the host's", () => {
  const files = {
    "/proc/self/cgroup": "2:cpu,cpuacct:/docker/abc\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
  };
  expect(usableCores(reading(files), 8)).toBe(1);
});
