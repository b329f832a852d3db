/** Reads the head of a request (RFC 9112 §2–§3, §5, §6): strict where two readers could disagree. */
import { type FieldSource, lazyHeaders } from "../lazy-headers.ts";
import { type Head, limits, type Refusal } from "./h1.ts";

const token = /^[!#$%&'*+\-.^_`|~\w]+$/;
/** All but blanks between fields' values: no CR, no LF, no NUL. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const badValue = /[\0-\x08\x0a-\x1f\x7f]/;
/** Visible, and what is not ASCII: curl sends it as it was typed. */
const target = /^[\x21\x22\x24-\x7e\x80-\xff]+$/;
const hostName = /^(?:[\w.~!$&'()*+,;=%-]*|\[[\da-fA-F:.]+\])(?::\d{0,5})?$/;
const unusual = /[\x80-\xff]/;
const digits = /^\d{1,15}$/;
/** What Node takes, too, but CONNECT and TRACE, of which the fetch standard lets no request be made. */
const methods = new Set(
  (
    "GET HEAD POST PUT PATCH DELETE OPTIONS QUERY ACL BIND CHECKOUT COPY LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR " +
    "MKCOL MOVE NOTIFY PROPFIND PROPPATCH PURGE REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE"
  ).split(" "),
);

/** Names and values in turn; a field that comes twice has both values. */
const flat: FieldSource<readonly string[]> = {
  get(fields, name) {
    let value: string | null = null;
    for (let i = 0; i < fields.length; i += 2)
      if (fields[i] === name)
        value =
          value === null ? fields[i + 1]! : `${value}${name === "cookie" ? "; " : ", "}${fields[i + 1]}`;
    return value;
  },
  each(fields, tell) {
    const names = new Set(fields.filter((_, i) => i % 2 === 0));
    for (const name of names) tell(name, flat.get(fields, name)!);
  },
};

/**
 * @param text of the whole head, one character per byte, without the empty line at its end
 * @param scheme of the connection
 */
export function readHead(text: string, scheme: "http" | "https"): Head | Refusal {
  const lineEnd = endOfLine(text, 0);
  const [method = "", path = "", version, ...more] = text.slice(0, lineEnd).split(" ");
  if (!token.test(method) || !target.test(path) || version === undefined || more.length > 0)
    return { refused: 400 };
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0")
    return { refused: /^HTTP\/\d\.\d$/.test(version) ? 505 : 400 };

  const fields: string[] = [];
  for (let at = lineEnd + 2; at < text.length; ) {
    const end = endOfLine(text, at);
    const colon = text.indexOf(":", at);
    if (colon < 0 || colon > end) return { refused: 400 };
    const name = text.slice(at, colon);
    const value = trimmed(text, colon + 1, end);
    // a name is a token: so there is no blank before the colon, and no line goes on in the next
    if (!token.test(name) || badValue.test(value)) return { refused: 400 };
    fields.push(name.toLowerCase(), value);
    if (fields.length > 2 * limits.fields) return { refused: 431 };
    at = end + 2;
  }
  return understood({ method, path, scheme, fields, old: version === "HTTP/1.0" });
}

interface Line {
  readonly method: string;
  readonly path: string;
  readonly scheme: "http" | "https";
  readonly fields: readonly string[];
  readonly old: boolean;
}

/** What the fields say of the message and of its connection. */
function understood({ method, path, scheme, fields, old }: Line): Head | Refusal {
  let host: string | undefined;
  let length: string | undefined;
  let coding: string | undefined;
  let connection = "";
  let expects = false;
  let upgrades = false;
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1]!;
    switch (fields[i]) {
      case "host":
        if (host !== undefined) return { refused: 400 };
        host = value;
        break;
      case "content-length":
        if (length !== undefined || !digits.test(value)) return { refused: 400 };
        length = value;
        break;
      case "transfer-encoding":
        if (coding !== undefined) return { refused: 400 };
        coding = value.toLowerCase();
        break;
      case "connection":
        connection += `,${value.toLowerCase()}`;
        break;
      case "upgrade":
        upgrades = true;
        break;
      case "expect":
        if (value.toLowerCase() !== "100-continue") return { refused: 417 };
        expects = !old;
    }
  }
  if (coding !== undefined && (length !== undefined || old)) return { refused: 400 };
  if (coding !== undefined && coding !== "chunked")
    // what ends with other than chunks has no end that could be found
    return { refused: /(^|,)[ \t]*chunked$/.test(coding) ? 501 : 400 };
  if (host === undefined ? !old : !hostName.test(host)) return { refused: 400 };
  if (!methods.has(method)) return { refused: 501 };
  const url = urlOf(method, path, `${scheme}://${host || "localhost"}`);
  if (url === undefined) return { refused: 400 };
  const options = connection.split(/[\s,]+/);
  return {
    method,
    url,
    headers: lazyHeaders(fields, flat),
    length: coding === undefined ? Number(length ?? 0) : -1,
    keepAlive: old ? options.includes("keep-alive") : !options.includes("close"),
    old,
    upgrades,
    expects,
  };
}

/** Of the target's four forms those that a server answers (RFC 9112 §3.2). */
function urlOf(method: string, path: string, origin: string): string | undefined {
  let url = origin + path;
  if (path === "*" && method === "OPTIONS") url = `${origin}/*`;
  else if (!path.startsWith("/")) {
    // whole: its host counts, not the field's
    const host = /^https?:\/\/([^/?]+)/i.exec(path)?.[1];
    if (!host || !hostName.test(host)) return undefined;
    url = path;
  }
  // as the client typed it: one character per byte is no text
  const text = unusual.test(url) ? Buffer.from(url, "latin1").toString("utf8") : url;
  return URL.canParse(text) ? new URL(text).href : undefined;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\r\n", from);
  return end < 0 ? text.length : end;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
