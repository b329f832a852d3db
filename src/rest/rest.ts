/** REST by `google.api.http`: which requests of HTTP are calls of which methods, and what their paths, queries and bodies say. */
import type { Field, HttpRule, Method } from "../call.ts";
import type { Endpoint } from "../service/service.ts";

/** What one segment of a path must be; `*`: anything, `**`: the rest of the path, be it empty. */
export type Segment = { readonly literal: string } | "*" | "**";

/** `/v1/{name=shelves/*}/books:archive`, read. */
export interface Template {
  readonly segments: readonly Segment[];
  readonly variables: readonly Variable[];
  /** `archive`; empty: there is none. */
  readonly verb: string;
}

/** The part of a path that is a field's value. */
export interface Variable {
  /** `book.name` */
  readonly field: string;
  /** Its segments: from the first one up to that one. */
  readonly from: number;
  readonly to: number;
  /** It may hold slashes: then `%2F` in it stays as it is. */
  readonly several: boolean;
}

/** From a message's field to a field within it; never empty. */
export type FieldPath = readonly Field[];

/** One rule of one method, checked. */
export interface Binding {
  readonly endpoint: Endpoint;
  readonly method: Method;
  readonly rule: HttpRule;
  readonly template: Template;
  /** By the template's variables. */
  readonly bound: readonly FieldPath[];
  /** The field that the body is; `*`: all that is not bound. Undefined: no body is read. */
  readonly body: Field | "*" | undefined;
  /** The reply's field that is sent. Undefined: all of it. */
  readonly responseBody: Field | undefined;
}

/** A request that has a binding. */
export interface Match {
  readonly binding: Binding;
  /**
   * The request's handler value.
   * @param body its JSON. @default there is none
   * @throws MicrorunError `invalid_argument`
   */
  request(query: URLSearchParams, body?: unknown): unknown;
}

export interface Routes {
  readonly bindings: readonly Binding[];
  /**
   * The binding that fits most exactly: segment by segment a text goes before `*`, and that before `**`.
   * @param verb `GET`
   * @param path as it was sent, without its query
   * @returns which other verbs the path has, where it has none by this one; undefined: it is no path of these
   */
  match(verb: string, path: string): Match | { readonly allow: readonly string[] } | undefined;
}

/** Raw bytes with a type of their own, instead of JSON. */
export function isHttpBody(type: { readonly name: string } | undefined): boolean {
  return type?.name === "google.api.HttpBody";
}
