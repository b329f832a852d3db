/** Requests about one repository: logged in, tried again, and refusals told. */
import { MicrorunError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import type { Login } from "./login.ts";
import { isPassing, type Patience, patience } from "./patience.ts";
import { type Refusal, registryError } from "./refusal.ts";

export interface Ask {
  readonly method?: string;
  /** Below the repository's own (`manifests/latest`), or a URL that the registry gave. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** In memory, as it may have to be sent twice. */
  readonly body?: Uint8Array;
}

export interface Session {
  readonly repository: string;
  /** Cuts what is under way. */
  stop(reason: unknown): void;
  /** Any answer, after logging in if it wants that. */
  request(ask: Ask): Promise<Response>;
  /** The same, again and again while it is busy or drops the connection: for what may be done twice. */
  patiently(ask: Ask): Promise<Response>;
  patience(): Patience;
  /** @param detail what of it was refused: `blob sha256:…` */
  refused(response: Response, detail?: string): Promise<MicrorunError>;
}

export interface SessionOptions extends Omit<Refusal, "isLoggedIn"> {
  readonly connection: Connection;
  readonly login: Login;
  /** Stops the connection, too. */
  readonly signal: AbortSignal;
  readonly stop: (reason: unknown) => void;
}

export function registrySession(options: SessionOptions): Session {
  const { connection, login, repository, signal, stop } = options;
  let reached = false;

  const request = async ({ method = "GET", path, headers = {}, body }: Ask): Promise<Response> => {
    const origin = await connection.origin();
    const url = path instanceof URL ? path : new URL(`${origin}/v2/${repository}/${path}`);
    const isOwn = url.origin === origin;
    for (let attempt = 1; ; attempt++) {
      const authorization = isOwn ? await login.header() : undefined;
      const response = await connection.send(url, {
        method,
        headers: {
          "user-agent": "microrun",
          "accept-encoding": "identity",
          ...headers,
          ...(authorization === undefined ? {} : { authorization }),
        },
        ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
      });
      reached = true;
      if (isOwn && isPage(response)) throw notRegistry(options);
      const challenge = response.headers.get("www-authenticate");
      if (response.status !== 401 || challenge === null || !isOwn || attempt > 1) return response;
      if (!(await login.renew(challenge, authorization))) return response;
      response.body?.cancel().catch(() => {});
    }
  };

  return {
    repository,
    stop,
    request,
    patiently: async (ask) => {
      const patient = patience(signal);
      for (;;) {
        const outcome = await outcomeOf(request(ask));
        if (outcome instanceof Response && !isPassing(outcome)) return outcome;
        if (await patient.wait(again(outcome, reached))) continue;
        if (outcome instanceof Response) return outcome;
        throw outcome;
      }
    },
    patience: () => patience(signal),
    refused: async (response, detail) =>
      registryError(
        {
          ...options,
          what: detail === undefined ? options.what : `${options.what}: ${detail}`,
          isLoggedIn: await login.isKnown(),
        },
        response,
      ),
  };
}

/** The answer, or the error that the way there has; anything else is thrown. */
export function outcomeOf(asked: Promise<Response>): Promise<Response | MicrorunError> {
  return asked.catch((error: unknown) => {
    if (error instanceof MicrorunError && error.code === "unavailable") return error;
    throw error;
  });
}

/** What a network answers that wants a login of its own, and a web server that is no registry. */
function isPage({ ok, headers }: Response): boolean {
  return ok && /^text\/html\b/.test(headers.get("content-type") ?? "");
}

function notRegistry({ what, registry }: SessionOptions): MicrorunError {
  return new MicrorunError("failed_precondition", `${what}: ${registry} answers with a web page`, {
    hint: "check that it is a registry of OCI images, and that the network wants no login of its own",
  });
}

/** A registry that was there a moment ago is being started anew; one that never was is not. */
function again(outcome: Response | MicrorunError, reached: boolean): Response | MicrorunError {
  const isGone = outcome instanceof MicrorunError && outcome.reason === "UNREACHABLE" && reached;
  return isGone ? new MicrorunError("unavailable", outcome.message, { reason: "DROPPED" }) : outcome;
}
