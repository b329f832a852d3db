import { expect, test } from "bun:test";
import { formatAddress, listenError, parseAddress } from "./address.ts";
import type { MicrorunError } from "./errors.ts";

test("every form is read, and written back as it was", () => {
  const forms = {
    ":8080": { port: 8080 },
    ":0": { port: 0 },
    "127.0.0.1:80": { host: "127.0.0.1", port: 80 },
    "localhost:8080": { host: "localhost", port: 8080 },
    "my_service.ns.svc.cluster.local:443": { host: "my_service.ns.svc.cluster.local", port: 443 },
    "[::1]:80": { host: "::1", port: 80 },
    "[::]:80": { host: "::", port: 80 },
    "unix:/run/a.sock": { path: "/run/a.sock" },
    "unix:a.sock": { path: "a.sock" },
  };
  for (const [text, address] of Object.entries(forms)) {
    expect(parseAddress(text)).toEqual(address as never);
    expect(formatAddress(parseAddress(text))).toBe(text);
  }
  expect(formatAddress({ host: "::ffff:192.0.2.1", port: 80 })).toBe("192.0.2.1:80");
  expect(parseAddress("unix:///run/a.sock")).toEqual({ path: "/run/a.sock" });
});

test("a wrong address is refused with an order that mends it", () => {
  const wrong = (text: string): string => {
    try {
      parseAddress(text);
    } catch (error) {
      const { code, message, hint } = error as MicrorunError;
      expect(code).toBe("invalid_argument");
      return `${message} / ${hint}`;
    }
    throw new Error(`${text} was accepted`);
  };
  expect(wrong("8080")).toBe('address "8080": the host and a colon are missing / write :8080');
  expect(wrong("99999")).toBe('address "99999": not a port / write a port of at most 65535, such as :8080');
  expect(wrong("localhost")).toBe('address "localhost": the port is missing / write localhost:8080');
  expect(wrong("::1")).toBe('address "::1": the port is missing / write [::1]:8080');
  expect(wrong("fe80::1:70000")).toContain("write host:port");
  expect(wrong("localhost:70000")).toContain("70000 is not a port");
  expect(wrong("[localhost]:80")).toContain("not an IPv6 address");
  expect(wrong("bad host:80")).toContain("bad host is not a host");
  expect(wrong("http://x:80")).toContain("not host:port");
  expect(wrong("a:b")).toContain("not host:port");
  expect(wrong("")).toContain("not host:port");
  expect(wrong("unix:")).toContain("the path is missing");
  expect(wrong(`unix:/${"a".repeat(200)}`)).toContain("at most 107 bytes");
});

test("the system's reasons for not listening become ours", () => {
  const told = (code: string, address = ":80"): MicrorunError =>
    listenError(address, Object.assign(new Error(`${code}: x`), { code }));
  expect(told("EADDRINUSE").message).toBe("cannot listen on :80: the address is in use");
  expect(told("EADDRINUSE").code).toBe("already_exists");
  expect(told("EACCES").code).toBe("permission_denied");
  expect(told("EACCES").hint).toContain("above 1023");
  expect(told("ENOENT", "unix:/x/y").message).toBe("cannot listen on unix:/x/y: its folder does not exist");
  expect(told("EADDRNOTAVAIL").code).toBe("invalid_argument");
  expect(told("EWEIRD").message).toBe("cannot listen on :80: EWEIRD: x");
  for (const code of ["EADDRINUSE", "EACCES", "EADDRNOTAVAIL", "ENOENT", "EWEIRD"])
    expect(told(code).hint).toBeString();
});
