/** What a registry says when it refuses: `{"errors":[{"code","message"}]}`, by the distribution specification. */
import { type Code, MicrorunError } from "../errors.ts";
import { readBounded } from "./body.ts";
import { retryAfterMs } from "./patience.ts";

const maxErrorBytes = 64 * 1024;
/** The most of its words that is told. */
const maxText = 300;

export interface Refusal {
  /** `cannot push ghcr.io/team/greeter` */
  readonly what: string;
  readonly registry: string;
  readonly repository: string;
  /** Whether a login was there to be sent. */
  readonly isLoggedIn: boolean;
}

export async function registryError(
  { what, registry, repository, isLoggedIn }: Refusal,
  response: Response,
): Promise<MicrorunError> {
  const { codes, text } = await said(response);
  const { status } = response;
  const login = `docker login ${registry}`;
  const [code, why, hint] = ((): [Code, string, string] => {
    if (codes.includes("DENIED") || status === 403)
      return [
        "permission_denied",
        "it is denied",
        `get the right to use ${repository}, or log in as somebody who has it: ${login}`,
      ];
    if (codes.includes("UNAUTHORIZED") || status === 401)
      return [
        "unauthenticated",
        `${registry} wants ${isLoggedIn ? "another login" : "a login"}`,
        `log in: ${login}`,
      ];
    if (codes.includes("NAME_UNKNOWN"))
      return [
        "not_found",
        `${registry} has no repository ${repository}`,
        "check the name; some registries want it made first",
      ];
    if (status === 404) return ["not_found", "it is not there", "check the name and the tag"];
    if (codes.includes("TOOMANYREQUESTS") || status === 429)
      return [
        "resource_exhausted",
        `too many requests for ${registry}${later(response)}`,
        `wait, or log in for a higher limit: ${login}`,
      ];
    if (status === 413)
      return [
        "failed_precondition",
        `${registry}, or a proxy before it, takes no request as large as that`,
        "let it take bodies of 8 MiB at least (nginx: client_max_body_size)",
      ];
    if (codes.includes("UNSUPPORTED") || status === 405)
      return [
        "failed_precondition",
        `${registry} does not take that`,
        "check that the registry may be written to: mirrors and caches may not",
      ];
    if (codes.includes("DIGEST_INVALID"))
      return ["data_loss", "what came there has another digest", "try again; check the proxy on the way"];
    if (status >= 500) return ["unavailable", `${registry} answers ${status}`, "try again later"];
    return [
      "failed_precondition",
      `${registry} answers ${status}`,
      "check that it is a registry of OCI images",
    ];
  })();
  return new MicrorunError(code, `${what}: ${why}${text === "" ? "" : ` (${text})`}`, { hint });
}

function later(response: Response): string {
  const ms = retryAfterMs(response.headers.get("retry-after"), Date.now());
  return ms === undefined ? "" : `, again in ${Math.ceil(ms / 1000)} s`;
}

async function said(
  response: Response,
): Promise<{ readonly codes: readonly string[]; readonly text: string }> {
  try {
    const { errors } = JSON.parse(new TextDecoder().decode(await readBounded(response, maxErrorBytes)));
    const entries = (errors as { code?: unknown; message?: unknown }[]).map(({ code, message }) => ({
      code: String(code ?? "UNKNOWN"),
      message: typeof message === "string" ? message : "",
    }));
    const text = entries
      .map(({ code, message }) => (message === "" ? code : `${code}: ${message}`))
      .join("; ");
    return { codes: entries.map(({ code }) => code), text: plain(text) };
  } catch {
    return { codes: [], text: "" }; // a page of a proxy, or nothing at all
  }
}

/** Fit for a terminal. */
function plain(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, " ").slice(0, maxText);
}
