/** How the API server is reached and who we are there, wherever that was found. */
import type { Route } from "./host-fetch.ts";

/** What a request needs beside its path. */
export interface Approach {
  readonly route: Route;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Access {
  /** Without a slash at the end. */
  readonly server: string;
  readonly namespace: string;
  /** For the next request: files are read again, plugins asked again when it is time. @throws MicrorunError */
  approach(): Promise<Approach>;
  /** After a 401: whether there are other credentials to try. */
  renew(): Promise<boolean>;
}

/** Credentials, as far as they are not the cluster's. */
export interface Login {
  readonly headers: Readonly<Record<string, string>>;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface LoginSource {
  current(): Promise<Login>;
  renew(): Promise<boolean>;
}
