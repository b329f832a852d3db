/** A call is a value: who is asked for what, with which message, until when. Everything else is a wrapper around it. */

import type { Upgrade } from "./web-socket.ts";

/** A message's fields as Go Micro's registries write them (registry.Value): names of JSON, types of Go. */
export interface Shape {
  readonly name: string;
  /** `HelloRequest`, `string`, `int64`, `[]string` */
  readonly type: string;
  /** Of a message; null for anything else, and below the third level. */
  readonly values: readonly Shape[] | null;
}

/** What is used here of JSON Schema (2020-12). */
export interface JsonSchema {
  readonly type?: "object" | "array" | "string" | "number" | "integer" | "boolean";
  readonly title?: string;
  /** What the `.proto` says beside it. */
  readonly description?: string;
  readonly deprecated?: boolean;
  /** Set by the service, whatever is sent. */
  readonly readOnly?: boolean;
  /** Never sent by the service. */
  readonly writeOnly?: boolean;
  /** Of a text: `int64`, `uint64`, `byte`, `date-time`, `field-mask`; of a number: `int32`, `int64`, `float`, `double`. */
  readonly format?: string;
  /** Of a text: the regular expression that it matches. */
  readonly pattern?: string;
  readonly examples?: readonly string[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema;
  readonly items?: JsonSchema;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  /** Of the fields that name the same oneof, one may be set. */
  readonly "x-oneof"?: string;
  /** The default value is not the same as none. */
  readonly "x-optional"?: boolean;
}

/** A field of a message, as paths and query strings name it. */
export interface Field {
  /** In the `.proto`: `user_name`. */
  readonly name: string;
  /** `userName` */
  readonly jsonName: string;
  readonly shape: "one" | "list" | "map";
  /** The text of a value (of a list or map: of one of them) → its JSON. Absent: a message's fields are named one by one. */
  readonly fromText?: (text: string) => unknown;
  /** Its type, where it is a message's. */
  readonly message?: MessageType;
  /** Its JSON while nobody has set it. */
  readonly unset: unknown;
}

/** One line of a method's `google.api.http`: a request of HTTP that calls it. */
export interface HttpRule {
  /** `GET`; `*`: any. */
  readonly verb: string;
  /** `/v1/{name=shelves/*}:archive` */
  readonly path: string;
  /** The request's field that the body is; `*`: all that the path does not say; empty: there is no body. */
  readonly body: string;
  /** The reply's field that the body is; empty: the whole reply. */
  readonly responseBody: string;
}

/** How the messages of one type travel. Made from a `.proto` by `grpc/schema/`, or by `jsonMessage` without one. */
export interface MessageType {
  /** Full protobuf name, `greeter.HelloRequest`; empty without a schema. */
  readonly name: string;
  /**
   * Protobuf bytes, from `start` (0) to `end` (their length) → handler value. Absent without a schema.
   * @throws MicrorunError `invalid_argument` on garbage
   */
  readonly decode?: (bytes: Uint8Array, start?: number, end?: number) => unknown;
  /** The same → canonical proto3 JSON, at once. @default by `decode` and `toJson` */
  readonly decodeJson?: (bytes: Uint8Array, start?: number, end?: number) => unknown;
  /** Handler value → protobuf bytes. Absent without a schema. @throws MicrorunError `invalid_argument`, naming field and type */
  readonly encode?: (value: unknown) => Uint8Array;
  /** Canonical proto3 JSON (already parsed) → handler value. @throws MicrorunError `invalid_argument`, naming field and type */
  readonly fromJson: (json: unknown) => unknown;
  /** Handler value → canonical proto3 JSON (ready for `JSON.stringify`). */
  readonly toJson: (value: unknown) => unknown;
  /** What a registry tells of it. Absent without a schema. */
  readonly shape?: () => Shape;
  /** Of its JSON. Absent without a schema. */
  readonly schema?: () => JsonSchema;
  /** Absent without a schema. */
  readonly fields?: () => readonly Field[];
}

/** A call that is passed on as it came: its messages are bytes, which nobody here reads. */
export interface Passing {
  /** What they are told to be: `application/grpc+proto`. */
  readonly contentType: string;
  /** Its caller speaks Go Micro: the callee is told so by the same fields. */
  readonly micro: boolean;
}

/** The `reason` of the error of a call whose one reply turned out to be a stream. */
export const severalReplies = "SEVERAL_REPLIES";

/** One method of a service: its names, its shape and its messages. */
export interface Method {
  /** The service's full name, protobuf package included: `greeter.Greeter`; without a schema just `Greeter`. */
  readonly service: string;
  /** `Hello` */
  readonly name: string;
  /** The client sends a stream: `Call.request` is an `AsyncIterable`. */
  readonly requestStream: boolean;
  /** The server sends a stream: the reply is an `AsyncIterable`. */
  readonly responseStream: boolean;
  /** Declared `idempotency_level = NO_SIDE_EFFECTS`: may be asked by GET and retried. */
  readonly idempotent: boolean;
  /** Callers had better ask by another one. @default false */
  readonly deprecated?: boolean;
  readonly request: MessageType;
  readonly response: MessageType;
  /** What REST calls it by. @default nothing */
  readonly http?: readonly HttpRule[];
  /** @default its messages are read and written by their types */
  readonly passing?: Passing;
}

/** Metadata the handler sends with its reply; a client finds here what the server sent. */
export interface ReplyMetadata {
  /** Sent before the first message. */
  readonly header: Headers;
  /** Sent after the last message. */
  readonly trailer: Headers;
}

/** What a token says of who bears it (RFC 7519). */
export interface Claims {
  /** Whom it is about. */
  readonly sub?: string;
  /** Who signed it. */
  readonly iss?: string;
  /** Whom it is for. */
  readonly aud?: string | string[];
  /** Its end, and when it was made, in seconds since the epoch. */
  readonly exp?: number;
  readonly iat?: number;
  readonly [name: string]: unknown;
}

export interface Call {
  /** As in `Method.service`; for an outgoing call the name asked for. */
  readonly service: string;
  readonly method: string;
  /** The handler value of the request, or an `AsyncIterable` of them when the client streams. */
  readonly request: unknown;
  /**
   * Lower-case keys; a repeated key's values are joined with `", "`. Values of keys that end in `-bin` are base64
   * (gRPC's own form on the wire), several joined with `","`. Nobody changes them once the call is made.
   */
  readonly metadata: Headers;
  /** Aborted on cancel, on the deadline and on a forced shutdown; its `reason` is the `MicrorunError` that says which. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch; absent: no deadline. */
  readonly deadline?: number | undefined;
  /** `ip:port` of the caller, where the transport knows it. */
  readonly peer?: string | undefined;
  /** Absent where nobody wants the reply's metadata. */
  readonly reply?: ReplyMetadata | undefined;
  /** How the messages travel. Absent on an outgoing call: unary JSON. */
  readonly type?: Method | undefined;
  /** Of a token that holds: what middleware found, never what a caller says. Absent: nobody asked for one, or none was brought. */
  readonly claims?: Claims | undefined;
  /** Of an outgoing call: the service that the registry is asked for, or the `host:port` that was named. */
  readonly target?: string | undefined;
  /** Of an outgoing call that middleware stands around: its client's own, which goes on with a changed call. */
  readonly way?: unknown;
  /** A field of the transport's own, none of the metadata: `content-type`, `:authority`. Absent where it has none. */
  field?(name: string): string | undefined;
}

/** Visible ASCII and blanks: what gRPC allows in a metadata value that is not binary. */
const printable = /^[\x20-\x7e]*$/;

const base64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}(?:==)?|[A-Za-z\d+/]{3}=?)?$/;

