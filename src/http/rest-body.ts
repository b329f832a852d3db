/** The bodies of REST calls: JSON, a form or raw bytes in; JSON or raw bytes out. */
import { MicrorunError } from "../errors.ts";
import { type Binding, isHttpBody, type Match } from "../rest/rest.ts";
import { decompress, readBody } from "./body.ts";
import { type Codec, mediaType, parseJson } from "./codec.ts";
import { isBare, isForeign } from "./connect-request.ts";
import type { Answering } from "./unary.ts";

/** The request's handler value. @throws MicrorunError */
export async function readRequest(
  request: Request,
  { binding, request: message }: Match,
  { maxBodyBytes }: Answering,
): Promise<unknown> {
  const query = queryOf(request);
  if (binding.body === undefined) return message(query);
  const { headers } = request;
  const body = await readBody(request, maxBodyBytes);
  const bytes = await decompress(body, headers.get("content-encoding"), maxBodyBytes);
  if (takesRaw(binding)) return message(query, httpBody(headers, bytes));
  if (bytes.length === 0) return message(query);
  return message(
    query,
    isForm(headers, bytes) ? new URLSearchParams(Buffer.from(bytes).toString()) : parseJson(bytes),
  );
}

export function queryOf({ url }: Request): URLSearchParams {
  const start = url.indexOf("?");
  return new URLSearchParams(start < 0 ? "" : url.slice(start));
}

/** Whatever is sent is the value. */
export function takesRaw({ body, method }: Binding): boolean {
  return isHttpBody(body === "*" ? method.request : body?.message);
}

/** The JSON of a google.api.HttpBody. */
export function httpBody(headers: Headers, bytes: Uint8Array): object {
  return { contentType: headers.get("content-type") ?? "", data: Buffer.from(bytes).toString("base64") };
}

/** `curl -d` calls JSON a form. */
function isForm(headers: Headers, bytes: Uint8Array): boolean {
  if (mediaType(headers) !== "application/x-www-form-urlencoded") return false;
  const start = bytes.find((byte) => byte > 0x20);
  return start !== undefined && !'{["'.includes(String.fromCharCode(start));
}

/** @throws MicrorunError `permission_denied` for what a page of another site sends, as it may without asking */
export function checkOrigin({ method, headers }: Request, answering: Pick<Answering, "trusts">): void {
  const type = mediaType(headers);
  if (method !== "POST" || !(isBare(type) || type === "multipart/form-data")) return;
  if (isForeign(headers, answering))
    throw new MicrorunError("permission_denied", "a page of another site may not call by a form");
}

/** Undefined: the body may be read. Else what it should have been. */
export function wrongType({ headers }: Request, binding: Binding): string | undefined {
  const type = mediaType(headers);
  const fits = binding.body === undefined || takesRaw(binding) || isBare(type) || isJson.test(type);
  return fits ? undefined : `content-type ${type}: application/json is expected`;
}

const isJson = /^application\/([\w.+-]+\+)?json$|^application\/(x-)?ndjson$/;

/** Writes one reply; its content type is known once one is written. */
export interface ReplyCodec extends Codec {
  readonly type: string;
}

const utf8 = new TextEncoder();

export function replyCodec(binding: Binding): ReplyCodec {
  const { responseBody } = binding;
  const raw = sendsRaw(binding);
  let type = "application/json";
  return {
    name: "json",
    get type() {
      return type;
    },
    decode: () => undefined,
    encode({ response }, value) {
      const json = response.toJson(value) as Record<string, unknown>;
      const sent = responseBody === undefined ? json : (json[responseBody.jsonName] ?? responseBody.unset);
      if (!raw) return utf8.encode(JSON.stringify(sent));
      const { contentType, data = "" } = sent as { contentType?: string; data?: string };
      type = contentType || "application/octet-stream";
      return Buffer.from(data, "base64");
    },
  };
}

/** Its replies are bytes of a type of their own. */
export function sendsRaw({ responseBody, method }: Binding): boolean {
  return isHttpBody(responseBody === undefined ? method.response : responseBody.message);
}
