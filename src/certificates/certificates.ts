/** Certificates and keys, read from their files and held against each other, so that a wrong one is told at start. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { MicrorunError, usageError } from "../errors.ts";
import type { Tls } from "../transport/transport.ts";

/** Paths of PEM files, by the flags that name them. */
export interface TlsFiles {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
}

/**
 * @param prefix of the flags' names: `tls` or `client_tls`
 * @returns undefined without any file
 * @throws MicrorunError `invalid_argument`
 */
export function readTls(files: TlsFiles, prefix = "tls"): Partial<Tls> | undefined {
  const flags = { cert: `${prefix}_cert`, key: `${prefix}_key`, ca: `${prefix}_ca` };
  if ((files.cert === undefined) !== (files.key === undefined)) {
    const [there, missing] = files.key === undefined ? [flags.cert, flags.key] : [flags.key, flags.cert];
    throw usageError(`--${there}: useless without --${missing}`, `give --${missing} too`);
  }
  const ca = files.ca === undefined ? undefined : readCertificate(flags.ca, files.ca).pem;
  if (files.cert === undefined || files.key === undefined) return ca === undefined ? undefined : { ca };
  const { pem: cert, first } = readCertificate(flags.cert, files.cert);
  const key = readPem(flags.key, files.key);
  const parsed = parse(flags.key, files.key, "private key", () => createPrivateKey(key));
  if (!first.checkPrivateKey(parsed)) {
    throw usageError(
      `--${flags.key}=${files.key}: not the key of ${files.cert}`,
      "give the key it was made with",
    );
  }
  return { cert, key, ...(ca === undefined ? {} : { ca }) };
}

function readCertificate(flag: string, file: string): { pem: string; first: X509Certificate } {
  const pem = readPem(flag, file);
  return { pem, first: parse(flag, file, "certificate", () => new X509Certificate(pem)) };
}

function readPem(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = { ENOENT: "no such file", EACCES: "no permission to read it", EISDIR: "a folder" }[
      code ?? ""
    ];
    throw new MicrorunError("invalid_argument", `--${flag}=${file}: ${why ?? `unreadable (${code})`}`, {
      hint: "name a PEM file that this user may read",
      cause: error,
    });
  }
}

function parse<T>(flag: string, file: string, what: string, work: () => T): T {
  try {
    return work();
  } catch {
    // the parser's own words may quote the key
    throw usageError(`--${flag}=${file}: holds no ${what}`, "give a PEM file, as openssl writes it");
  }
}
