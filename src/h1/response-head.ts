/** Writes the head of a response (RFC 9112 §4, §5): what belongs to the connection is ours to say. */

/** How the body's end is told. */
export type Framing =
  | { readonly length: number }
  /** In chunks, or by the connection's end. */
  | "chunked"
  | "close"
  /** There is none, and its length is not said. */
  | "none";

/** Of the connection, or of its framing. */
const ours = /^(connection|content-length|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/;
/** A handler's own headers cannot hold these; what is not the platform's may. */
const breaking = /[\r\n\0]|[^\0-\xff]/;

export interface ResponseHead {
  readonly status: number;
  readonly fields: readonly string[];
  readonly framing: Framing;
  /** What the client needs to be told of it; `upgrade`: it is a WebSocket from now on. */
  readonly connection: "close" | "keep-alive" | "upgrade" | undefined;
  /** Of the `date` field, unless `fields` have one. */
  readonly date: string;
  /** `fields` are the same array each time. @default false */
  readonly shared?: boolean;
}

/** Of fields that are the same array each time. */
const kept = new WeakMap<readonly string[], string>();

/** @throws TypeError for a field that would end too early */
export function responseHead(head: ResponseHead): string {
  const { status, fields, framing, connection, date, shared = false } = head;
  let lines = shared ? kept.get(fields) : undefined;
  if (lines === undefined) {
    lines = fieldLines(fields);
    if (shared) kept.set(fields, lines);
  }
  let text = `HTTP/1.1 ${status} ${reasons[status] ?? ""}\r\n${lines}`;
  if (!lines.includes("date: ") || !fields.includes("date")) text += `date: ${date}\r\n`;
  if (connection === "upgrade") text += "upgrade: websocket\r\n";
  if (connection !== undefined) text += `connection: ${connection}\r\n`;
  if (framing === "chunked") text += "transfer-encoding: chunked\r\n";
  else if (typeof framing === "object") text += `content-length: ${framing.length}\r\n`;
  return `${text}\r\n`;
}

function fieldLines(fields: readonly string[]): string {
  let lines = "";
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    if (ours.test(name)) continue;
    if (breaking.test(value)) throw new TypeError(`response header ${name}: not a field's value`);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** The whole answer to what is no request that could be asked of anybody. */
export function refusal(status: number, date: string): string {
  const head = { status, fields: [], framing: { length: 0 }, connection: "close", date } as const;
  return responseHead(head);
}

/** RFC 9110 §15 and what else is registered; others go without. */
const reasons: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non-Authoritative Information",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  207: "Multi-Status",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Payload Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  418: "I'm a Teapot",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  499: "Client Closed Request",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  507: "Insufficient Storage",
};
