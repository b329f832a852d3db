/** The proxy on the way to a server, by the variables that Go's programs and kubectl read. */
import { BlockList, isIP } from "node:net";
import { MicrorunError } from "../../errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * @param own `proxy-url` of the kubeconfig, which no NO_PROXY takes back
 * @throws MicrorunError `failed_precondition` for a proxy that cannot be used
 */
export function proxyFor(server: URL, own: string | undefined, env: Env): string | undefined {
  if (own) return checked(own, "proxy-url of the kubeconfig");
  const name = server.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const value = env[name] || env[name.toLowerCase()];
  if (!value || isExempt(server, env.NO_PROXY || env.no_proxy || "")) return undefined;
  return checked(value.includes("://") ? value : `http://${value}`, name);
}

/** Fit for a message. */
export function withoutPassword(proxy: string): string {
  const url = new URL(proxy);
  return `${url.protocol}//${url.host}`;
}

function checked(value: string, what: string): string {
  const protocol = URL.canParse(value) ? new URL(value).protocol : "";
  if (protocol === "http:" || protocol === "https:") return value;
  const why = protocol === "" ? "not a URL" : `${protocol} proxies are not supported`;
  throw new MicrorunError("failed_precondition", `${what}: ${why}`, {
    hint: "give the URL of an HTTP proxy",
  });
}

/** golang.org/x/net/http/httpproxy: `*`, addresses, ranges, domains with all below them, each perhaps with a port. */
function isExempt(server: URL, exempt: string): boolean {
  const host = server.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const family = isIP(host);
  const port = server.port || (server.protocol === "https:" ? "443" : "80");
  if (host === "localhost" || (family === 4 && host.startsWith("127.")) || host === "::1") return true;
  return exempt
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      if (entry.includes("/")) return family !== 0 && isWithin(host, family, entry);
      const [, name = entry, only] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
      if (only !== undefined && only !== port) return false;
      const plain = name.replace(/^\[|\]$/g, "").replace(/^\*(?=\.)/, "");
      if (plain.startsWith(".")) return host.endsWith(plain);
      return host === plain || (family === 0 && host.endsWith(`.${plain}`));
    });
}

function isWithin(address: string, family: number, range: string): boolean {
  const [base = "", bits = ""] = range.split("/");
  if (isIP(base) !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(base, Number(bits), type);
  return list.check(address, type);
}