/** Whether gRPC can carry a metadata value: under a key that ends in `-bin` base64, several joined by commas; else printable ASCII. */
export function isMetadataValue(key: string, value: string): boolean {
  if (!key.endsWith("-bin")) return printable.test(value);
  return value.split(",").every((one) => base64.test(one.trim()));
}

/**
 * Answers a call: the reply's handler value, or an `AsyncIterable` of them when the server streams.
 * Rejects with a `MicrorunError` only. Whoever made `call.signal` must answer for an abort itself: a handler may never settle.
 */
export type Dispatch = (call: Call) => Promise<unknown>;

export type Middleware = (next: Dispatch) => Dispatch;

/**
 * What answers a web request. `peer` is the caller's `ip:port`. `stop` is aborted, its reason a MicrorunError, when the server
 * can wait no longer: an answer given then still goes out. `upgrade` makes it a WebSocket, where that can be.
 */
export type Fetch = (
  request: Request,
  peer?: string,
  stop?: AbortSignal,
  upgrade?: Upgrade,
) => Response | Promise<Response>;

/** Messages as the bytes that they are on the wire. */
export const bytesMessage: MessageType = {
  name: "",
  decode: (bytes, start, end) => bytes.slice(start, end),
  encode: (value) => value as Uint8Array,
  fromJson: (value) => value,
  toJson: (value) => value,
};

/** A type without a schema: values are whatever JSON says. */
export const jsonMessage: MessageType = {
  name: "",
  fromJson: (json) => json,
  toJson: (value) => value ?? {},
};

/** A method that no schema describes: JSON, and unary unless `streams` says otherwise. */
export function jsonMethod(
  service: string,
  name: string,
  streams: Partial<Pick<Method, "requestStream" | "responseStream">> = {},
): Method {
  const unary = { requestStream: false, responseStream: false, idempotent: false };
  return { service, name, ...unary, ...streams, request: jsonMessage, response: jsonMessage };
}
