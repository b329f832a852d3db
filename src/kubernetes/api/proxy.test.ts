import { expect, test } from "bun:test";
import { proxyFor, withoutPassword } from "./proxy.ts";

const proxy = "http://proxy.example:3128";

test.each<[string, string | undefined, string]>([
  ["https://10.1.2.3:6443", "10.0.0.0/8", "direct"],
  ["https://11.1.2.3:6443", "10.0.0.0/8", "proxied"],
  ["https://[fd00::7]:6443", "fd00::/8", "direct"],
  ["https://[fe00::7]:6443", "fd00::/8,10.0.0.0/8", "proxied"],
  ["https://api.example.com", "example.com", "direct"],
  ["https://api.example.com", ".example.com", "direct"],
  ["https://api.example.com", "*.example.com", "direct"],
  ["https://example.com", ".example.com", "proxied"],
  ["https://notexample.com", "example.com", "proxied"],
  ["https://api.example.com:6443", "api.example.com:443", "proxied"],
  ["https://api.example.com", "api.example.com:443", "direct"],
  ["https://api.example.com", "a.example, API.example.com", "direct"],
  ["https://10.1.2.3", "1.2.3", "proxied"],
  ["https://[fd00::7]", "[fd00::7]", "direct"],
  ["https://api.example.com", "*", "direct"],
  ["https://api.example.com", undefined, "proxied"],
  ["https://api.example.com", "10.0.0.0/99,nonsense/8", "proxied"],
  ["https://127.0.0.1:6443", undefined, "direct"],
  ["https://localhost:6443", undefined, "direct"],
])("%s with NO_PROXY=%s is %s", (server, exempt, way) => {
  const found = proxyFor(new URL(server), undefined, { HTTPS_PROXY: proxy, NO_PROXY: exempt });
  expect(found).toBe(way === "direct" ? undefined : proxy);
});

test("the scheme of the server chooses the variable, small letters do too", () => {
  expect(proxyFor(new URL("http://a.example"), undefined, { HTTPS_PROXY: proxy })).toBeUndefined();
  expect(proxyFor(new URL("http://a.example"), undefined, { http_proxy: proxy })).toBe(proxy);
  expect(proxyFor(new URL("https://a.example"), undefined, { HTTPS_PROXY: "p:1" })).toBe("http://p:1");
});

test("a kubeconfig's own proxy beats NO_PROXY", () => {
  expect(proxyFor(new URL("https://127.0.0.1"), proxy, { NO_PROXY: "*" })).toBe(proxy);
});

test("a proxy that is no HTTP proxy is refused", () => {
  for (const own of ["socks5://127.0.0.1:1080", "nonsense"]) {
    expect(() => proxyFor(new URL("https://a.example"), own, {})).toThrow(/^proxy-url of the kubeconfig: /);
  }
});

test("a proxy's password is not told", () => {
  expect(withoutPassword("http://john:geheim@proxy.example:3128")).toBe("http://proxy.example:3128");
});
