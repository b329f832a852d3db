/** Certificates and keys, read from their files and held against each other, so that a wrong one is told at start. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { MicrorunError, usageError } from "../errors.ts";
import type { Tls } from "../transport/transport.ts";

export interface TlsFiles {
  readonly tls_cert: string | undefined;
  readonly tls_key: string | undefined;
  readonly tls_ca: string | undefined;
}

/** @returns undefined without any file @throws MicrorunError `invalid_argument` */
export function readTls(files: TlsFiles): Partial<Tls> | undefined {
  const { tls_cert, tls_key, tls_ca } = files;
  if ((tls_cert === undefined) !== (tls_key === undefined)) {
    const [there, missing] = tls_key === undefined ? ["tls_cert", "tls_key"] : ["tls_key", "tls_cert"];
    throw usageError(`--${there}: useless without --${missing}`, `give --${missing} too`);
  }
  const ca = tls_ca === undefined ? undefined : readCertificate("tls_ca", tls_ca).pem;
  if (tls_cert === undefined || tls_key === undefined) return ca === undefined ? undefined : { ca };
  const { pem: cert, first } = readCertificate("tls_cert", tls_cert);
  const key = readPem("tls_key", tls_key);
  const parsed = parse("tls_key", tls_key, "private key", () => createPrivateKey(key));
  if (!first.checkPrivateKey(parsed)) {
    throw usageError(`--tls_key=${tls_key}: not the key of ${tls_cert}`, "give the key it was made with");
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
