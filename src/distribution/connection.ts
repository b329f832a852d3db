/** HTTP to one registry and to where it sends us: TLS or not, whose certificates are believed, how far redirects lead. */
import * as tls from "node:tls";
import { rootCertificates } from "node:tls";
import { abortReason, errorText, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";

export interface ConnectionOptions {
  /** `docker.io`, `localhost:5000` */
  readonly registry: string;
  /** PEM, believed besides the authorities of the machine. */
  readonly ca?: string | undefined;
  /** Any certificate is believed, and none is needed. */
  readonly insecure: boolean;
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface Connection {
  /** `https://registry-1.docker.io`, or `http:` where there is no TLS and none is needed. */
  origin(): Promise<string>;
  /**
   * Any answer but a redirect. The Authorization header goes to the URL's own origin alone.
   * @throws MicrorunError `unavailable` with reason UNREACHABLE or DROPPED; `failed_precondition` for a certificate
   */
  send(url: URL, init: RequestInit): Promise<Response>;
}

/** Until the answer begins, in ms: the registry may have to take in a whole chunk of an upload over a slow line. */
const maxAnswerMs = 300_000;
const maxRedirects = 5;
/** The host behind the name. */
const dockerHost = "registry-1.docker.io";

export function registryConnection(options: ConnectionOptions): Connection {
  const { registry, insecure, log } = options;
  const host = registry === "docker.io" ? dockerHost : registry;
  const certificates = { rejectUnauthorized: !insecure, ca: authorities(options.ca) };
  let found: Promise<string> | undefined;

  const once = async (url: URL, init: RequestInit): Promise<Response> => {
    if (url.protocol !== "https:" && !(url.protocol === "http:" && (insecure || isLoopback(url))))
      throw new MicrorunError("failed_precondition", `${registry}: ${url.origin} has no TLS`, {
        hint: "give the registry a certificate, or allow it by --allow-insecure-registry",
      });
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), maxAnswerMs);
    const signal = AbortSignal.any([options.signal, silence.signal]);
    // blobs are checked as they are stored: nothing may unpack them on the way
    const own = {
      redirect: "manual",
      decompress: false,
      timeout: false,
      tls: certificates,
      signal,
      // HTTP_PROXY and HTTPS_PROXY are the host's to read, though no proxy leads to this machine
      ...(isLoopback(url) ? { proxy: false } : {}),
    };
    try {
      const response = await fetch(url, { ...init, ...own } as RequestInit);
      // the query is left out, as it may be a signature
      log.debug("registry", {
        method: init.method ?? "GET",
        url: url.origin + url.pathname,
        status: response.status,
      });
      return response;
    } catch (error) {
      if (options.signal.aborted) throw abortReason(options.signal);
      throw connectionError(url.host, error);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    origin: () => {
      found ??=
        insecure || isLoopback(new URL(`https://${host}`))
          ? probe(host, once)
          : Promise.resolve(`https://${host}`);
      found.catch(() => {
        found = undefined;
      });
      return found;
    },
    send: async (first, init) => {
      let url = first;
      for (let redirects = 0; ; redirects++) {
        const headers = new Headers(init.headers);
        if (url.origin !== first.origin) headers.delete("authorization");
        const response = await once(url, { ...init, headers });
        const location = response.headers.get("location");
        if (location === null || ![301, 302, 303, 307, 308].includes(response.status)) return response;
        response.body?.cancel().catch(() => {});
        if (redirects === maxRedirects || !URL.canParse(location, url.href))
          throw new MicrorunError("unavailable", `${registry}: it redirects without end`);
        url = new URL(location, url);
      }
    },
  };
}

/** TLS if the host speaks it: those that need not have it may have it. */
async function probe(host: string, once: Connection["send"]): Promise<string> {
  try {
    const response = await once(new URL(`https://${host}/v2/`), {});
    response.body?.cancel().catch(() => {});
    return `https://${host}`;
  } catch (error) {
    if (error instanceof MicrorunError && error.code === "unavailable") return `http://${host}`;
    throw error;
  }
}

/** Bun believes Mozilla's list alone unless told; companies have theirs in the machine's. */
function authorities(own: string | undefined): string[] {
  const { getCACertificates } = tls as { getCACertificates?: (kind: string) => string[] };
  const system = getCACertificates?.("system") ?? [];
  const standard = getCACertificates?.("default") ?? rootCertificates;
  return [...new Set([...standard, ...system, ...(own === undefined ? [] : [own])])];
}

function isLoopback({ hostname }: URL): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function connectionError(host: string, error: unknown): MicrorunError {
  const code = String((error as { code?: unknown }).code ?? "");
  const failed = (why: string, hint: string) =>
    new MicrorunError("failed_precondition", `cannot trust ${host}: ${why}`, { hint, cause: error });
  if (/^UNABLE_TO|SELF_SIGNED/.test(code))
    return failed(
      "its certificate is signed by an authority that this machine does not know",
      "give the authority's certificate by --registry_ca FILE",
    );
  if (/ALTNAME|HOSTNAME/.test(code))
    return failed("its certificate is for another host", "use the host that it is for");
  if (/CERT/.test(code))
    return failed(errorText(error).toLowerCase(), "give the registry a valid certificate");
  const isUnreachable = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"].includes(
    code,
  );
  const why =
    code === "ECONNREFUSED"
      ? "connection refused"
      : code === "ENOTFOUND"
        ? "no such host"
        : "the connection broke off";
  return new MicrorunError("unavailable", `cannot reach ${host}: ${why}`, {
    reason: isUnreachable ? "UNREACHABLE" : "DROPPED",
    hint: "check the registry's name and the network (HTTPS_PROXY, NO_PROXY), then try again",
    cause: error,
  });
}
