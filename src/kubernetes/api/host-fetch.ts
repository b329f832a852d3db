/** The host's fetch with TLS of our own: our CA, our certificate, our proxy, which each host asks for in its own way. */
import { MicrorunError } from "../../errors.ts";

/** How a connection is made. Equal values share connections. */
export interface Route {
  /** PEM. Undefined: the authorities that the host trusts. */
  readonly ca?: string | undefined;
  /** PEM, of the client. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Checked against the certificate in place of the URL's host. */
  readonly serverName?: string | undefined;
  /** Whoever answers is believed. */
  readonly insecure: boolean;
  readonly proxy?: string | undefined;
}

export interface HostFetch extends Disposable {
  (url: string, init: RequestInit, route: Route): Promise<Response>;
}

export function hostFetch(): HostFetch {
  return "Deno" in globalThis ? denoFetch() : bunFetch();
}

function bunFetch(): HostFetch {
  const send = (url: string, init: RequestInit, route: Route): Promise<Response> => {
    const { ca, cert, key, serverName, insecure, proxy } = route;
    const tls = {
      // said outright, as NODE_TLS_REJECT_UNAUTHORIZED=0 would else be believed
      rejectUnauthorized: !insecure,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { serverName }),
    };
    // `false` keeps Bun from its own reading of HTTPS_PROXY, which knows no ranges of addresses in NO_PROXY;
    // a quiet watch is no reason to end it, so Bun's own timeout is off
    const own = { tls, proxy: proxy ?? false, timeout: false };
    return fetch(url, { ...init, ...own } as RequestInit);
  };
  return Object.assign(send, { [Symbol.dispose]: () => {} });
}

interface DenoClient {
  close(): void;
}

interface DenoHost {
  createHttpClient(options: object): DenoClient;
}

function denoFetch(): HostFetch {
  const { Deno } = globalThis as unknown as { Deno: DenoHost };
  let made: { readonly key: string; readonly client: DenoClient } | undefined;
  const clientFor = (route: Route): DenoClient => {
    const { ca, cert, key, serverName, insecure, proxy } = route;
    if (insecure || serverName !== undefined) {
      const setting = insecure ? "insecure-skip-tls-verify" : "tls-server-name";
      throw new MicrorunError("unimplemented", `${setting} of the kubeconfig: Deno cannot do it`, {
        hint: "run the microrun executable, which brings its own Bun",
      });
    }
    const name = JSON.stringify(route);
    if (made?.key === name) return made.client;
    made?.client.close();
    const options = {
      ...(ca === undefined ? {} : { caCerts: [ca] }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(proxy === undefined ? {} : { proxy: { url: proxy } }),
    };
    made = { key: name, client: Deno.createHttpClient(options) };
    return made.client;
  };
  const send = async (url: string, init: RequestInit, route: Route): Promise<Response> =>
    fetch(url, { ...init, client: clientFor(route) } as RequestInit);
  return Object.assign(send, { [Symbol.dispose]: () => made?.client.close() });
}
