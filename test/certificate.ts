/** Certificates for tests, made anew each time: an authority, and whatever it signs. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** The authority's own certificate. */
  readonly ca: string;
  readonly server: Pair;
  readonly client: Pair;
}

/** An authority, a server for localhost and a client, both signed by it. */
export function makeCertificates(): Certificates {
  const authority = makeAuthority();
  return {
    ca: authority.cert,
    server: authority.issue({ name: "localhost" }),
    client: authority.issue({ name: "client" }),
  };
}

export interface Subject {
  readonly name: string;
  /** Kubernetes takes it for the user's group. */
  readonly organization?: string;
  /** Names and IPv4 addresses. @default localhost and 127.0.0.1 */
  readonly hosts?: readonly string[];
  /** How long it is valid from now on; negative: it has expired. @default 1 */
  readonly days?: number;
}

export interface Authority {
  readonly cert: string;
  issue(subject: Subject): Pair;
}

export function makeAuthority(): Authority {
  const authority = keys();
  const issuer = { name: "microrun test authority" };
  return {
    cert: certificate(issuer, authority, issuer, authority),
    issue(subject) {
      const own = keys();
      return {
        cert: certificate(subject, own, issuer, authority),
        key: own.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function keys(): Keys {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

/** X.509 v3 in DER: RFC 5280, as little of it as TLS needs. */
function certificate(subject: Subject, own: Keys, issuer: Subject, authority: Keys): string {
  const isAuthority = own === authority;
  const { days = 1, hosts = ["localhost", "127.0.0.1"] } = subject;
  const algorithm = der(0x30, oid("1.2.840.10045.4.3.2"));
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name(issuer),
    der(0x30, time(Math.min(days, 0) - 1), time(days)),
    name(subject),
    own.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(0x30, ...extensions(isAuthority, hosts))),
  );
  const signature = sign("sha256", body, authority.privateKey);
  const whole = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function extensions(isAuthority: boolean, hosts: readonly string[]): Buffer[] {
  const critical = der(0x01, Buffer.from([255]));
  const basic = isAuthority ? der(0x30, der(0x01, Buffer.from([255]))) : der(0x30);
  const names = der(
    0x30,
    ...hosts.map((host) =>
      isIPv4(host) ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host)),
    ),
  );
  return [
    der(0x30, oid("2.5.29.19"), critical, der(0x04, basic)),
    der(0x30, oid("2.5.29.17"), der(0x04, names)),
  ];
}

function name(subject: Subject): Buffer {
  const part = (type: string, text: string): Buffer =>
    der(0x31, der(0x30, oid(type), der(0x0c, Buffer.from(text))));
  const organization = subject.organization === undefined ? [] : [part("2.5.4.10", subject.organization)];
  return der(0x30, ...organization, part("2.5.4.3", subject.name));
}

/** @param days from now */
function time(days: number): Buffer {
  const text = new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\..*/g, "");
  return der(0x18, Buffer.from(`${text}Z`));
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = rest.flatMap((number) => {
    const parts = [number & 127];
    for (let left = number >> 7; left > 0; left >>= 7) parts.unshift((left & 127) | 128);
    return parts;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}
