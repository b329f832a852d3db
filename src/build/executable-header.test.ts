import { expect, test } from "bun:test";
import { platformOf, platformOfHead } from "./executable-header.ts";

function head(write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(256);
  write(buffer);
  return buffer;
}

const elf = (machine: number, interpreter: string) =>
  head((buffer) => {
    buffer.writeUInt32BE(0x7f454c46);
    buffer.writeUInt16LE(machine, 18);
    buffer.write(interpreter, 100);
  });

test("an ELF file tells its machine and its libc", () => {
  expect(platformOfHead(elf(62, "/lib64/ld-linux-x86-64.so.2"))).toEqual({
    os: "linux",
    arch: "x64",
    libc: "glibc",
  });
  expect(platformOfHead(elf(183, "/lib/ld-musl-aarch64.so.1"))).toEqual({
    os: "linux",
    arch: "arm64",
    libc: "musl",
  });
  expect(platformOfHead(elf(8, ""))).toBeUndefined();
});

test("a Mach-O file tells its machine", () => {
  const mach = head((buffer) => {
    buffer.writeUInt32LE(0xfeedfacf);
    buffer.writeUInt32LE(0x0100000c, 4);
  });
  expect(platformOfHead(mach)).toEqual({ os: "darwin", arch: "arm64" });
});

test("a PE file tells its machine", () => {
  const pe = head((buffer) => {
    buffer.write("MZ");
    buffer.writeUInt32LE(0x80, 0x3c);
    buffer.write("PE\0\0", 0x80, "latin1");
    buffer.writeUInt16LE(0x8664, 0x84);
  });
  expect(platformOfHead(pe)).toEqual({ os: "windows", arch: "x64" });
});

test("what is no executable is none", () => {
  expect(platformOfHead(Buffer.from("#!/bin/sh\n"))).toBeUndefined();
  expect(platformOfHead(head((buffer) => buffer.write("MZ")))).toBeUndefined();
});

test("the executable that runs here is for this machine", async () => {
  const os = process.platform === "win32" ? "windows" : process.platform;
  expect(await platformOf(process.execPath)).toMatchObject({ os, arch: process.arch });
});
