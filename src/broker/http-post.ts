/** One message to one subscriber by HTTP, as Go Micro v5 posts it. */
import type { Subscriber } from "./http-directory.ts";

/** How long a subscriber has for its answer, which comes when the message is handled, ms. */
export const maxAnswerMs = 60_000;

/** `taken`; `failed`: it may be given to another, or later; else why nobody will ever take it. */
export type Reception = "taken" | "failed" | { readonly rejected: string };

/** Answers by which a subscriber says that it did not even try: it does not know the id, or has no room. */
const untried: ReadonlySet<number> = new Set([404, 408, 429, 502, 503, 504]);

export async function post(to: Subscriber, body: string, end: AbortSignal): Promise<Reception> {
  const url = `${to.secure ? "https" : "http"}://${to.address}/?id=${encodeURIComponent(to.id)}`;
  const late = AbortSignal.timeout(maxAnswerMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
      redirect: "manual",
      signal: AbortSignal.any([end, late]),
    });
    const said = await response.text();
    if (response.ok) return "taken";
    if (untried.has(response.status)) return "failed";
    return { rejected: `${to.address} answered ${response.status}: ${said.slice(0, 200)}` };
  } catch {
    // it may be at work on it: at most once
    if (late.aborted) return { rejected: `${to.address} did not answer within ${maxAnswerMs} ms` };
    return "failed";
  }
}
