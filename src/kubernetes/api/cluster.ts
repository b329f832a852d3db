/** The API server, as we speak to it: JSON requests and watches, authenticated as the kubeconfig or the service account says. */
import { abortReason, MicrorunError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { apiError, networkError } from "./api-error.ts";
import { type BoundedSignal, boundedSignal } from "./bounded-signal.ts";
import { findAccess } from "./find-access.ts";
import { gate } from "./gate.ts";
import { hostFetch } from "./host-fetch.ts";
import { withoutPassword } from "./proxy.ts";
import { watchLines } from "./watch-lines.ts";

/** How long a request may take, and a watch until it is accepted, in ms. */
export const requestTimeoutMs = 30_000;
/** How many requests are under way at once, and so how many connections are kept; each watch has one of its own. */
export const maxRequests = 6;

export interface ClusterOptions {
  /** Path of a kubeconfig. @default the pod's service account, else `KUBECONFIG`, else `~/.kube/config` */
  readonly kubeconfig?: string;
  /** @default the kubeconfig's current one */
  readonly context?: string;
  /** URL in place of the kubeconfig's, without authentication when it is `http:` (kubectl proxy). */
  readonly server?: string;
  /** Where kubelet mounts token, ca.crt and namespace. @default /var/run/secrets/kubernetes.io/serviceaccount */
  readonly serviceAccountFolder?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** One line of a watch. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  // biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
  readonly object: any;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** @default application/json */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Called with the answer as it came, and awaited before it is parsed, which keeps the thread busy for as long as it is large. */
  readonly arrived?: (text: string) => Promise<void>;
}

export interface Cluster extends AsyncDisposable {
  /** `https://10.96.0.1:443` */
  readonly server: string;
  /** The pod's own, else the context's, else `default`. */
  readonly namespace: string;
  /**
   * One request, its answer's JSON. Bounded by 30 s.
   * @param path `/api/v1/namespaces/default/pods/greeter-0`
   * @throws MicrorunError with the API server's own message: 401 `unauthenticated`, 403 `permission_denied`, 404 `not_found`,
   * 409 `aborted`, 410 `out_of_range`, 400 and 422 `invalid_argument`, anything else and no answer `unavailable`
   */
  request(
    method: Method,
    path: string,
    options?: RequestOptions,
    // biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
  ): Promise<any>;
  /**
   * Events until the server ends the watch or the signal is aborted. Rejects as `request` does.
   * @param opened called once the server has accepted the watch: a quiet one tells nothing for a minute
   */
  watch(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
    opened?: () => void,
  ): AsyncIterable<WatchEvent>;
}

/**
 * Nothing is sent yet.
 * @throws MicrorunError `failed_precondition` where there is no cluster to be found or its kubeconfig cannot be used,
 * `invalid_argument` for an option that cannot hold; with a hint
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { kubeconfig, context, server, serviceAccountFolder, env } = options;
  const closing = new AbortController();
  const { signal: closed } = closing;
  const access = await findAccess({ kubeconfig, context, server, serviceAccountFolder, env, signal: closed });
  const send = hostFetch();
  const turns = gate(maxRequests);

  const ask = async (method: Method, path: string, given: RequestOptions, bound: BoundedSignal) => {
    const { query = {}, body, contentType = "application/json" } = given;
    const search = new URLSearchParams(query).toString();
    const url = `${access.server}${path}${search === "" ? "" : `?${search}`}`;
    for (let tries = 1; ; tries++) {
      const approach = () => unlessAborted(access.approach(), bound.signal, access.server);
      const { route, headers: login } = await approach();
      const headers = {
        accept: "application/json",
        // packing a list costs the API server more time than a cluster's network saves
        "accept-encoding": "identity",
        "user-agent": "microrun",
        ...login,
        ...(body === undefined ? {} : { "content-type": contentType }),
      };
      const message = body === undefined ? {} : { body: JSON.stringify(body) };
      const init = { method, headers, ...message, redirect: "manual", signal: bound.signal } as const;
      const response = await send(url, init, route).catch((error) => {
        if (bound.signal.aborted || error instanceof MicrorunError) throw error;
        throw networkError(error, access.server, route.proxy && withoutPassword(route.proxy));
      });
      if (response.ok) return response;
      const answer = await response.text();
      if (response.status === 401 && tries === 1) {
        // another request may have been refused too, and have got new ones already
        const now = await approach();
        if (now.headers.authorization !== login.authorization || (await access.renew())) continue;
      }
      throw apiError(response.status, jsonOf(answer), `${method} ${path}`);
    }
  };

  /** What a failure means to the caller: whose wish it was, or what went wrong on the way. */
  const reasonOf = (error: unknown, bound: BoundedSignal, signal?: AbortSignal): MicrorunError => {
    if (bound.late) {
      if (error instanceof MicrorunError) return error;
      const message = `cannot reach ${access.server}: no answer within ${requestTimeoutMs / 1000} s`;
      return new MicrorunError("unavailable", message, { cause: error });
    }
    if (signal?.aborted) return abortReason(signal);
    if (closed.aborted) return new MicrorunError("cancelled", "the connection to the API server was closed");
    return error instanceof MicrorunError ? error : networkError(error, access.server, undefined);
  };

  return {
    server: access.server,
    namespace: access.namespace,
    request: async (method, path, given = {}) => {
      using bound = boundedSignal(requestTimeoutMs, given.signal, closed);
      try {
        using _turn = await turns.enter(bound.signal);
        const text = await (await ask(method, path, given, bound)).text();
        await given.arrived?.(text);
        return text === "" ? {} : (jsonOf(text) ?? notJson(method, path));
      } catch (error) {
        throw reasonOf(error, bound, given.signal);
      }
    },
    watch: async function* (path, query, signal, opened) {
      if (signal.aborted || closed.aborted) return;
      using bound = boundedSignal(requestTimeoutMs, signal, closed);
      try {
        const response = await ask("GET", path, { query: { ...query, watch: "true" } }, bound);
        bound.endless();
        opened?.();
        if (response.body === null) return;
        for await (const line of watchLines(response.body)) {
          if (bound.signal.aborted) return;
          yield eventOf(line);
        }
      } catch (error) {
        if (bound.late || !bound.signal.aborted) throw reasonOf(error, bound);
      } finally {
        // whoever reads on no more gives the connection back
        bound.abort();
      }
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      send[Symbol.dispose]();
    },
  };
}

function eventOf(line: unknown): WatchEvent {
  const { type, object } = (line ?? {}) as Partial<WatchEvent>;
  if (typeof type === "string" && typeof object === "object" && object !== null) return { type, object };
  throw new MicrorunError("unavailable", "the watch was given up: a line of it is no event");
}

/** A plugin that gives the credentials may wait for a person. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, server: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = () =>
    reject(new MicrorunError("unavailable", `cannot log in to ${server}: no credentials in time`));
  if (signal.aborted) late();
  signal.addEventListener("abort", late, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", late);
  }
}

function notJson(method: Method, path: string): never {
  throw new MicrorunError("unavailable", `${method} ${path}: the answer is not JSON`);
}

/** A proxy on the way answers in whatever it likes. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
