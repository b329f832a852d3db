/** Certificates that follow their files: those of a mounted Secret that is renewed, or files written anew. */
import { X509Certificate } from "node:crypto";
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Tls } from "../transport/transport.ts";
import { pause } from "../wait.ts";
import { readTls, type TlsFiles } from "./certificates.ts";

export interface FollowOptions {
  readonly files: TlsFiles;
  /** Of the flags that name the files. */
  readonly prefix: "tls" | "client_tls";
  /** As they were read at the start. */
  readonly first: Partial<Tls>;
  /** Is given what is new. @throws MicrorunError: what was before stays */
  readonly take: (tls: Partial<Tls>) => void;
  readonly log: Log;
  /** How often the files are looked at, in ms: changes of a mounted Secret are heard of in no other way for sure. @default 2000 */
  readonly pollMs?: number;
  /** How long what changed must stay as it is, in ms: a pair is written file by file. @default 500 */
  readonly settleMs?: number;
  readonly now?: () => number;
}

/** A certificate that ends sooner should have been renewed. */
const lateMs = 86_400_000;

/** Disposing it ends it. */
export function followTls(options: FollowOptions): AsyncDisposable {
  const stop = new AbortController();
  const following = follow(options, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
    },
  };
}

async function follow(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { files, prefix, take, log } = options;
  const { pollMs = 2000, settleMs = 500, now = Date.now } = options;
  let current = options.first;
  let refused: string | undefined;
  let late: string | undefined;

  const look = (): Partial<Tls> | MicrorunError => {
    try {
      return readTls(files, prefix) ?? {};
    } catch (error) {
      return MicrorunError.from(error);
    }
  };
  const refuse = ({ message, hint }: MicrorunError): void => {
    if (message !== refused) log.warn(`${message}: what was read before stays`, { hint });
    refused = message;
  };
  const renew = (next: Partial<Tls>): void => {
    try {
      take(next);
      current = next;
      refused = undefined;
      log.info(
        `--${prefix}_*: read anew${next.cert === undefined ? "" : `, valid until ${endOf(next.cert)}`}`,
      );
    } catch (error) {
      refuse(MicrorunError.from(error));
    }
  };
  const checkEnd = ({ cert }: Partial<Tls>): void => {
    if (cert === undefined || cert === late || Date.parse(endOf(cert)) - now() > lateMs) return;
    late = cert;
    const hint = "renew it: its files are read again when they change";
    log.warn(`--${prefix}_cert=${files.cert}: valid until ${endOf(cert)}`, { hint });
  };

  while (!signal.aborted) {
    checkEnd(current);
    await pause(pollMs, signal);
    const seen = look();
    if (isSame(seen, current)) {
      refused = undefined;
      continue;
    }
    await pause(settleMs, signal);
    const next = look();
    if (signal.aborted || !isSame(next, seen)) continue;
    if (next instanceof MicrorunError) refuse(next);
    else renew(next);
  }
}

function isSame(one: Partial<Tls> | MicrorunError, other: Partial<Tls> | MicrorunError): boolean {
  if (one instanceof MicrorunError || other instanceof MicrorunError)
    return (
      (one as MicrorunError).message !== undefined &&
      (one as MicrorunError).message === (other as MicrorunError).message
    );
  return one.cert === other.cert && one.key === other.key && one.ca === other.ca;
}

/** As ISO 8601. */
function endOf(cert: string): string {
  return new Date(new X509Certificate(cert).validTo).toISOString();
}
